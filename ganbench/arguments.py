"""What is passed from Python, which may be anything: brought to plain values, to paths and to sizes."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def plain(value: Any) -> Any:
    """Return Python's own values for those of NumPy, torch and pandas, which JSON does not know.

    Scalars become numbers and arrays lists, also those in mappings, lists and tuples; all else stays as it is.
    """
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


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
    return Path(os.path.expanduser(text))


def size(value: Any) -> int:
    """Return the bytes of a number of them or of a text such as ``4G``, ``500M`` or ``1.5GiB``, in powers of 1024.

    Raises:
        ValueError: neither, or less than 1M, with which no trial could begin.
    """
    found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([KMGT]?)(?:iB|B)?", str(value), re.IGNORECASE)
    count = int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " ")) if found else 0
    if count < 1 << 20:
        raise ValueError("must be a size of at least 1M, such as 500M or 4G")
    return count
