"""A process that has imported torch once and forks a fresh process for every task.

Importing torch costs seconds; a fork of a process that has done so starts in milliseconds and is still a process of
its own: it can crash, hang or be killed without taking anything with it. The server itself computes nothing and never
touches a GPU, because neither a thread pool nor a CUDA context survives a fork. Each task runs below a supervisor
(:mod:`ganbench.processes.supervisor`), which bounds its log and ends what it leaves behind.

It speaks JSON lines. In: ``{"op": "start", "id": ..., "task": "trial" | "resolve" | "resolve-sources" | "cuda",
"arguments": [...], "log": ..., "environment": {...}, "memory_limit": bytes or null}`` and ``{"op": "kill", "id": ...,
"hard": bool}``. Out, once a task has ended: ``{"id": ..., "code": ..., "why": ..., "left": ..., "last_line": ...}``,
where ``code`` is its exit code, or the signal that killed it, below 0; ``why`` is empty, or a status or
``memory-limit`` and the reason; ``left`` counts the processes that it left behind; and ``last_line`` is the last it
printed if it failed or its log could not be written. Where torch or what else tasks need cannot be imported, it says
``{"cannot_start": why, "trace": ...}`` and ends. When its input closes, because its host has ended however it did,
it ends all its tasks and itself.
"""

import contextlib
import json
import os
import select
import signal
import sys
import traceback
from typing import Any

from ganbench.errors import with_kind
from ganbench.processes import become_subreaper, below
from ganbench.processes.supervisor import END, Supervisor, not_forked, report


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
    become_subreaper()

    try:
        import_for_all()
    except Exception as error:
        message = {"cannot_start": with_kind(error), "trace": traceback.format_exc()}
        with os.fdopen(channel, "wb") as out:
            out.write((json.dumps(message) + "\n").encode())
        return 1

    running: dict[int, str] = {}
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
                _obey(json.loads(line), running, channel, (wake_read, wake_write))


def import_for_all() -> None:
    """Import what every task needs, also to draw points."""
    import ganbench.resolving.plans
    import ganbench.trial  # noqa: F401
    from ganbench.evaluation.preview import import_matplotlib

    import_matplotlib()


def _obey(message: dict[str, Any], running: dict[int, str], channel: int, private: tuple[int, ...]) -> None:
    if message["op"] == "start":
        try:
            child = os.fork()
        except OSError as error:  # which is no reason to end those that run
            report(channel, message["id"], 1, why=not_forked(error))
            return
        if child == 0:
            # Whatever goes wrong in here must not come back as a second server.
            try:
                Supervisor(message, channel).run(lambda: _perform(message), private)
            finally:
                os._exit(1)
        running[child] = message["id"]
    elif message["op"] == "kill":
        for child, name in running.items():
            if name == message["id"]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, END if message["hard"] else signal.SIGTERM)


def _perform(message: dict[str, Any]) -> int:
    if message["task"] == "trial":
        from ganbench.trial import main as trial

        return trial(message["arguments"])
    if message["task"] == "resolve":
        from ganbench.resolving.plans import main as resolve

        return resolve(*message["arguments"])
    if message["task"] == "resolve-sources":
        from ganbench.resolving.sources import main as resolve_sources

        return resolve_sources(*message["arguments"])
    if message["task"] == "cuda":
        from ganbench.provenance.cuda import main as cuda

        return cuda()
    raise ValueError(f"there is no task {message['task']!r}")


def _reap(channel: int, running: dict[int, str]) -> None:
    """Forget supervisors that have ended; report for one that could not do so itself."""
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if child == 0:
            break
        name = running.pop(child, None)
        if name is not None and status != 0:
            report(channel, name, os.waitstatus_to_exitcode(status))
    # The children of a supervisor that was killed are ours now; its task has been killed with it.
    # Looked for before the others, so that what starts meanwhile is not among them.
    everyone = set(below(os.getpid()))
    for stray in everyone - {pid for child in running for pid in (child, *below(child))}:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(stray, signal.SIGKILL)


def _end_all(running: dict[int, str]) -> None:
    for child in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, END)
    for child in running:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)


if __name__ == "__main__":
    sys.exit(serve())
