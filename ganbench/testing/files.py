"""The files that a call reads or leaves behind, by Python's audit events.

These show the files that Python opens, makes or renames, as numpy, PIL, pandas, torch.load and torch.save do, but not
those that other compiled code opens by itself.
"""

import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import torch

from ganbench.testing.kit import Flaw

_WRITES = os.O_WRONLY | os.O_RDWR
_KEPT_BY_OTHERS = ("__pycache__", "torchinductor", ".triton")
"""Beginnings of the names of folders in which Python and torch keep what they have compiled."""
_CODE = (".py", ".pyc", ".pyi", ".so", ".dll", ".dylib", ".pyd")
_OF_LIBRARIES = re.compile(r"__pycache__|torchinductor.*|\.triton|matplotlib|\.config|\.netrc|.*\.(dist|egg)-info")
"""Names of files and folders that libraries compile, cache and are configured by."""
_OF_SYSTEMS = ("/dev", "/etc", "/proc", "/sys", "/usr/lib", "/usr/share")


class Opened(NamedTuple):
    """Absolute paths, whether or not they are still there."""

    read: set[str]
    written: set[str]


_watching: list[Opened] = []


@contextmanager
def opened() -> Iterator[Opened]:
    """Yield what is opened inside, as it is opened; made or renamed files are among the written ones."""
    _listen()
    found = Opened(set(), set())
    _watching.append(found)
    try:
        yield found
    finally:
        _watching[:] = [one for one in _watching if one is not found]


@contextmanager
def readings() -> Iterator[list[Path]]:
    """Yield a list that holds afterwards the data files that were read inside and are still there, in order.

    Source code, libraries with whatever they bring, and the system's files are no data.
    """
    found: list[Path] = []
    try:
        with opened() as files:
            yield found
    finally:
        found += sorted({path.resolve() for path in map(Path, files.read) if path.is_file() and _is_data(path)})


@contextmanager
def leftovers() -> Iterator[list[Path]]:
    """Yield a list that holds afterwards the files that were written inside and are still there, in order.

    Leaves out what Python and torch compile, and the weights that torch's hub keeps.
    """
    found: list[Path] = []
    save = torch.save
    try:
        with opened() as files:

            def saved(obj: Any, f: Any, *rest: Any, **more: Any) -> None:
                _add(files.written, f)
                save(obj, f, *rest, **more)

            with mock.patch.object(torch, "save", saved):  # it opens files in C++
                yield found
    finally:
        found += sorted(path for path in map(Path, files.written) if path.is_file() and not _is_kept(path))


def check_named(read: Sequence[Path], named: Iterable[str], *, what: str, old: str) -> str | None:
    """Hold what was read against the files that a component names.

    Args:
        read: what :func:`readings` saw.
        named: what the component names.
        what: what does the reading, for messages: ``"loading 'train' reads"``.
        old: what a change of the files would leave in use, for messages.

    Returns:
        a note on files that were read but not named, which is right for those that are checked against a checksum.

    Raises:
        Flaw: none of what was read is named.
    """
    known = {Path(file).resolve() for file in named}
    others = [path for path in read if path not in known]
    if not others:
        return None
    listed = f"{others[0]}{f' and {len(others) - 1} more' if others[1:] else ''}"
    if len(others) == len(read):
        raise Flaw(
            f"{what} {listed}, but none of the files that it reads is named; after a change of one, {old} would be used"
        )
    return f"{what} {listed} too, which is not named; a change of it would not be noticed unless a checksum shows it"


@cache
def _listen() -> None:
    """Begin to listen, once in this process: an audit hook cannot be removed."""
    sys.addaudithook(_heard)


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
            _add(one.read, path)
        if writes:
            _add(one.written, path)


def _add(paths: set[str], path: Any) -> None:
    """Add a path, made absolute; anything else, such as a file object or a descriptor, is ignored."""
    if isinstance(path, str | bytes | os.PathLike):
        paths.add(os.path.abspath(os.fsdecode(path)))


def _is_kept(path: Path) -> bool:
    parts = path.absolute().parts
    return path.is_relative_to(torch.hub.get_dir()) or any(part.startswith(_KEPT_BY_OTHERS) for part in parts)


def _is_data(path: Path) -> bool:
    if path.suffix in _CODE or any(map(_OF_LIBRARIES.fullmatch, path.parts)):
        return False
    return not any(path.is_relative_to(folder) or path.resolve().is_relative_to(folder) for folder in _libraries())


@cache
def _libraries() -> tuple[str, ...]:
    """Folders of Python and of what is installed in it; what a package brings changes only with its version."""
    of_python = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    shared = [os.path.join(prefix, name) for prefix in (sys.prefix, sys.base_prefix) for name in ("lib", "share")]
    return (*of_python, *shared, *_OF_SYSTEMS)
