"""Grey and colour: how the images of a source are made like those of the reference, where the user asks for it."""

import torch
from torch import Tensor

from ganbench.errors import DataError
from ganbench.evaluation.images import to_uint8


def with_channels(images: Tensor, channels: int) -> Tensor:
    """Return images made grey or colour.

    Grey is PIL's luma, ITU-R 601-2 in integers, so that it is what ``Image.convert("L")`` gives; colour is the grey
    channel three times.

    Args:
        images: uint8 (N, 1 or 3, H, W).
        channels: 1 or 3.
    """
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return images.expand(-1, 3, -1, -1).contiguous()
    red, green, blue = images.to(torch.int32).unbind(dim=1)
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).to(torch.uint8).unsqueeze(1)


def with_channels_in_range(images: Tensor, channels: int) -> Tensor:
    """As :func:`with_channels`, of floating point images in [-1, 1], whose levels are rounded first.

    Raises:
        NonFiniteSamples: a value is NaN or infinite.
    """
    if images.shape[1] == channels:
        return images
    return with_channels(to_uint8(images), channels).float().div_(127.5).sub_(1)


def require_floating(values: Tensor, value_range: str, where: str) -> None:
    """Raise :class:`DataError` where a range is given for images of whole levels, which have none."""
    if value_range and not values.is_floating_point():
        raise DataError(f"--range is for floating point images, but {where} has whole levels; leave it out")


def recolourable(found: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether images of one shape (C, H, W) are as those of the other, but for being grey or colour."""
    return len(found) == len(shape) == 3 and found[1:] == shape[1:] and {found[0], shape[0]} <= {1, 3}


def unlike(found: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """The end of the sentence that says of which shape samples are and should be, and what to do about it."""
    hint = f"; make them {'grey' if shape[0] == 1 else 'colour'} with --channels {shape[0]}"
    return f"{'x'.join(map(str, found))}, but the reference has {'x'.join(map(str, shape))}" + (
        hint if recolourable(found, shape) else ""
    )


def require_channels(channels: int, shape: tuple[int, ...]) -> None:
    """Check that samples which are made grey (1) or colour (3) are then as the reference's; 0 leaves them as they are.

    Raises:
        DataError: the reference holds no images, or those of another number of channels.
    """
    if channels and len(shape) != 3:
        raise DataError(
            f"--channels is for images, but the reference contains points of {shape[0]} numbers; leave it out"
        )
    if channels and channels != shape[0]:
        raise DataError(
            f"--channels {channels}: the reference's images have {shape[0]}; use --channels {shape[0]}, or "
            f"change the reference (folder:PATH[channels={'grey' if channels == 1 else 'rgb'}])"
        )
