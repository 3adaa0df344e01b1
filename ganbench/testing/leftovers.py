"""Files that a call leaves behind, wherever they are."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch

_watching: list[set[str]] = []
_listening: list[bool] = []
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_KEPT_BY_OTHERS = ("__pycache__", "torchinductor", ".triton")
"""How folders are called in which Python and torch keep what they have compiled."""


@contextmanager
def leftovers() -> Iterator[list[Path]]:
    """Yield a list that holds afterwards the files that were written inside and are still there, in order.

    Seen are those that Python opens, makes or renames, and those of ``torch.save``; not what other compiled code
    writes by itself. What Python and torch compile, and the weights that torch's hub keeps, are nobody's fault.
    """
    _listen()
    paths: set[str] = set()
    found: list[Path] = []
    save = torch.save

    def saved(obj: Any, f: Any, *rest: Any, **more: Any) -> None:
        _add(paths, f)
        save(obj, f, *rest, **more)

    _watching.append(paths)
    try:
        with mock.patch.object(torch, "save", saved):  # it opens files in C++
            yield found
    finally:
        _watching.remove(paths)
        found += sorted(path for path in map(Path, paths) if path.is_file() and not _is_kept(path))


def _is_kept(path: Path) -> bool:
    parts = path.absolute().parts
    return path.is_relative_to(torch.hub.get_dir()) or any(part.startswith(_KEPT_BY_OTHERS) for part in parts)


def _listen() -> None:
    """Hear of files once and for all: Python forgets no audit hook."""
    if not _listening:
        _listening.append(True)
        sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
        path = arguments[0]
    elif event in ("os.rename", "os.link", "os.symlink"):
        path = arguments[1]
    elif event == "sqlite3.connect":
        path = arguments[0]
    else:
        return
    for paths in _watching:
        _add(paths, path)


def _add(paths: set[str], path: Any) -> None:
    if isinstance(path, str | bytes | os.PathLike):
        paths.add(os.path.abspath(os.fsdecode(path)))
