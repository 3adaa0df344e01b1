"""Samples that ganbench did not train, read from image files or an array in the form of the reference's."""

import zipfile
from pathlib import Path, PurePosixPath
from typing import Literal

import torch
from torch import Tensor

from ganbench.datasets.array_files import read_array
from ganbench.datasets.arrays import ValueRange, to_samples
from ganbench.datasets.checks import shown
from ganbench.datasets.folder import read_images
from ganbench.datasets.listing import SUFFIXES, open_source
from ganbench.errors import DataError
from ganbench.evaluation.channels import require_floating, unlike, with_channels
from ganbench.evaluation.handout import require_untruncated


def read_given(
    path: Path,
    kind: Literal["images", "array"],
    shape: tuple[int, ...],
    *,
    value_range: ValueRange = "",
    size: int = 0,
    channels: int = 0,
) -> tuple[Tensor, tuple[str, ...]]:
    """Read all samples of image files or of an array, in the form of the reference's, and the files they came from.

    Args:
        path: of them.
        kind: ``"images"`` or ``"array"``.
        shape: of a sample of the reference's.
        value_range: of floating point images.
        size: to which image files are brought, or 0.
        channels: 1 or 3 to make images grey or colour, 0 to leave them as they are.

    Raises:
        DataError: it cannot be read, holds fewer than two samples, they have another shape than ``shape``, or their
            latents were truncated.
    """
    where = shown(path)
    files: tuple[str, ...]
    if kind == "array":
        array, files = read_array(path), (str(path),)
        require_untruncated(path)
        own = _own_shape(array, shape)
        if own != shape and not channels:
            raise DataError(f"{where} contains images of {unlike(own, shape)}")
        data = to_samples(array, own, value_range, where)
        require_floating(array, value_range, where)
        if channels:
            data = with_channels(data, channels)
    else:
        with open_source(path) as source:
            if not source.names:
                outside = f", but {told}" if (told := left_out(path)) else ""
                raise DataError(f"{where} contains no images{outside}")
            if len(source.names) < 2:
                raise DataError(f"{where} contains only one image, but a score needs many")
            images, files = read_images(source, source.names, size=size), source.files
            data = match(images, shape, where, channels)
    if len(data) < 2:
        found = "only one sample" if len(data) else "no samples"
        raise DataError(f"{where} contains {found}, but a score needs many")
    return data, files


def left_out(path: Path) -> str:
    """Which images of a .zip are not read because their names lead out of it, in words; empty where none are.

    Other hidden files are meant to be passed over. These nobody calls so on purpose: whatever made the .zip did.
    """
    if path.is_dir():
        return ""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.lower().endswith(SUFFIXES)]
    outside = [name for name in names if ".." in PurePosixPath(name).parts]
    if not outside:
        return ""
    return (
        f"{len(outside)} of its {len(names)} image files are left out because their names lead out of the .zip, e.g. "
        f"{shown(outside[0])}; pack it from within their folder to have them read"
    )


def _own_shape(array: Tensor, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an array's samples: the reference's ``shape``, or that in grey for colour, or colour for grey."""
    found = tuple(array.shape[1:])
    if len(shape) == 3 and shape[0] in (1, 3):
        other = 4 - shape[0]
        if found in {(other, *shape[1:]), (*shape[1:], other)} or (other == 1 and found == shape[1:]):
            return (other, *shape[1:])
    return shape


def match(images: Tensor, shape: tuple[int, ...], where: str, channels: int) -> Tensor:
    """Return uint8 images (N, C, H, W) in the reference's ``shape``: grey ones repeated, equal channels made one.

    Raises:
        DataError: another size, colour against grey and no ``channels`` asked for, or the reference holds no images.
    """
    if len(shape) != 3:
        raise DataError(f"{where} contains images, but the reference contains points of {shape[0]} numbers")
    if tuple(images.shape[2:]) != shape[1:]:
        found, wanted = (f"{size[1]}x{size[0]}" for size in (images.shape[2:], shape[1:]))
        hint = f"; resize them with --size {shape[1]}" if shape[1] == shape[2] else ""
        raise DataError(f"{where} contains images of {found}, but the reference has {wanted}{hint}")
    if channels:
        return with_channels(images, channels)
    if images.shape[1] == shape[0]:
        return images
    if images.shape[1] == 1:
        return images.expand(-1, shape[0], -1, -1).contiguous()
    if shape[0] == 1 and torch.equal(images[:, :1].expand_as(images), images):
        return images[:, :1].contiguous()
    hint = "; make them grey with --channels 1" if shape[0] == 1 else ""
    raise DataError(f"{where} contains images of {images.shape[1]} channels, but the reference has {shape[0]}{hint}")
