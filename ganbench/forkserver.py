"""A process that has imported torch once and forks a fresh process for every task.

Importing torch costs seconds; a fork of a process that has done so starts in milliseconds and is still a process of
its own: it can crash, hang or be killed without taking anything with it. The server itself computes nothing and never
touches a GPU, because neither a thread pool nor a CUDA context survives a fork.

It speaks JSON lines. In: ``{"op": "start", "id": ..., "task": "trial" | "resolve" | "resolve-sources",
"arguments": [...], "log": ..., "environment": {...}}`` and ``{"op": "kill", "id": ..., "signal": ...}``. Out:
``{"event": "ready"}`` and ``{"event": "exit", "id": ..., "code": ..., "signal": ...}``. When its input closes, because
its host has ended however it did, it ends all its tasks and itself.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import traceback
from typing import Any, NoReturn

GRACE_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1


def serve() -> int:
    """Serve until the input closes."""
    # A copy keeps the channel to the host apart from whatever a task prints.
    channel = os.dup(1)
    os.dup2(2, 1)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    # Ctrl-C reaches the whole foreground group; only the host decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    import ganbench.resolve
    import ganbench.trial  # noqa: F401  # imported for every task to come

    running: dict[int, str] = {}
    _send(channel, {"event": "ready"})
    pending = b""
    while True:
        readable, _, _ = select.select([0, wake_read], [], [])
        if wake_read in readable:
            os.read(wake_read, 4096)
            _reap(channel, running)
        if 0 in readable:
            data = os.read(0, 65536)
            if not data:
                _end_all(running)
                return 0
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                _obey(json.loads(line), running, (channel, wake_read, wake_write))


def _obey(message: dict[str, Any], running: dict[int, str], private: tuple[int, ...]) -> None:
    if message["op"] == "start":
        child = os.fork()
        if child == 0:
            _become(message, private)
        running[child] = message["id"]
        # Done on both sides, so that whoever is first, a kill of the group reaches it.
        with contextlib.suppress(OSError):
            os.setpgid(child, child)
    elif message["op"] == "kill":
        for child, name in running.items():
            if name == message["id"]:
                _signal_group(child, message["signal"])


def _become(message: dict[str, Any], private: tuple[int, ...]) -> NoReturn:
    """Turn the forked copy into the task. Never returns."""
    code = 1
    try:
        os.setpgid(0, 0)
        _die_with_parent()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for descriptor in private:
            os.close(descriptor)
        os.environ.update(message["environment"])
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        log = os.open(message["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        if message["task"] == "trial":
            from ganbench.trial import main as trial

            code = trial(message["arguments"])
        elif message["task"] == "resolve":
            from ganbench.resolve import main as resolve

            code = resolve(*message["arguments"])
        elif message["task"] == "resolve-sources":
            from ganbench.resolve_sources import main as resolve_sources

            code = resolve_sources(*message["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _reap(channel: int, running: dict[int, str]) -> None:
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if child == 0:
            return
        name = running.pop(child, None)
        if name is None:
            continue
        # What the task itself started must not outlive it.
        _signal_group(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(status)
        _send(channel, {"event": "exit", "id": name, "code": code, "signal": max(0, -code)})


def _end_all(running: dict[int, str]) -> None:
    for child in running:
        _signal_group(child, signal.SIGKILL)
    for child in running:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)


def _signal_group(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, number)


def _die_with_parent() -> None:
    """Ask Linux to kill this process when the server dies, so that a killed server leaves nobody behind."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _send(channel: int, message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(channel, (json.dumps(message) + "\n").encode())


if __name__ == "__main__":
    sys.exit(serve())
