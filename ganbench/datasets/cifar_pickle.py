"""The pickles that CIFAR is distributed as, read without running anything that stands in them."""

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ganbench.datasets.checks import one_line
from ganbench.errors import DataError

LARGEST = 256 << 20
"""Bytes of one file; the largest true one, CIFAR-100's training images, has 155 million."""


class _Bytes:
    """Stands for ``numpy.dtype`` in a batch: unsigned bytes, and nothing else."""

    def __init__(self, code: object, *flags: object) -> None:
        if code != "u1":
            raise pickle.UnpicklingError(f"numbers of type {code!r}, not unsigned bytes")

    def __setstate__(self, state: object) -> None:
        """The byte order and the like, which bytes do not have."""


class _Array:
    """Stands for ``numpy.ndarray`` in a batch."""

    values: npt.NDArray[np.uint8] | None = None

    def __setstate__(self, state: Any) -> None:
        """Take (version, shape, type, whether in Fortran's order, content as Latin-1 text)."""
        _, shape, kind, fortran, content = state
        if not isinstance(kind, _Bytes) or fortran or not isinstance(content, str):
            raise pickle.UnpicklingError("an array that is not of bytes in C's order")
        self.values = np.frombuffer(content.encode("latin-1"), np.uint8).reshape(shape)


def _empty_array(kind: object, *rest: object) -> _Array:
    """Stands for numpy's ``_reconstruct``, which makes the array that is filled next."""
    if kind is not _Array:
        raise pickle.UnpicklingError("an object that is not an array")
    return _Array()


class _Unpickler(pickle.Unpickler):
    """Makes dictionaries, lists, texts, numbers and :class:`_Array`; nothing named in a pickle is imported or called.

    The three names that the true files hold stand for the harmless objects above, whatever numpy has under them.
    """

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Return what a name stands for; refuse every other name."""
        match module_name, global_name:
            case "numpy.core.multiarray", "_reconstruct":
                return lambda *arguments: _empty_array(*arguments)  # what a pickle does to it is gone with it
            case "numpy", "ndarray":
                return _Array
            case "numpy", "dtype":
                return _Bytes
        raise pickle.UnpicklingError(f"it names {module_name}.{global_name}, which no CIFAR file does")


def read_pickle(path: Path, md5: str) -> dict[str, Any]:
    """Read one of CIFAR's files, written by Python 2; arrays of bytes in it are numpy arrays.

    Args:
        path: the file.
        md5: the published checksum. It tells damage; that nothing in the file is run does not depend on it.

    Raises:
        DataError: not readable, damaged, or a pickle of something else; names the file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from error
    if len(data) > LARGEST or hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
        raise DataError(f"{path} is damaged: its MD5 is not {md5}; remove it and run again to download it again")
    return unpickle(data, str(path))


def unpickle(data: bytes, where: str) -> dict[str, Any]:
    """Return the dictionary in a pickle that holds nothing but what CIFAR's files do.

    Raises:
        DataError: it holds something else, or is damaged.
    """
    try:
        content = _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:  # what an unpickler raises on damaged data has no base class
        raise DataError(f"{where} is not a CIFAR file ({one_line(error)})") from error
    if not isinstance(content, dict):
        raise DataError(f"{where} is not a CIFAR file: it contains no dictionary")
    return {key: value.values if isinstance(value, _Array) else value for key, value in content.items()}
