"""Files that a call leaves behind, wherever they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from ganbench.testing.opened_files import add, opened

_KEPT_BY_OTHERS = ("__pycache__", "torchinductor", ".triton")
"""How folders are called in which Python and torch keep what they have compiled."""


@contextmanager
def leftovers() -> Iterator[list[Path]]:
    """Yield a list that holds afterwards the files that were written inside and are still there, in order.

    Seen are those that Python opens, makes or renames, and those of ``torch.save``; not what other compiled code
    writes by itself. What Python and torch compile, and the weights that torch's hub keeps, are nobody's fault.
    """
    found: list[Path] = []
    save = torch.save
    try:
        with opened() as files:

            def saved(obj: Any, f: Any, *rest: Any, **more: Any) -> None:
                add(files.written, f)
                save(obj, f, *rest, **more)

            with mock.patch.object(torch, "save", saved):  # it opens files in C++
                yield found
    finally:
        found += sorted(path for path in map(Path, files.written) if path.is_file() and not _is_kept(path))


def _is_kept(path: Path) -> bool:
    parts = path.absolute().parts
    return path.is_relative_to(torch.hub.get_dir()) or any(part.startswith(_KEPT_BY_OTHERS) for part in parts)
