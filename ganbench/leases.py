"""Who works on a trial: leases with owner and heartbeat, sound without file locks.

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
import threading
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ganbench.errors import StoreError

HEARTBEAT_SECONDS = 15.0
STALE_SECONDS = 180.0
"""Twelve missed heartbeats; NFS clients alone may show another's times a minute late."""
NAME = ".lease"

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


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


class Leases:
    """The leases of this process. A thread touches them while there are any."""

    def __init__(self) -> None:
        self._held: dict[Path, Holder] = {}
        self._lost: set[Path] = set()
        self._mutex = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, folder: Path) -> bool:
        """Take the lease of a folder, which must be there; false where another has it.

        Raises:
            StoreError: the folder cannot be written to.
        """
        with self._mutex:
            if folder in self._held:
                return True
            try:
                mine = _take(folder)
            except OSError as error:
                raise StoreError(
                    f"cannot write to {folder}: {error.strerror or error}; choose another folder with --out"
                ) from error
            if mine is None:
                return False
            self._held[folder] = mine
            self._lost.discard(folder)
            if self._thread is None:
                self._wake.clear()
                self._thread = threading.Thread(target=self._beat, name="leases", daemon=True)
                self._thread.start()
        return True

    def release(self, folder: Path) -> None:
        """Give a lease back; nothing where it is not held or was lost."""
        with self._mutex:
            mine = self._held.pop(folder, None)
            self._lost.discard(folder)
        if mine is not None:
            with contextlib.suppress(OSError):
                _release(folder, mine)

    def release_all(self) -> None:
        """Give all leases back and end the heartbeat."""
        for folder in list(self._held):
            self.release(folder)
        thread, self._thread = self._thread, None
        self._wake.set()
        if thread is not None:
            thread.join(5)

    def lost(self) -> set[Path]:
        """Folders whose lease another took, because this process did not touch it for too long (it was suspended)."""
        with self._mutex:
            return set(self._lost)

    def beat(self) -> None:
        """Touch all leases, and notice those that are no longer ours."""
        with self._mutex:
            held = dict(self._held)
        for folder, mine in held.items():
            try:
                current = _end_of_chain(folder)
                ours = current is not None and current[1] is not None and current[1].token == mine.token
                if ours and current is not None:
                    os.utime(current[0])
            except OSError:
                continue  # a file server that does not answer now may do so the next time
            if not ours:
                with self._mutex:
                    if folder in self._held:
                        self._lost.add(folder)

    def _beat(self) -> None:
        while not self._wake.wait(HEARTBEAT_SECONDS):
            self.beat()


def holder(folder: Path) -> Holder | None:
    """Return who holds the lease of a folder now; ``None`` where nobody does or the holder is known to be dead.

    Only looks: works in a folder that cannot be written to, where the age of a heartbeat is judged by this machine's
    clock.
    """
    try:
        current = _end_of_chain(folder)
        if current is None:
            return None
        path, found = current
        age = time.time() - path.stat().st_mtime
    except OSError:
        return None
    if found is None or _is_stale(found, age):
        return None
    return found


def _take(folder: Path) -> Holder | None:
    """Take the lease of a folder, or return ``None`` where another has it."""
    _check_clear_of_links(folder)
    mine = _myself()
    draft = folder / f"{NAME}.{mine.token}.draft"
    try:
        draft.write_text(json.dumps(asdict(mine)) + "\n", "utf-8")
        current = _end_of_chain(folder)
        if current is None:
            return mine if _claim(draft, folder / NAME) else None
        path, found = current
        age = draft.stat().st_mtime - path.stat().st_mtime  # both by the file server's clock
        if not _is_stale(found, age):
            return None
        claim = _successor(path, found)
        if not _claim(draft, claim):
            return None
        now = _end_of_chain(folder)
        if now is None or now[1] is None or now[1].token != mine.token:
            # Between looking and claiming, another took over and gave back.
            claim.unlink(missing_ok=True)
            return None
        os.replace(draft, folder / NAME)
        for leftover in folder.glob(f"{NAME}.*"):
            if not leftover.name.endswith(".draft"):
                leftover.unlink(missing_ok=True)
        return mine
    except FileNotFoundError:
        return None  # given back, or the folder removed, while we looked: the next look sees it
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _release(folder: Path, mine: Holder) -> None:
    current = _end_of_chain(folder)
    if current is None or current[1] is None or current[1].token != mine.token:
        return
    (folder / NAME).unlink(missing_ok=True)
    for leftover in folder.glob(f"{NAME}.*"):
        # A draft may be of one that tries to take the lease at this moment.
        if not leftover.name.endswith(".draft"):
            leftover.unlink(missing_ok=True)


def _claim(draft: Path, path: Path) -> bool:
    """Give the draft's content the name ``path``, unless there is one; whole, and for one process only."""
    try:
        os.link(draft, path, follow_symlinks=False)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    # Without hard links (FAT, some network shares): exclusive creation, whose content may be seen late.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(draft.read_bytes())
    return True


def _end_of_chain(folder: Path) -> tuple[Path, Holder | None] | None:
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


def _successor(path: Path, found: Holder | None) -> Path:
    """The file that is the right to succeed a lease; one that cannot be read is known by its place on the disk."""
    if found is not None:
        return path.with_name(f"{NAME}.{found.token}")
    status = path.stat()
    return path.with_name(f"{NAME}.unreadable-{status.st_ino}-{status.st_mtime_ns}")


def _read(path: Path) -> Holder | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError:
        return None
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


def _is_stale(found: Holder | None, age: float) -> bool:
    """Whether a lease that was last touched ``age`` seconds ago has lost its owner."""
    if found is not None and found.place and found.place == place():
        alive = _alive(found.pid, found.started)
        if alive is not None:
            return not alive
    return age > STALE_SECONDS


def _alive(pid: int, started: int) -> bool | None:
    """Whether that very process lives here; ``None`` where this system cannot tell."""
    ticks = start_ticks(pid)
    if ticks is None:
        return False if Path("/proc/self/stat").exists() else None
    return ticks == started if started else None


def start_ticks(pid: int) -> int | None:
    """When a process of this machine started, in the kernel's ticks since boot; ``None`` where there is none such."""
    try:
        text = Path(f"/proc/{int(pid)}/stat").read_text("ascii", errors="replace")
    except (OSError, ValueError, OverflowError):
        return None
    # The name in parentheses may hold anything; the fields after it do not.
    fields = text.rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in "ZX":
        return None
    return int(fields[19])


@cache
def place() -> str:
    """This machine, this boot and this namespace of process ids, in one line; empty where they cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _myself() -> Holder:
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = str(os.getuid())
    return Holder(
        token=secrets.token_hex(8),
        user=user,
        host=socket.gethostname(),
        pid=os.getpid(),
        place=place(),
        started=start_ticks(os.getpid()) or 0,
        since=time.time(),
    )


def _check_clear_of_links(folder: Path) -> None:
    """A lease is taken in the trial's own folder, never through a link to somewhere else."""
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "is a symbolic link, and a trial's folder must not be one")
