"""Arrays in files, ``.npy``, ``.npz`` or ``.pt``, with labels where they hold some. Only tensors are unpickled."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganbench.datasets.checks import one_line, shown
from ganbench.datasets.claims import require_plain, require_readable
from ganbench.errors import DataError

SUFFIXES = (".npy", ".npz", ".pt", ".pth")
NAMES = ("samples", "images", "arr_0")
"""What the array is called in a file that holds several."""
LABELS = ("labels", "y")
"""What the class numbers are called in such a file."""
UNNAMED = "arr_1"
"""What they are called where ``numpy.savez`` was not told names; another array may be called so too."""
MOST_CLASSES = 100_000
"""Class numbers are below this: one that is not is no class but an identifier or a mistake."""


def read_array(path: Path) -> Tensor:
    """Read the one array of a file, in this machine's order of bytes.

    Raises:
        DataError: missing, damaged, of another format, or it does not hold exactly one array of samples.
    """
    where = shown(path)
    content = _read(path, where)
    return _tensor(_chosen(content, where), path)


def read_labelled(path: Path) -> tuple[Tensor, Tensor | None]:
    """Read the one array of a file, and the int64 class numbers (N,) that it holds beside, if it does.

    They are called one of :data:`LABELS`, or :data:`UNNAMED` where that is one whole number for each sample.

    Raises:
        DataError: as :func:`read_array`, or the labels are not one whole number from 0 for each sample.
    """
    where = shown(path)
    content = _read(path, where)
    if not isinstance(content, dict):
        return _tensor(content, path), None
    chosen = _chosen(content, where)
    samples = _tensor(chosen, path)
    count = len(samples) if samples.dim() else 0
    named = [name for name in LABELS if name in content and content[name] is not chosen]
    if len(named) > 1:
        raise DataError(f"{where} contains {' and '.join(named)}; keep only the one with the class numbers")
    if named:
        if isinstance(content[named[0]], Tensor):
            require_plain(content[named[0]], path)
        return samples, _labels(content[named[0]], count, f"{where}: {named[0]}")
    unnamed = content.get(UNNAMED)
    if isinstance(unnamed, np.ndarray) and unnamed.dtype.kind in "iu" and unnamed.shape == (count,):
        return samples, _labels(unnamed, count, f"{where}: {UNNAMED}")
    return samples, None


def _labels(content: Any, count: int, where: str) -> Tensor:
    try:
        labels = _as_tensor(content)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{where} does not contain class numbers ({one_line(error)})") from error
    whole = not (labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool)
    if not whole or tuple(labels.shape) != (count,):
        kind, size = str(labels.dtype).removeprefix("torch."), "x".join(map(str, labels.shape)) or "one number"
        raise DataError(
            f"{where} is {kind} of shape {size}; it must contain one whole number for each of {count} samples"
        )
    labels = labels.to(torch.int64)
    if count and not 0 <= int(labels.min()) <= int(labels.max()) < MOST_CLASSES:
        low, high = int(labels.min()), int(labels.max())
        raise DataError(f"{where} goes from {low} to {high}, but class numbers go from 0 to {MOST_CLASSES - 1}")
    return labels


def _read(path: Path, where: str) -> Any:
    """The content of a file: an array, or what it holds by name."""
    try:
        require_readable(path)
        if path.suffix.lower() in (".pt", ".pth"):
            return torch.load(path, map_location="cpu", weights_only=True)
        loaded: Any = np.load(path, allow_pickle=False)
        return loaded if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{where} cannot be read ({error.strerror or one_line(error)})") from error
    except pickle.UnpicklingError as error:
        # Its text advises to load everything, which runs whatever the file holds.
        raise DataError(
            f"{where} is damaged or contains more than tensors, which could run code and is not read; save only "
            "the samples: torch.save(samples, PATH)"
        ) from error
    except ValueError as error:
        # numpy takes whatever else it finds for pickled objects, and advises to load them.
        why = "; save them with numpy.save(PATH, samples)" if "pickle" in str(error) else f" ({one_line(error)})"
        raise DataError(f"{where} is not a valid {path.suffix} file of numbers{why}") from error
    except Exception as error:  # numpy and torch raise many types on damaged files
        raise DataError(f"{where} is not a valid {path.suffix} file of numbers ({one_line(error)})") from error


def _tensor(array: Any, path: Path) -> Tensor:
    try:
        if isinstance(array, Tensor):
            require_plain(array, path)
        return _as_tensor(array)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{shown(path)} contains {getattr(array, 'dtype', type(array).__name__)}, not numbers"
        ) from error


def _as_tensor(array: Any) -> Tensor:
    """Numbers in this machine's order of bytes, and unsigned ones of 32 and 64 bits as signed.

    Torch has those two, but hardly computes with them. One that wraps around is negative, which no level and no label
    is.
    """
    if isinstance(array, np.ndarray) and not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    tensor = torch.as_tensor(array).detach()
    return tensor.to(torch.int64) if tensor.dtype in (torch.uint32, torch.uint64) else tensor


def _chosen(content: Any, where: str) -> Any:
    if not isinstance(content, dict):
        return content
    arrays = {name: value for name, value in content.items() if isinstance(value, Tensor | np.ndarray)}
    unlabelled = {name: value for name, value in arrays.items() if name not in LABELS}
    for one in (arrays, unlabelled):
        if len(one) == 1:
            return next(iter(one.values()))
    named = [name for name in NAMES if name in arrays]
    if len(named) == 1:
        return arrays[named[0]]
    held = ", ".join(sorted(map(str, arrays))) or "none"
    raise DataError(f"{where} must contain one array, or one called {' or '.join(NAMES)}; it contains: {held}")


def is_torchscript(path: Path) -> bool:
    """Return whether a ``.pt`` file is a TorchScript program and no tensor: both are zip archives."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any("/code/" in name for name in archive.namelist())
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False  # damaged: reading it says how
