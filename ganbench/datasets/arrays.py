"""Samples in an array, and what their numbers mean."""

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from ganbench.api import Dataset, Samples
from ganbench.datasets.array_files import read_labelled
from ganbench.datasets.checks import known_split, shown
from ganbench.errors import DataError

RANGES = {"-1:1": (-1.0, 1.0), "0:1": (0.0, 1.0), "0:255": (0.0, 255.0)}
CLEARLY_NEGATIVE = -0.3
"""Below this a value cannot be black of a range that begins at 0, however far a generator shoots beyond it."""
TOLERANCE = 1e-3
"""How far beyond its range a value may be, as a share of the range: rounding, not another range."""

ValueRange = Literal["", "-1:1", "0:1", "0:255"]


def arrange(array: Tensor, shape: tuple[int, ...], where: str) -> Tensor:
    """Return samples as (N, *shape): also from (N, H, W, C), or (N, H, W) where the images are grey.

    Raises:
        DataError: the array has another shape.
    """
    found = tuple(array.shape[1:])
    if array.dim() and found == shape:
        return array
    if len(shape) == 3:
        channels, height, width = shape
        if found == (height, width, channels):
            return array.permute(0, 3, 1, 2).contiguous()
        if channels == 1 and found == (height, width):
            return array.unsqueeze(1)
    wanted = "x".join(map(str, ("N", *shape)))
    raise DataError(f"{where} has the shape {'x'.join(map(str, array.shape)) or 'of one number'}; it must be {wanted}")


def _require_levels(levels: Tensor, where: str) -> None:
    """Raise :class:`DataError` for whole numbers that are 0 and 1: as levels of 0 to 255 all of them are black."""
    if levels.numel() and int(levels.max()) == 1:
        raise DataError(
            f"{where} contains only the whole numbers 0 and 1, but levels are 0 to 255; multiply them by 255, "
            "or save them as floating point with the range 0:1"
        )


