"""The file of a lease: taken by one, given back, succeeded by one; sound without file locks.

A lease is a small file that is created whole by hard-linking it into place, which succeeds for exactly one of several
processes on every file system, shared ones too, where ``flock`` is often local or missing. Its owner touches it every
few seconds. A lease is stale when its owner has died (which the same machine can tell at once) or, seen from another
machine, when it was not touched for :data:`STALE_SECONDS` by the file server's own clock.

The right to succeed a stale lease with token T is the file ``.lease.T``, again created by exactly one. A successor
that dies at that moment is itself succeeded in the same way: the holder is the end of the chain. So no two successors
can both believe to have won. A holder that was suspended for longer than a lease lasts finds out at its next heartbeat.
"""

import contextlib
import errno
import getpass
import json
import os
import secrets
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ganbench import processes

STALE_SECONDS = 180.0
"""Twelve missed heartbeats; NFS clients alone may show another's times a minute late."""
NAME = ".lease"

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
# What the file itself is to blame for: a link, a socket, another user's. All else, as too many open files or a file
# server that does not answer, says nothing about who holds the lease.
_UNREADABLE = {errno.EACCES, errno.EPERM, errno.ELOOP, errno.EMLINK, errno.ENXIO}
_GONE = {errno.ENOENT, errno.ESTALE}


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds a lease.

    Attributes:
        token: distinguishes this lease from every other.
        user, host, pid: the process, for people.
        place: machine, boot and process namespace, within which a process id means something; empty where unknown.
        started: when the process started, in the kernel's ticks; 0 where unknown.
        since: when it took the lease, in seconds since 1970.
    """

    token: str
    user: str
    host: str
    pid: int
    place: str
    started: int
    since: float

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"{self.user}@{self.host} (process {self.pid}) since {since}"


class Seen(NamedTuple):
    """A lease that is dated in the future, as this process saw it first.

    Attributes:
        path, file, touched: which file it is, and its date in nanoseconds, which a heartbeat changes.
        since: when it was seen, by this process's monotonic clock.
        ahead: how many seconds its date then lay in the future, by the file server's clock.
    """

    path: Path
    file: int
    touched: int
    since: float
    ahead: float


def take(folder: Path, seen: dict[Path, Seen] | None = None) -> Holder | None:
    """Take the lease of a folder, or return ``None`` where another has it.

    ``seen`` is what this process remembers of leases that are dated in the future, by folder, from one try to the next:
    without it, such a lease is never taken over.
    """
    seen = {} if seen is None else seen
    if folder.is_symlink():  # a lease is taken in the trial's own folder, never somewhere else
        raise OSError(errno.ELOOP, "is a symbolic link, which a trial's folder must not be")
    mine = _myself()
    draft = folder / f"{NAME}.{mine.token}.draft"
    try:
        draft.write_text(json.dumps(asdict(mine)) + "\n", "utf-8")
        current = end_of_chain(folder)
        if current is None:
            return mine if _claim(draft, folder / NAME) else None
        path, found = current
        # Both are dated by the file server's clock.
        if is_held(folder, path, found, draft.lstat().st_mtime, seen):
            return None
        claim = _successor(path, found)
        if not _claim(draft, claim):
            return None
        if held_at(folder, mine) is None:
            # Between looking and claiming, another took over and gave back.
            claim.unlink(missing_ok=True)
            return None
        leftovers = _claims(folder)  # as of now: one that is made later is to this lease
        os.replace(draft, folder / NAME)
        for leftover in leftovers:
            leftover.unlink(missing_ok=True)
        return mine
    except OSError as error:
        if error.errno in _GONE:
            return None  # given back, or the folder removed, while we looked: the next look sees it
        raise
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def release(folder: Path, mine: Holder) -> None:
    """Give a lease back; nothing where another has it by now.

    If this process is suspended between looking and removing, another may take the lease over meanwhile. So the file
    is renamed first, looked at again where nobody else finds it, and put back if it is the other's.
    """
    leftovers = _claims(folder)  # as of now: one that is made later may be to another's lease
    if held_at(folder, mine) is None:
        return
    aside = folder / f"{NAME}.{mine.token}.back.draft"
    try:
        os.rename(folder / NAME, aside)
        found = _read(aside)
        if found is None or found.token != mine.token:
            _claim(aside, folder / NAME)
            return
        for leftover in leftovers:
            leftover.unlink(missing_ok=True)
    except FileNotFoundError:
        return  # another has taken it over and given it back
    finally:
        aside.unlink(missing_ok=True)


def held_at(folder: Path, mine: Holder) -> Path | None:
    """The file by which a lease counts that was taken here; ``None`` where it was given back or is another's now."""
    current = end_of_chain(folder)
    return current[0] if current is not None and current[1] is not None and current[1].token == mine.token else None


