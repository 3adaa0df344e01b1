"""What control groups leave this process of its machine: containers, their clusters and systemd limit by them.

A container sees all processors and all memory of its machine, however little of them it was given.
"""

import math
from collections.abc import Iterator
from pathlib import Path

MOUNTED = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
"""The control groups that this process is in."""


def processors() -> int | None:
    """As many processors as the time comes to that this process may use, rounded up; ``None`` without a limit."""
    quotas = []
    for group in _groups("cpu"):
        limit = _numbers(group, "cpu.max") or _numbers(group, "cpu.cfs_quota_us") + _numbers(group, "cpu.cfs_period_us")
        if len(limit) == 2 and min(limit) > 0:
            quotas.append(math.ceil(limit[0] / limit[1]))
    return min(quotas, default=None)


def memory() -> int | None:
    """The bytes of memory that this process and those beside it may use; ``None`` without a limit."""
    names = ("memory.max", "memory.limit_in_bytes")
    limits = [limit for group in _groups("memory") for name in names for limit in _numbers(group, name)]
    return min((limit for limit in limits if limit > 0), default=None)  # -1 is none


def _groups(controller: str) -> Iterator[Path]:
    """The folders of the groups by which a controller limits this process: its own and all above it.

    In a container its own may be mounted as if there were none above, or under a name that it has only outside.
    """
    try:
        lines = OWN.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, there, path = rest.partition(":")
        if not there:
            continue
        if controller in controllers.split(","):
            # Mounted together with others, it mostly has a link of its own.
            root = next((root for root in (MOUNTED / controller, MOUNTED / controllers) if root.is_dir()), MOUNTED)
        elif not controllers:  # version 2, which has one tree for all
            root = MOUNTED
        else:
            continue
        own = root / path.strip("/")
        yield root
        yield from (group for group in (own, *own.parents) if root in group.parents and ".." not in group.parts)


def _numbers(group: Path, name: str) -> tuple[int, ...]:
    """What a file of a group says; nothing where it is missing, or says that there is no limit."""
    try:
        return tuple(map(int, (group / name).read_text("ascii").split()))
    except (OSError, ValueError):
        return ()
