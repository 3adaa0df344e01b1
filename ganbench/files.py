"""Files written whole or not at all, and JSON in one canonical form."""

import contextlib
import errno
import hashlib
import io
import json
import math
import os
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ganbench.errors import StoreError

LARGEST_TEXT = 1 << 30
"""Bytes of a file of text that is read; none that ganbench writes is as long."""
NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
"""A flag for ``os.open``: fail where the name is a symbolic link. Windows has none."""
_PLAIN: int = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # the second on Windows alone
_LINKED = {errno.ELOOP, errno.EMLINK}
_NOT_FOLLOWED = "it is a symbolic link, which is not followed"
_NOT_REGULAR = "it is not a regular file"
_UMASK = threading.Lock()


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` as :func:`replacing` does, in a folder that is made where it is missing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}; choose another place") from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file that is to be ``path``, atomically: a temporary name beside it, fsync, rename, fsync of the folder.

    Where something fails, or is interrupted, there is what was there before and nothing else.

    Raises:
        OSError: it cannot be written.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, ordinary_mode())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def remove_drafts(folder: Path) -> None:
    """Remove what writers that were killed left half-written in a folder; nobody may be writing there."""
    with contextlib.suppress(OSError):
        for draft in folder.glob(".*.tmp"):
            with contextlib.suppress(OSError):
                draft.unlink()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON with sorted keys atomically. NaN and infinity are refused: they are not JSON."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """The text that :func:`write_json` writes."""
    return json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n"


def open_regular(path: Path, *, links: bool = False) -> io.BufferedReader:
    """Open a regular file for reading. Not a pipe, which may never answer, nor a device, which may never end.

    Args:
        path: the file.
        links: whether it may be a symbolic link. A file of a trial's folder may not: the folder may be a stranger's,
            and what a link in it leads to would be shown, hashed, copied or published.

    Raises:
        OSError: it cannot be opened, or is something else; its ``strerror`` says so.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _PLAIN | (0 if links else NO_LINK))
    except OSError as error:
        if not links and error.errno in _LINKED:
            raise OSError(errno.ELOOP, _NOT_FOLLOWED, str(path)) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        reason = os.strerror(errno.EISDIR) if stat.S_ISDIR(mode) else _NOT_REGULAR
        raise OSError(errno.EINVAL, reason, str(path))
    return os.fdopen(descriptor, "rb")


def is_regular(path: Path) -> bool:
    """Whether there is a file with this name that is neither a link nor a pipe, a device or a folder."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def read_whole(path: Path, *, links: bool = False, most: int | None = None) -> bytes:
    """Read a regular file.

    Args:
        path: the file.
        links: as for :func:`open_regular`.
        most: the most bytes that it may have.

    Raises:
        OSError: as :func:`open_regular`, or it has more bytes.
    """
    with open_regular(path, links=links) as file:
        if most is None:
            return file.read()
        if os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"it has more than {most} bytes", str(path))
        return file.read(most)


def read_json(path: Path, *, links: bool = True) -> Any:
    """Read JSON; a missing or damaged file is a :class:`StoreError` that names it.

    ``links`` is as for :func:`open_regular`. More than :data:`LARGEST_TEXT` bytes are refused.
    """
    try:
        return json.loads(read_whole(path, links=links, most=LARGEST_TEXT).decode("utf-8"))
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} is not valid JSON ({error}); remove it or restore it") from error


def append_line(path: Path, value: Any) -> None:
    """Append one JSON line, its keys in order, with a single write: a crash can only ever truncate the last line.

    A line that was torn before is ended first, so that this one is not lost with it. Nothing is written through a
    symbolic link, nor into a pipe, which may never take it, or a device.

    Raises:
        StoreError: it cannot be written, or not whole.
    """
    line = (json.dumps(value, allow_nan=False) + "\n").encode("utf-8")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | NO_LINK | _PLAIN, 0o666)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, _NOT_REGULAR, str(path))
            size = found.st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)
    except OSError as error:
        reason = _NOT_FOLLOWED if error.errno in _LINKED else error.strerror or error
        what_to_do = "remove it" if reason in (_NOT_FOLLOWED, _NOT_REGULAR) else "choose another place"
        raise StoreError(f"cannot write {path}: {reason}; {what_to_do}") from error


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the complete JSON lines of a trial's file; a torn last line is left out.

    A missing file has none, nor has what is no regular file: a link is not followed.
    """
    records: list[dict[str, Any]] = []
    try:
        text = read_whole(path, most=LARGEST_TEXT).decode("utf-8", errors="replace")
    except OSError:
        return records
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def as_number(value: object) -> float | None:
    """A finite number that was read from JSON; ``None`` for all else, such as true, infinity or 400 digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of ``value``, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def file_sha256(path: Path, *, links: bool = True) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; ``links`` is as for :func:`open_regular`."""
    with open_regular(path, links=links) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ordinary_mode() -> int:
    """The permissions that a new file has by the umask; a temporary one is its owner's alone, and is given these."""
    with _UMASK:  # it can only be asked for by setting it, and belongs to all threads
        current = os.umask(0o022)
        os.umask(current)
    return 0o666 & ~current


def _sync_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return  # Windows opens no folders
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
