"""Image files to one uint8 tensor, all of one size, grey or colour; whatever cannot be is named."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from ganbench.datasets.checks import one_line
from ganbench.datasets.claims import memory
from ganbench.datasets.listing import Source
from ganbench.datasets.reading import on_each
from ganbench.errors import DataError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
LARGEST_IMAGE = 1 << 26
"""Pixels of one image before it is resized, 8192×8192: a small file can claim many more."""
GREY_MODES = ("1", "L", "LA")
COLOUR_MODES = ("RGB", "RGBA", "P", "PA", "CMYK", "YCbCr")


@dataclass(frozen=True)
class Header:
    """What a file says of its image before it is decoded."""

    width: int
    height: int
    grey: bool


def read_header(data: bytes, where: str) -> Header:
    """Read size and mode of one image.

    Raises:
        DataError: no image in one of :data:`FORMATS`, absurdly large, animated, deeper than 8 bits, or a damaged PNG.
    """
    with _opened(data, where) as image:
        if image.width * image.height > LARGEST_IMAGE:
            raise DataError(
                f"{where} claims {image.width}x{image.height} pixels, more than the {LARGEST_IMAGE} allowed"
            )
        if getattr(image, "n_frames", 1) > 1:
            raise DataError(f"{where} contains several frames; save one of them as a still image")
        if image.mode not in (*GREY_MODES, *COLOUR_MODES):
            raise DataError(f"{where} has pixels of type {image.mode}; save it with 8 bits per channel")
        header = Header(image.width, image.height, image.mode in GREY_MODES)
        try:
            image.verify()  # the check sums of a PNG and its end, which decoding the pixels passes over
        except Exception as error:  # PIL's decoders raise many types on damaged files
            raise DataError(f"{where} is a damaged image ({one_line(error)})") from error
        return header


def decode(data: bytes, where: str, mode: str, size: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Decode one image to (H, W) for ``mode`` ``"L"`` or (H, W, 3) for ``"RGB"``, uint8.

    With ``size`` above 0, the largest centred square is cut out and brought to size×size by PIL's bicubic filter,
    which is antialiased; an image that has that size already is left as it is. The orientation that a camera noted in
    EXIF is not applied, as in torchvision's ``ImageFolder``.

    Raises:
        DataError: truncated, damaged or with transparent pixels.
    """
    with _opened(data, where) as image:
        try:
            image.load()
            flat = _without_alpha(image)
            if flat is not None and flat.mode != mode:
                flat = flat.convert(mode)
            pixels = None if flat is None else np.asarray(_fit(flat, size))
        except Exception as error:  # PIL's decoders raise many types on damaged files
            raise DataError(f"{where} is a damaged image ({one_line(error)})") from error
    if pixels is None:
        raise DataError(f"{where} has transparent pixels, whose colour is not defined; flatten it onto a background")
    return pixels


def decode_all(
    source: Source, names: Sequence[str], *, grey: bool, height: int, width: int, size: int, pixels: int = 0
) -> Tensor:
    """Decode images into one uint8 tensor (N, 1 or 3, H, W) in 0..255.

    Args:
        source: where the files are.
        names: which, in order.
        grey: one channel by PIL's luma (ITU-R 601-2), else three.
        height, width: of the result.
        size: as for :func:`decode`.
        pixels: of an image as it is stored; many are decoded side by side where they are large.

    Raises:
        DataError: an image cannot be decoded, or all together do not fit into this machine's memory.
    """
    channels = 1 if grey else 3
    needed = len(names) * channels * height * width
    if needed > (room := memory()):
        raise DataError(
            f"{len(names)} images of {height}x{width} need {needed / 2**30:.1f} GiB, but this machine has "
            f"{room / 2**30:.1f} GiB; choose a smaller size, as in [size=64]"
        )
    stack = np.empty((len(names), channels, height, width), np.uint8)

    def fill(index: int) -> None:
        name = names[index]
        image = decode(source.read(name), source.where(name), "L" if grey else "RGB", size)
        stack[index] = image if grey else image.transpose(2, 0, 1)

    on_each(range(len(names)), fill, pixels=pixels)
    return torch.from_numpy(stack)


def _opened(data: bytes, where: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise DataError(f"{where} claims more pixels than the {LARGEST_IMAGE} allowed") from error
    except Exception as error:  # PIL's decoders raise many types on damaged files
        reason = "" if isinstance(error, UnidentifiedImageError) else f" ({one_line(error)})"
        raise DataError(f"{where} is not an image in {', '.join(FORMATS)} format{reason}") from error


def _without_alpha(image: Image.Image) -> Image.Image | None:
    """Return the image without its alpha channel, ``None`` where a pixel is not opaque."""
    if not image.has_transparency_data:
        return image
    grey = image.mode in GREY_MODES
    transparent = image.convert("RGBA")
    lowest, _ = transparent.getchannel("A").getextrema()
    return transparent.convert("L" if grey else "RGB") if lowest == 255 else None


def _fit(image: Image.Image, size: int) -> Image.Image:
    if not size or image.size == (size, size):
        return image
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.BICUBIC, box=box)
