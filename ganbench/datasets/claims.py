"""How much a file claims to hold, looked at before it is read: a few kilobytes can claim, and unpack to, terabytes."""

import os
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from ganbench.datasets.checks import one_line, shown
from ganbench.errors import DataError

PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Of an entry of a .zip. The others (bzip2, LZMA) are unpacked by Python in one go: gigabytes, whatever they claim."""
ALWAYS_ALLOWED = 1 << 30
"""Bytes that all of a file may have unpacked, however small it is."""
MOST_PACKED = 200
"""How many times the size of a larger file they may have: samples hardly pack, a bomb's entries a thousandfold."""
NUMBERS = (
    torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32, torch.uint64,
    torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.bool, torch.complex32, torch.complex64,
    torch.complex128,
)  # fmt: skip
"""What can be computed with, so that what is no sample is said of its values."""


def most_of(size: int) -> int:
    """Return the most bytes that a file of ``size`` bytes may have unpacked."""
    return max(ALWAYS_ALLOWED, MOST_PACKED * size)


def memory() -> int:
    """Return this machine's memory in bytes, or a number that is never reached where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 1 << 62


def require_readable(path: Path) -> None:
    """Look at a file of arrays, packed or not, without reading them. One that is missing is for whoever reads it.

    Raises:
        DataError: no regular file, packed in an unusual way, or it claims more than it can hold or memory can.
    """
    where = shown(path)
    if path.exists() and not path.is_file():
        raise DataError(f"{where} is a folder or a device, not a file of samples")
    claimed = size = path.stat().st_size if path.exists() else 0
    if size and zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
            raise DataError(f"{where} is damaged ({one_line(error)})") from error
        if odd := next((entry for entry in entries if entry.compress_type not in PACKINGS), None):
            raise DataError(
                f"{where}: {shown(odd.filename)} is neither stored nor deflated; save the samples with numpy.savez or "
                "torch.save"
            )
        claimed = sum(entry.file_size for entry in entries)
    _require(claimed, size, where)


def require_plain(tensor: Tensor, path: Path) -> None:
    """Look at a tensor that was read from a file: numbers, one beside the other, and not many more than the file holds.

    Raises:
        DataError: it is sparse, quantised or without content, of a type that nothing computes with, or a few numbers
            said to stand at many places.
    """
    where = shown(path)
    kind = str(tensor.dtype).removeprefix("torch.")
    if tensor.is_nested or tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        raise DataError(
            f"{where} contains a {kind} tensor that is not dense; save it as torch.float32, one full tensor"
        )
    if tensor.dtype not in NUMBERS:
        raise DataError(f"{where} contains {kind}, with which nothing can be computed; save it as torch.float32")
    _require(tensor.numel() * tensor.element_size(), path.stat().st_size, where)


def _require(claimed: int, size: int, where: str) -> None:
    if claimed > most_of(size):
        raise DataError(f"{where} claims {claimed} bytes, {claimed // max(1, size)} times its own size; is it damaged?")
    if claimed > (room := memory()):
        raise DataError(f"{where} needs {claimed / 2**30:.1f} GiB, but this machine has {room / 2**30:.1f} GiB")
