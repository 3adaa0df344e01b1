"""From what a generator returns to what is scored: one rounding, one place, nothing hidden."""

import torch
from torch import Tensor

from ganbench.errors import UsageError


class NonFiniteSamples(Exception):
    """Samples contain NaN or infinity. They would become black pixels and a finite FID, so they are never converted."""


def require_finite(samples: Tensor) -> Tensor:
    """Return ``samples`` unchanged.

    Raises:
        NonFiniteSamples: with the number of samples, of shape (N, ...), that hold a value which is not finite.
    """
    # A sum of finite values that is finite too, nearly always, costs a tenth of looking at each value.
    if bool(torch.isfinite(samples.sum())):
        return samples
    finite = torch.isfinite(samples).flatten(1).all(dim=1)
    count = int((~finite).sum())
    if count:
        raise NonFiniteSamples(f"{count} of {len(samples)} generated samples are not finite")
    return samples


def to_uint8(images: Tensor) -> Tensor:
    """Convert images in [-1, 1] to uint8 in 0..255: clamped, then rounded once, half to even.

    -1 is 0, 1 is 255, and ``to_uint8(u / 127.5 - 1)`` is ``u`` for each of the 256 levels.

    Args:
        images: floating point, (N, C, H, W). Values outside [-1, 1] are clamped.

    Raises:
        NonFiniteSamples: a value is NaN or infinite.
    """
    images = require_finite(images)
    return images.float().clamp(-1, 1).add_(1).mul_(127.5).round_().to(torch.uint8)


def match_channels(images: Tensor, channels: int) -> Tensor:
    """Repeat one-channel images (N, 1, H, W) for a network that takes three; a view, no copy.

    Raises:
        UsageError: the network takes one channel and the images have another number, or any other mismatch.
    """
    have = images.shape[1]
    if have == channels:
        return images
    if have == 1:
        return images.expand(-1, channels, -1, -1)
    raise UsageError(
        f"the extractor takes {channels}-channel images, but the samples have {have}; choose another with --extractor"
    )
