"""Archives of ``torch.export``, which may hold pickles and compiled libraries beside the program: none are loaded.

``torch.export.load`` unpickles whatever an archive says is a pickle, and loads the libraries in it. What remains, the
program itself, still is one: whoever loads it runs it.
"""

import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ganbench.errors import DataError

TENSORS_ONLY = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
"""With it, ``torch.load`` unpickles nothing but tensors, whatever its caller asks for."""
_CONTRARY = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
REFUSED = ("custom_obj_", "opaque_obj_", "data/aotinductor/", "data/mtia", "data/executorch/")
"""Parts of the names of what holds objects or compiled code, in small letters: torch finds a name in either case."""


@contextmanager
def only_tensors(path: Path, where: str) -> Iterator[None]:
    """Load an exported program within: its tensors are read, and a pickle of anything else is refused.

    Args:
        path: the archive.
        where: its name, for messages.

    Raises:
        DataError: it holds pickled objects or compiled code.
    """
    if found := next((name for name in _names(path) if any(part in name.lower() for part in REFUSED)), None):
        raise DataError(
            f"{where} contains {found!r}, an object or compiled code, which is not loaded; export a program of tensors "
            "alone"
        )
    before = {name: os.environ.pop(name, None) for name in (TENSORS_ONLY, _CONTRARY)}
    os.environ[TENSORS_ONLY] = "1"
    try:
        yield
    except pickle.UnpicklingError as error:
        # Its text advises to load everything, which runs whatever the file holds.
        raise DataError(
            f"{where} contains pickles of more than tensors, which could run code and are not loaded; export a program "
            "of tensors alone"
        ) from error
    finally:
        del os.environ[TENSORS_ONLY]
        os.environ.update({name: value for name, value in before.items() if value is not None})


def _names(path: Path) -> list[str]:
    """What an archive holds, as torch reads it; nothing where that cannot be told, as of archives of old versions."""
    try:
        return list(torch._C.PyTorchFileReader(str(path)).get_all_records())
    except RuntimeError:
        return []
