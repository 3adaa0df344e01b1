"""Colour jitter whose gradient passes."""

import torch
from torch import Tensor

from ganbench.api import Augmentation


class Color(Augmentation):
    """Brightness, saturation and contrast of each image changed, in this order (Zhao et al. 2020, arXiv:2006.10738).

    A draw from [-1/2, 1/2] times ``brightness`` is added to all values; the distance of each value from its pixel's
    grey, the mean over channels, is multiplied by one from 1 ± ``saturation``; then the distance from the image's mean
    by one from 1 ± ``contrast``/2.

    Args:
        brightness: the width of the range that is added; the paper has 1.
        saturation: how far the factor goes from 1; the paper has 1, so that an image may come out grey.
        contrast: the width of the range of the factor; the paper has 1.

    Raises:
        ValueError: one is negative, or takes a factor below 0, which makes a negative of the image.
    """

    def __init__(self, brightness: float = 1.0, saturation: float = 1.0, contrast: float = 1.0) -> None:
        for name, value, most in (
            ("brightness", brightness, float("inf")),
            ("saturation", saturation, 1.0),
            ("contrast", contrast, 2.0),
        ):
            if not 0 <= value <= most:
                raise ValueError(f"{name}={value:g} must be from 0 to {most:g}")
        self.brightness = brightness
        self.saturation = saturation
        self.contrast = contrast

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Return the images (N, C, H, W) in other colours."""
        draw = torch.rand((3, len(images), 1, 1, 1), generator=rng, device=images.device) * 2 - 1
        # By numbers, not by a tensor of them: that would be a copy to the device, which no CUDA graph can hold.
        widths = (self.brightness / 2, self.saturation, self.contrast / 2)
        added, saturation, contrast = ((one * width).to(images.dtype) for one, width in zip(draw, widths, strict=True))
        images = images + added
        grey = images.mean(1, keepdim=True)
        images = (images - grey) * (1 + saturation) + grey
        mean = images.mean((1, 2, 3), keepdim=True)
        changed: Tensor = (images - mean) * (1 + contrast) + mean
        return changed
