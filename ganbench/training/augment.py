"""Differentiable augmentation of real and fake images (Zhao et al. 2020, arXiv:2006.10738).

On few images a discriminator learns them by heart. Shown only transformed images, real and fake alike, and in both
players' updates, it cannot, and the generator still learns the untransformed distribution, because its gradient passes
through the transformation.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

from ganbench.training.ada import Adaptation

SHIFT = 1 / 8
"""The furthest translation, as a share of the side."""

HOLE = 1 / 2
"""The side of what cutout blanks, as a share of the image's."""


class Augment:
    """Transforms every image of a batch by a draw of its own.

    Args:
        policy: ``"none"``, or transforms joined by ``+`` in the order of :data:`TRANSFORMS`, as a recipe has it.
        rng: the trial's own stream for augmentation, on the device of the images.
        adaptation: the probability with which an image undergoes each transform; ``None`` for always.
    """

    def __init__(self, policy: str, rng: torch.Generator, adaptation: Adaptation | None = None) -> None:
        self._adaptation = adaptation
        self._transforms = [] if policy == "none" else [TRANSFORMS[part] for part in policy.split("+")]
        self._rng = rng

    def __call__(self, images: Tensor) -> Tensor:
        """Return images (N, C, H, W) transformed, differentiably; the very same tensor where the policy is none."""
        for transform in self._transforms:
            transformed = transform(images, self._rng)
            if self._adaptation is not None:
                draw = torch.rand((len(images), 1, 1, 1), generator=self._rng, device=images.device)
                transformed = torch.where(draw < self._adaptation.p, transformed, images)
            images = transformed
        return images


def color(images: Tensor, rng: torch.Generator) -> Tensor:
    """Change brightness by up to ±0.5, saturation by a factor in [0, 2] and contrast by one in [0.5, 1.5]."""
    draw = torch.rand((3, len(images), 1, 1, 1), generator=rng, device=images.device).to(images.dtype)
    images = images + (draw[0] - 0.5)
    grey = images.mean(1, keepdim=True)
    images = (images - grey) * (2.0 * draw[1]) + grey
    mean = images.mean((1, 2, 3), keepdim=True)
    return (images - mean) * (draw[2] + 0.5) + mean


def translation(images: Tensor, rng: torch.Generator) -> Tensor:
    """Shift by up to an eighth of the side in each direction; what moves in is 0, mid-grey in the network's range."""
    for axis in (2, 3):
        side = images.shape[axis]
        reach = int(side * SHIFT + 0.5)
        start = torch.randint(0, 2 * reach + 1, (len(images), 1), generator=rng, device=images.device)
        index = start + torch.arange(side, device=images.device)
        index = index[:, None, :, None] if axis == 2 else index[:, None, None, :]
        padded = pad(images, (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0))
        images = padded.gather(axis, index.expand(images.shape))
    return images


def cutout(images: Tensor, rng: torch.Generator) -> Tensor:
    """Set a square of half the side to 0; its centre is anywhere in the image, so some of it may lie outside."""
    inside = []
    for axis in (2, 3):
        side = images.shape[axis]
        hole = int(side * HOLE + 0.5)
        centre = torch.randint(0, side + (1 - hole % 2), (len(images), 1), generator=rng, device=images.device)
        offset = torch.arange(side, device=images.device) - (centre - hole // 2)
        inside.append((offset >= 0) & (offset < hole))
    blank = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return images.masked_fill(blank, 0.0)


# Named in ganbench.spec as well, which imports no torch.
TRANSFORMS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "color": color,
    "translation": translation,
    "cutout": cutout,
}
