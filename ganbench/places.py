"""Files and folders as they are given from Python: text or anything that stands for a path."""

import errno
import os
from pathlib import Path
from typing import Any

from ganbench.complaints import shown
from ganbench.errors import UsageError


def place(value: Any) -> Path:
    """Return the path of a file or folder, which need not be there, from text or anything that stands for a path.

    ``~`` is the home folder, which a shell makes of it only where it is not quoted.

    Raises:
        ValueError: neither; empty, which would be the current folder; or no name that a file can have.
    """
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str):
        raise ValueError("must be a path: text or a pathlib.Path")
    if not text.strip():
        raise ValueError("must not be empty")
    if "\0" in text:
        raise ValueError("must not contain a null character")
    path = Path(os.path.expanduser(text))
    if is_too_long(path):
        raise ValueError("must be shorter: no file can have such a name")
    return path


def is_too_long(path: Path) -> bool:
    """Whether no file can have such a name where it would be."""
    try:
        path.lstat()
    except OSError as error:
        return error.errno == errno.ENAMETOOLONG
    return False


def argument(name: str, value: Any) -> Path:
    """Return the path that was given as an argument, which ``name`` says in messages.

    Raises:
        UsageError: it is none; see :func:`place`.
    """
    try:
        return place(value)
    except ValueError as error:
        raise UsageError(f"{name}={shown(value)}: {error}") from error
