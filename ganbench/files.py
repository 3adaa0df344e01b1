"""Files written whole or not at all, and JSON in one canonical form."""

import contextlib
import errno
import hashlib
import json
import math
import os
import tempfile
import threading
from pathlib import Path
from typing import Any

from ganbench.errors import StoreError

_UMASK = threading.Lock()


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically: a temporary name beside it, fsync, rename, fsync of the folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}; choose another place") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, ordinary_mode())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise StoreError(f"cannot write {path}: {error.strerror or error}; choose another place") from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


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


def read_json(path: Path) -> Any:
    """Read JSON; a missing or damaged file is a :class:`StoreError` that names it."""
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} is not valid JSON ({error}); remove it or restore it") from error


def append_line(path: Path, value: Any) -> None:
    """Append one JSON line, its keys in order, with a single write: a crash can only ever truncate the last line.

    A line that was torn before is ended first, so that this one is not lost with it.

    Raises:
        StoreError: it cannot be written, or not whole.
    """
    line = (json.dumps(value, allow_nan=False) + "\n").encode("utf-8")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}; choose another place") from error


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the complete JSON lines of a file; a torn last line is left out, a missing file has none."""
    records: list[dict[str, Any]] = []
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
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


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
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
