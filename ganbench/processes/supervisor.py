"""Between the fork server and a task: keeps its log within bounds, and lets nothing that it started outlive it.

A supervisor is a small process that forks the task and waits. Linux makes it the parent of every orphan below it
(``PR_SET_CHILD_SUBREAPER``), so that also a child that left the process group, or became a daemon, is found and ended.
Elsewhere it ends the task's process group.

``SIGTERM`` is passed on to the task; ``SIGUSR1`` ends the task and all below it, and is what Linux sends when the fork
server dies. Elsewhere the supervisor looks whether that still lives, and the task whether its supervisor does.
"""

import contextlib
import errno
import faulthandler
import json
import math
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from ganbench.processes import (
    LOOK_SECONDS,
    MEMORY_LIMIT,
    are_seen,
    become_subreaper,
    die_with_parent,
    end_all_below,
    end_without,
    kernel_kills,
    memory_below,
    signal_group,
)
from ganbench.processes.capped_log import CappedLog

END = signal.SIGUSR1
LAST_LINE = 600
"""Characters of a last line that are reported, at most."""

# A trial is the first to go when the machine runs out of memory, not the run that it belongs to.
_OOM_SCORE = "500"


class Supervisor:
    """One task while it runs."""

    def __init__(self, message: dict[str, Any], channel: int) -> None:
        self._message = message
        self._channel = channel
        self._parent = os.getppid()
        self._worker = 0
        self._ending = False
        self._why = ""

    def run(self, task: Callable[[], int], private: tuple[int, ...]) -> NoReturn:
        """Fork the task, wait for its end, report it and exit. Never returns."""
        os.setpgid(0, 0)
        die_with_parent(END)
        become_subreaper()
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        # A request to end that comes meanwhile waits for the task: forking all that torch has mapped takes a while, and
        # until it is done there is nobody to pass it on to.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        for number in (signal.SIGTERM, END, signal.SIGCHLD):
            signal.signal(number, self._on_signal)
        if os.getppid() != self._parent:
            os._exit(1)
        before = kernel_kills()
        out_read, out_write = os.pipe()
        me = os.getpid()
        try:
            self._worker = os.fork()
        except OSError as error:
            report(self._channel, self._message["id"], 1, why=not_forked(error))
            os._exit(0)
        if self._worker == 0:
            unshared = (*private, self._channel, wake_read, wake_write, out_read)
            become_task(self._message, task, out_write, unshared, me)
        os.close(out_write)
        for descriptor in private:
            os.close(descriptor)
        with contextlib.suppress(OSError):
            os.setpgid(self._worker, self._worker)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        log = CappedLog(self._message["log"])
        status = self._wait(log, out_read, wake_read)
        if not are_seen():
            # What it left cannot be found one by one; as long as there is some, the group's number is not given again.
            signal_group(self._worker, signal.SIGKILL)
        left = end_all_below(os.getpid())
        self._drain(log, out_read)
        log.close()
        self._report(status, left, kernel_kills() > before, log)
        os._exit(0)

    def _wait(self, log: CappedLog, out: int, wake: int) -> int:
        """Copy the task's output until the task has ended; return its wait status."""
        sources = [out, wake]
        looked = 0.0
        while True:
            readable, _, _ = select.select(sources, [], [], LOOK_SECONDS)
            if wake in readable:
                with contextlib.suppress(BlockingIOError):
                    os.read(wake, 4096)
            if out in readable:
                data = os.read(out, 1 << 16)
                log.write(data)
                if not data:
                    sources.remove(out)  # the task closed its output; it may go on
            if time.monotonic() - looked >= LOOK_SECONDS:
                looked = time.monotonic()
                self._look_at_memory()
                self._ending = self._ending or os.getppid() != self._parent
            if self._ending:
                signal_group(self._worker, signal.SIGKILL)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._worker, signal.SIGKILL)
            child, status = self._reap()
            if child:
                return status

    def _look_at_memory(self) -> None:
        """End the task where it and all below it use more than they may."""
        limit = self._message.get("memory_limit")
        if limit and not self._ending and (used := memory_below(os.getpid())) > limit:
            self._ending = True
            self._why = (
                f"{MEMORY_LIMIT}: it used {used / 2**20:,.0f} MiB, more than the {limit / 2**20:,.0f} of --memory-limit"
            )

    def _reap(self) -> tuple[int, int]:
        """Collect what has ended; return the task's process and wait status once it is among that."""
        while True:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return self._worker, 0
            if child in (0, self._worker):
                return child, status

    def _drain(self, log: CappedLog, out: int) -> None:
        """Take in what is still in the pipe: all who could write to it are gone."""
        os.set_blocking(out, False)
        with contextlib.suppress(BlockingIOError):
            while data := os.read(out, 1 << 16):
                log.write(data)

    def _report(self, status: int, left: int, kernel_killed: bool, log: CappedLog) -> None:
        if os.getppid() != self._parent:
            return  # the fork server has died: its host finds out by itself
        code = os.waitstatus_to_exitcode(status)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        if code == -signal.SIGKILL and kernel_killed and not self._ending:
            self._why = f"out-of-memory: the kernel killed it for lack of memory, at {peak / 2**30:.2f} GiB"
        # What ended a task that ended by itself, and could perhaps be written nowhere else.
        last_line = log.last_line[-LAST_LINE:] if code > 0 or log.lost else ""
        report(self._channel, self._message["id"], code, why=self._why, left=left, last_line=last_line)

    def _on_signal(self, number: int, frame: Any) -> None:
        if number == END:
            self._ending = True
        elif number == signal.SIGTERM:
            signal_group(self._worker, signal.SIGTERM)


def become_task(
    message: dict[str, Any], task: Callable[[], int], out: int, private: tuple[int, ...], supervisor: int
) -> NoReturn:
    """Turn the forked copy into the task. Never returns."""
    code = 1
    try:
        os.setpgid(0, 0)
        if not die_with_parent(signal.SIGKILL):
            end_without(supervisor)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, END):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        for descriptor in private:
            os.close(descriptor)
        os.environ.update(message["environment"])
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.close(out)
        # A line that was printed is in the log also when the process is killed right after.
        sys.stdout = os.fdopen(1, "w", buffering=1, errors="backslashreplace", closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
        faulthandler.enable()
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, "ascii")
        code = task()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code & 0xFF)


def not_forked(error: OSError) -> str:
    """Why there is no process for a task, as the message of its end says it."""
    if error.errno == errno.ENOMEM:
        return "out-of-memory: there is no memory for another process"
    return (
        f"failed: no process can be started ({error.strerror}); run fewer trials at once, or raise the limit of "
        "processes (ulimit -u, or that of the container)"
    )


def report(channel: int, name: str, code: int, *, why: str = "", left: int = 0, last_line: str = "") -> None:
    """Tell the host how a task ended, in one piece, so that several processes may write to one channel.

    What a pipe takes in one piece is little (4 KiB on Linux, 512 bytes elsewhere), and a character may take 12 bytes of
    JSON: a last line that is too long is cut at its beginning.
    """
    message = {"id": name, "code": code, "why": why, "left": left}
    while len(line := (json.dumps(message | {"last_line": last_line}) + "\n").encode()) > select.PIPE_BUF and last_line:
        last_line = last_line[math.ceil((len(line) - select.PIPE_BUF) / 12) :]
    with contextlib.suppress(BrokenPipeError):
        os.write(channel, line)
