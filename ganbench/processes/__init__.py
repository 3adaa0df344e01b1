"""Processes as Linux tells of them: which there are, what they use, and whom a signal reaches.

Elsewhere little is known, and the functions say so: :func:`are_seen`.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from functools import cache
from pathlib import Path

PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.25
"""Between two looks at what no signal tells."""

MEMORY_LIMIT = "memory-limit"
"""What stands before the colon in how a task ended that used more memory than it was allowed."""

_PROC = Path("/proc")
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def are_seen() -> bool:
    """Whether this system tells of its processes, as Linux does and macOS does not."""
    return (_PROC / "self/stat").exists()


def start_ticks(pid: int) -> int | None:
    """When a process of this machine started, in the kernel's ticks since boot; ``None`` where there is none such."""
    try:
        state, _, *more = _stat(pid)
        return None if state in "ZX" else int(more[17])
    except (OSError, ValueError, IndexError):
        return None


def alive(pid: int, started: int) -> bool | None:
    """Whether that very process lives here; ``None`` where this system cannot tell.

    Where processes are not seen it tells that there is none of that number, not whether one that there is is the same.
    """
    if are_seen():
        ticks = start_ticks(pid)
        if ticks is None:
            return False
        return ticks == started if started else None
    if os.name == "posix":  # Windows would end the process
        try:
            os.kill(int(pid), 0)
        except (ProcessLookupError, OverflowError, ValueError):
            return False
        except OSError:
            pass  # it is another user's
    return None


@cache
def place() -> str:
    """This machine, this boot and this namespace of process ids, in one line; empty where they cannot be told."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {os.readlink(_PROC / 'self/ns/pid')}"
    except OSError:
        pass
    try:  # macOS, which has no such namespaces
        command = ["sysctl", "-n", "kern.bootsessionuuid"]
        answer = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if answer.returncode else answer.stdout.strip()


def below(root: int) -> list[int]:
    """All processes below ``root``, children before their own children; none where they are not seen."""
    children: dict[int, list[int]] = {}
    for pid in _numbers():
        try:
            _, parent, *_ = _stat(pid)
            children.setdefault(int(parent), []).append(pid)
        except (OSError, ValueError):
            continue  # it has ended
    found: list[int] = []
    ahead = [root]
    while ahead:
        new = children.get(ahead.pop(), [])
        found += new
        ahead += new
    return found


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


def memory_below(root: int) -> int:
    """The bytes of memory that all processes below ``root`` use; what several share is divided among them."""
    return sum(_memory(pid) for pid in below(root))


def _memory(pid: int) -> int:
    try:
        for line in (_PROC / f"{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        pass  # it has ended, or the kernel is older than 5.4
    try:
        _, resident, shared, *_ = (_PROC / f"{pid}/statm").read_text("ascii").split()
        return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def kernel_kills() -> int:
    """How often the kernel has killed for lack of memory since boot; 0 where it does not say."""
    try:
        for line in (_PROC / "vmstat").read_text("ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def die_with_parent(number: signal.Signals) -> bool:
    """Ask Linux to send this process ``number`` when its parent dies; return whether it will."""
    return _prctl(_PR_SET_PDEATHSIG, number)


def end_without(parent: int) -> None:
    """Have a thread kill this process and its group soon after ``parent`` has ceased to be its parent."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=look, name="parent", daemon=True).start()


def become_subreaper() -> None:
    """Ask Linux to make this process the parent of every orphan below it."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def signal_group(leader: int, number: int) -> None:
    """Signal a process group, if it is still there."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _prctl(option: int, value: int) -> bool:
    try:
        return bool(ctypes.CDLL(None, use_errno=True).prctl(option, int(value), 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def _numbers() -> list[int]:
    """Of all processes; none where they are not seen."""
    try:
        return [int(name) for name in os.listdir(_PROC) if name.isdigit()]
    except OSError:
        return []


def _stat(pid: int) -> list[str]:
    """What the kernel tells of a process: its state, its parent and so on, after its name, which may hold anything.

    Raises:
        OSError: there is none of that number.
    """
    return (_PROC / f"{pid}/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()
