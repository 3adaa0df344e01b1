"""The files that a call opens, heard from Python's audit events."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

_watching: list["Opened"] = []
_listening: list[bool] = []
_WRITES = os.O_WRONLY | os.O_RDWR


class Opened(NamedTuple):
    """Absolute paths, whether or not they are still there."""

    read: set[str]
    written: set[str]


@contextmanager
def opened() -> Iterator[Opened]:
    """Yield what is opened inside, as it is opened; made or renamed files are among the written ones.

    Seen are those that Python opens, as numpy, PIL, pandas and torch.load do; not what compiled code opens by itself.
    """
    if not _listening:  # once and for all: Python forgets no audit hook
        _listening.append(True)
        sys.addaudithook(_heard)
    found = Opened(set(), set())
    _watching.append(found)
    try:
        yield found
    finally:
        _watching[:] = [one for one in _watching if one is not found]


def add(paths: set[str], path: Any) -> None:
    """Add what may be a path to absolute ones; file objects and descriptors are none."""
    if isinstance(path, str | bytes | os.PathLike):
        paths.add(os.path.abspath(os.fsdecode(path)))


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    reads = writes = False
    path = arguments[0] if arguments else None
    if event == "open" and isinstance(arguments[2], int):
        reads, writes = not arguments[2] & _WRITES, bool(arguments[2] & (_WRITES | os.O_CREAT))
    elif event in ("os.rename", "os.link", "os.symlink"):
        path, writes = arguments[1], True
    elif event == "sqlite3.connect":
        reads = writes = True
    for one in _watching:
        if reads:
            add(one.read, path)
        if writes:
            add(one.written, path)
