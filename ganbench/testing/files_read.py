"""Data files that a call reads, held against those that a component names."""

import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from ganbench.testing.kit import Flaw
from ganbench.testing.opened_files import opened

_CODE = (".py", ".pyc", ".pyi", ".so", ".dll", ".dylib", ".pyd")
_OF_LIBRARIES = re.compile(r"__pycache__|torchinductor.*|\.triton|matplotlib|\.config|\.netrc|.*\.(dist|egg)-info")
"""How files and folders are called of what libraries compile, keep and are set by."""
_OF_SYSTEMS = ("/dev", "/etc", "/proc", "/sys", "/usr/lib", "/usr/share")


@contextmanager
def readings() -> Iterator[list[Path]]:
    """Yield a list that holds afterwards the data files that were read inside and are still there, in order.

    Seen are those of :func:`ganbench.testing.opened_files.opened`. Source code, libraries with whatever they bring, and
    the system's files are no data.
    """
    found: list[Path] = []
    try:
        with opened() as files:
            yield found
    finally:
        found += sorted({path.resolve() for path in map(Path, files.read) if path.is_file() and _is_data(path)})


def check_named(read: Sequence[Path], named: Iterable[str], *, what: str, old: str) -> str | None:
    """Hold what was read against the files that a component names.

    Args:
        read: what :func:`readings` saw.
        named: what the component names.
        what: did the reading, for messages: ``"loading 'train' reads"``.
        old: what would be the answer after a change.

    Returns:
        a note on what was read beside the files that are named; what is held against a checksum need not be.

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