def _claims(folder: Path) -> list[Path]:
    """The rights to succeed a lease in a folder. A draft is none: its owner tries to take the lease at this moment."""
    return [path for path in folder.glob(f"{NAME}.*") if not path.name.endswith(".draft")]


def end_of_chain(folder: Path) -> tuple[Path, Holder | None] | None:
    """The file of the lease that counts, with its holder (``None``: unreadable); ``None`` where there is no lease."""
    path = folder / NAME
    try:
        found = _read(path)
    except FileNotFoundError:
        return None
    for _ in range(1000):
        try:
            claim = _successor(path, found)
            successor = _read(claim)
        except FileNotFoundError:
            return path, found
        path, found = claim, successor
    return path, found


def is_held(folder: Path, path: Path, found: Holder | None, now: float, seen: dict[Path, Seen]) -> bool:
    """Whether a lease has its owner.

    Args:
        folder: the trial's.
        path: the file of the lease.
        found: whom it names.
        now: the date, in seconds since 1970, by the clock that dates the lease.
        seen: what this process remembers of leases that are dated in the future, by folder.
    """
    living = _lives(found)
    return _age(folder, path, now, seen) <= STALE_SECONDS if living is None else living


def _lives(found: Holder | None) -> bool | None:
    """Whether the owner of a lease lives; ``None`` where that cannot be told here."""
    if found is None or not found.place or found.place != processes.place():
        return None
    return processes.alive(found.pid, found.started)


def _age(folder: Path, path: Path, date: float, seen: dict[Path, Seen]) -> float:
    """For how many seconds a lease was not touched; of one that is dated in the future, as far as this process knows.

    An owner that lives dates it anew with every heartbeat, by whatever clock: one that has kept its date has none.
    """
    now = time.monotonic()
    status = path.lstat()
    age = date - status.st_mtime
    if age >= 0:
        return age
    first = seen.get(folder)
    this = (path, status.st_ino, status.st_mtime_ns)
    if first is None or (first.path, first.file, first.touched) != this:
        first = seen[folder] = Seen(*this, since=time.monotonic(), ahead=-age)
    return now - first.since


def _claim(draft: Path, path: Path) -> bool:
    """Give the draft's content the name ``path``, unless there is one; whole, and for one process only."""
    try:
        os.link(draft, path, follow_symlinks=os.link not in os.supports_follow_symlinks)
        return True
    except FileExistsError:
        # A file server whose answer was lost is asked again, and finds the name that it has made itself.
        return _same(draft, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    # Without hard links (FAT, some network shares): exclusive creation, whose content may be seen late.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(draft.read_bytes())
    except OSError:  # a full disk: an empty lease would keep everybody waiting until it is stale
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return True


def _same(draft: Path, path: Path) -> bool:
    """Whether two names are those of one file; one that is gone is no other's."""
    try:
        return os.path.samestat(os.lstat(draft), os.lstat(path))
    except OSError:
        return False


def _successor(path: Path, found: Holder | None) -> Path:
    """The file that is the right to succeed a lease; one that cannot be read is known by its place on the disk."""
    if found is not None:
        return path.with_name(f"{NAME}.{found.token}")
    status = path.lstat()
    return path.with_name(f"{NAME}.unreadable-{status.st_ino}-{status.st_mtime_ns}")


def _read(path: Path) -> Holder | None:
    """Who a file names as the holder; ``None`` where it is no lease, or not one that this user may read.

    Raises:
        FileNotFoundError: it is not there.
        OSError: it cannot be read at this moment.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno in _UNREADABLE:
            return None
        raise
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(1 << 16)
    try:
        content: dict[str, Any] = json.loads(data)
        found = Holder(**content)
        texts = (found.token, found.user, found.host, found.place)
        numbers = (found.pid, found.started, found.since)
        sound = all(isinstance(text, str) for text in texts) and all(isinstance(n, int | float) for n in numbers)
        # The token becomes part of a file's name.
        return found if sound and found.token.isalnum() and len(found.token) <= 64 else None
    except (ValueError, TypeError, RecursionError):
        return None


def _myself() -> Holder:
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = str(getattr(os, "getuid", lambda: "unknown")())
    return Holder(
        token=secrets.token_hex(8),
        user=user,
        host=socket.gethostname(),
        pid=os.getpid(),
        place=processes.place(),
        started=processes.start_ticks(os.getpid()) or 0,
        since=time.time(),
    )
