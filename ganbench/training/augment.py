"""Differentiable augmentation of real and fake images (Zhao et al. 2020, arXiv:2006.10738).

On few images a discriminator learns them by heart. Shown only transformed images, real and fake alike, and in both
players' updates, it cannot, and the generator still learns the untransformed distribution, because its gradient passes
through the transformation.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ganbench.api import Augmentation
from ganbench.training.ada import Adaptation


class Augment:
    """Transforms every image of a batch by a draw of its own.

    Args:
        transforms: applied in this order; none leaves the images as they are.
        rng: the trial's own stream for augmentation, on the device of the images.
        adaptation: the probability with which an image undergoes each transform; ``None`` for always.
    """

    def __init__(
        self, transforms: Sequence[Augmentation], rng: torch.Generator, adaptation: Adaptation | None = None
    ) -> None:
        self.transforms = tuple(transforms)
        self._adaptation = adaptation
        self._rng = rng

    def __call__(self, images: Tensor) -> Tensor:
        """Return images (N, C, H, W) transformed, differentiably; the same tensor if there is no transform."""
        for transform in self.transforms:
            transformed = transform(images, self._rng)
            if self._adaptation is not None:
                draw = torch.rand((len(images), 1, 1, 1), generator=self._rng, device=images.device)
                transformed = torch.where(draw < self._adaptation.p, transformed, images)
            images = transformed
        return images