def to_8_bits(levels: Tensor, where: str) -> Tensor:
    """Return unsigned 16-bit images, 0 black and 65535 white, as uint8: divided by 257 and rounded.

    So 257·u is ``u`` for each of the 256 levels, and no value lies halfway between two.

    Raises:
        DataError: no value is above 255: those are levels of 8 bits in a wider type, which would all become black.
    """
    wide = levels.to(torch.int32)
    if wide.numel() and 0 < int(wide.max()) <= 255:
        raise DataError(
            f"{where} contains unsigned 16-bit numbers up to only {int(wide.max())}, where white would be "
            "65535; save levels of 0 to 255 as unsigned 8-bit numbers"
        )
    return ((wide + 128) // 257).to(torch.uint8)


def settle_range(values: Tensor, given: ValueRange, where: str) -> ValueRange:
    """Return what black and white are: as given, or -1:1 where values are clearly negative; empty for whole levels.

    Raises:
        DataError: it cannot be told, because no value is below zero by more than rounding and overshooting may explain.
    """
    if not values.is_floating_point():
        return ""
    if given:
        return given
    if values.numel() and float(values.min()) < CLEARLY_NEGATIVE:
        return "-1:1"
    raise DataError(
        f"{where} has values from {_extent(values)}; say with --range whether they are in 0:1, 0:255 or -1:1 "
        "(of a dataset: [range=0:1])"
    )


def to_network_values(values: Tensor, value_range: ValueRange, where: str, *, tolerance: float = TOLERANCE) -> Tensor:
    """Return images as float32 in [-1, 1]; a value slightly beyond its range is clamped, NaN is left for the caller.

    Args:
        values: floating point in ``value_range``, or whole levels 0..255.
        value_range: as :func:`settle_range` returns it.
        where: whose values they are, for a message.
        tolerance: what is slight, as a share of the range.

    Raises:
        DataError: a value is further beyond its range.
    """
    low, high = RANGES[value_range or "0:255"]
    slack = tolerance * (high - low) if value_range else 0.0
    if bool(((values < low - slack) | (values > high + slack)).any()):
        hint = "; set the right range with --range" if value_range else ""
        raise DataError(f"{where} has values from {_extent(values)}, outside the range {low:g} to {high:g}{hint}")
    return values.float().sub(low).mul(2 / (high - low)).sub(1).clamp(-1, 1)


def to_samples(array: Tensor, shape: tuple[int, ...], value_range: ValueRange, where: str) -> Tensor:
    """Return uint8 images (N, C, H, W), or float32 vectors (N, D), from an array in any of the accepted forms.

    Raises:
        DataError: another shape, a value that is not finite or out of range, complex numbers or truth values.
    """
    from ganbench.evaluation.images import to_uint8

    if array.dtype == torch.uint16:  # torch can do little with it
        array = to_8_bits(array, where) if len(shape) == 3 else array.to(torch.int32)
    array = arrange(array, shape, where)
    if array.is_complex() or array.dtype == torch.bool:
        raise DataError(f"{where} contains {str(array.dtype).removeprefix('torch.')}, not real numbers")
    if array.is_floating_point() and (broken := int((~torch.isfinite(array)).flatten(1).any(dim=1).sum())):
        raise DataError(f"{where} has NaN or infinity in {broken} of its {len(array)} samples; remove them")
    if len(shape) != 3:
        return array.float()
    if not array.is_floating_point():
        _require_levels(array, where)
    if array.dtype == torch.uint8:
        return array
    return to_uint8(to_network_values(array, settle_range(array, value_range, where), where))


def _extent(values: Tensor) -> str:
    finite = values[torch.isfinite(values)] if values.is_floating_point() else values
    return f"{float(finite.min()):g} to {float(finite.max()):g}" if finite.numel() else "none"


class Array(Dataset):
    """Real samples in one array: ``array:reals.npy``.

    Images are (N, C, H, W), (N, H, W, C) or (N, H, W): whole levels 0 to 255, unsigned 16-bit ones 0 to 65535 (brought
    to 8 bits), or floating point; (N, D) is points. All are for training, and fakes are compared with those same
    samples. Labels are whole numbers (N,) called ``labels`` or ``y`` beside the samples in a .npz or in the dict of a
    .pt, or ``arr_1`` in a .npz. ``root`` is ignored.

    Args:
        path: a .npy, .npz or .pt file; ``array:PATH`` sets it.
        range: what black and white are in floating point images: ``-1:1``, ``0:1`` or ``0:255``; empty: tell by the
            values, where there are negative ones.

    Raises:
        ValueError: no path, or an unknown range.
    """

    extractor = "inception"
    metrics = ("fid", "is")
    locations = ("path",)
    reference_split = "train"

    def __init__(self, *, path: str = "", range: str = "") -> None:  # noqa: A002
        if not str(path).strip():
            raise ValueError("its path is missing; write array:PATH")
        if range and range not in RANGES:
            raise ValueError(f"range must be one of {', '.join(RANGES)}, not {range!r}")
        self.path = Path(str(path)).expanduser().absolute()
        self.range: Any = range

    def load(self, split: str, *, root: Path) -> Samples:
        """Return all samples as ``train``, with labels where the file has them; there is no ``test``.

        Raises:
            DataError: the file, its samples or its labels are not as they must be; says what and what to do.
        """
        if not known_split("array", split):
            raise DataError(
                f"{shown(self.path)} has no test split, because an array has only training samples; use "
                "--reference train"
            )
        array, labels = read_labelled(self.path)
        if array.dim() not in (2, 3, 4):
            raise DataError(
                f"{shown(self.path)} has {array.dim()} dimensions, but samples have 2 (points) to 4 (images)"
            )
        if len(array) < 2:
            raise DataError(f"{shown(self.path)} contains {len(array)} samples, which is too few")
        data = to_samples(array, _shape(array), self.range, shown(self.path))
        classes = () if labels is None else tuple(map(str, range(int(labels.max()) + 1)))
        return Samples(data=data, labels=labels, classes=classes, files=(str(self.path),))


def _shape(array: Tensor) -> tuple[int, ...]:
    """The shape of one sample, where there is no other to compare with: three or one channels, first or last."""
    sizes = tuple(array.shape[1:])
    if len(sizes) == 2:
        return (1, *sizes)
    if len(sizes) == 3 and sizes[0] not in (1, 3) and sizes[2] in (1, 3):
        return (sizes[2], *sizes[:2])
    return sizes
