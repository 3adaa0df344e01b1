"""Between the fork server and a task: keeps its log within bounds, and lets nothing that it started outlive it.

A supervisor is a small process that forks the task and waits. Linux makes it the parent of every orphan below it
(``PR_SET_CHILD_SUBREAPER``), so that also a child that left the process group, or became a daemon, is found and ended.
Elsewhere it ends the task's process group.

``SIGTERM`` is passed on to the task; ``SIGUSR1`` ends the task and all below it, and is what the kernel sends when
the fork server dies.
"""

import contextlib
import ctypes
import faulthandler
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

END = signal.SIGUSR1
LOG_HEAD = 4 << 20
LOG_TAIL = 64 << 10
"""Bytes of a log that are kept from its beginning and from its end; what is between them is left out."""
LAST_WORDS = 1000
LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 10.0

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
# A trial is the first to go when the machine runs out of memory, not the run that it belongs to.
_OOM_SCORE = "500"


class CappedLog:
    """A file that is appended to, up to a size; beyond it only the newest bytes are kept, and written at the end."""

    def __init__(self, path: str) -> None:
        self._file: int | None
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError:
            self._file = None  # a full disk costs the log, not the trial
        self._room = LOG_HEAD
        self._latest = b""
        self.lost = self._file is None
        self._tail: deque[bytes] = deque()
        self._held = 0
        self._left_out = 0

    def write(self, data: bytes) -> None:
        """Take in what the task printed."""
        self._latest = (self._latest + data)[-LAST_WORDS:]
        head, rest = data[: self._room], data[self._room :]
        self._room -= len(head)
        self._put(head)
        if rest:
            self._tail.append(rest)
            self._held += len(rest)
        while self._held > LOG_TAIL + len(self._tail[0] if self._tail else b""):
            gone = self._tail.popleft()
            self._held -= len(gone)
            self._left_out += len(gone)

    @property
    def last_line(self) -> str:
        """The last line that was printed, wherever it went."""
        lines = [line for line in self._latest.decode("utf-8", errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else ""

    def close(self) -> None:
        """Write the newest bytes after a line that says how many were left out."""
        if self._left_out:
            self._put(f"\n[{self._left_out} bytes left out: a log is capped]\n".encode())
        for data in self._tail:
            self._put(data)
        self._tail.clear()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view and self._file is not None:
                view = view[os.write(self._file, view) :]
        except OSError:
            self.lost = True


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
        for number in (signal.SIGTERM, END, signal.SIGCHLD):
            signal.signal(number, self._on_signal)
        if os.getppid() != self._parent:
            os._exit(1)
        before = kernel_kills()
        out_read, out_write = os.pipe()
        self._worker = os.fork()
        if self._worker == 0:
            become_task(self._message, task, out_write, (*private, self._channel, wake_read, wake_write, out_read))
        os.close(out_write)
        for descriptor in private:
            os.close(descriptor)
        with contextlib.suppress(OSError):
            os.setpgid(self._worker, self._worker)
        log = CappedLog(self._message["log"])
        status = self._wait(log, out_read, wake_read)
        left = end_all_below(os.getpid())
        self._drain(log, out_read)
        log.close()
        self._report(status, left, kernel_kills() > before, log.last_line if log.lost else "")
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
                f"out-of-memory: it used {used / 2**30:.2f} GiB, more than the {limit / 2**30:.2f} of --memory-limit"
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

    def _report(self, status: int, left: int, kernel_killed: bool, last_line: str) -> None:
        if os.getppid() != self._parent:
            return  # the fork server has died: its host finds out by itself
        code = os.waitstatus_to_exitcode(status)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        if code == -signal.SIGKILL and kernel_killed and not self._ending:
            self._why = f"out-of-memory: the kernel killed it for lack of memory, at {peak / 2**30:.2f} GiB"
        send(
            self._channel,
            {
                "event": "exit",
                "id": self._message["id"],
                "code": code,
                "signal": max(0, -code),
                "why": self._why,
                "left": left,
                "last_line": last_line,
            },
        )

    def _on_signal(self, number: int, frame: Any) -> None:
        if number == END:
            self._ending = True
        elif number == signal.SIGTERM and self._worker:
            signal_group(self._worker, signal.SIGTERM)


def become_task(message: dict[str, Any], task: Callable[[], int], out: int, private: tuple[int, ...]) -> NoReturn:
    """Turn the forked copy into the task. Never returns."""
    code = 1
    try:
        os.setpgid(0, 0)
        die_with_parent(signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, END):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
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


def end_all_below(root: int) -> int:
    """Kill every process below ``root``, which is this process, and wait for all of them; return how many there were.

    What is killed may have forked meanwhile, so it is looked for again until nothing is left.
    """
    victims: set[int] = set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for pid in below(root):
            victims.add(pid)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            break
        time.sleep(0.005)
    return len(victims)


def below(root: int) -> list[int]:
    """All processes below ``root``, children before their own children; none where there is no ``/proc``."""
    children: dict[int, list[int]] = {}
    for entry in _numbered("/proc"):
        try:
            text = Path(f"/proc/{entry}/stat").read_text("ascii", errors="replace")
            children.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(entry)
        except (OSError, IndexError, ValueError):
            continue  # it has ended
    found: list[int] = []
    ahead = [root]
    while ahead:
        new = children.get(ahead.pop(), [])
        found += new
        ahead += new
    return found


def memory_below(root: int) -> int:
    """The bytes of memory that all processes below ``root`` use; what several share is divided among them."""
    return sum(_memory(pid) for pid in below(root))


def _memory(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        pass  # it has ended, or the kernel is older than 5.4
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text("ascii").split()
        return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def kernel_kills() -> int:
    """How often the kernel has killed for lack of memory since boot; 0 where it does not say."""
    try:
        for line in Path("/proc/vmstat").read_text("ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def die_with_parent(number: signal.Signals) -> None:
    """Ask Linux to send this process ``number`` when its parent dies."""
    _prctl(_PR_SET_PDEATHSIG, number)


def become_subreaper() -> None:
    """Ask Linux to make this process the parent of every orphan below it."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def signal_group(leader: int, number: int) -> None:
    """Signal a process group, if it is still there."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def send(channel: int, message: dict[str, Any]) -> None:
    """Write one message in one piece, so that several processes may write to one channel."""
    with contextlib.suppress(BrokenPipeError):
        os.write(channel, (json.dumps(message) + "\n").encode())


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(option, int(value), 0, 0, 0)


def _numbered(folder: str) -> list[int]:
    try:
        return [int(name) for name in os.listdir(folder) if name.isdigit()]
    except OSError:
        return []
