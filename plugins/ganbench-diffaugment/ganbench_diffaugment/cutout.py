"""Cutout."""

import torch
from torch import Tensor

from ganbench.api import Augmentation


class Cutout(Augmentation):
    """A square of each image set to 0, mid-grey (DeVries and Taylor 2017, arXiv:1708.04552).

    Its centre is anywhere in the image, so some of the square may lie outside, as in DiffAugment (Zhao et al. 2020,
    arXiv:2006.10738).

    Args:
        hole: the side of the square as a share of the image's, above 0 and below 1; DiffAugment has a half.

    Raises:
        ValueError: the share is out of range.
    """

    def __init__(self, hole: float = 0.5) -> None:
        if not 0 < hole < 1:
            raise ValueError(f"hole={hole:g} must be above 0 and below 1")
        self.hole = hole

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Return the images (N, C, H, W), each with a hole."""
        inside = []
        for axis in (2, 3):
            side = images.shape[axis]
            hole = int(side * self.hole + 0.5)
            centre = torch.randint(0, side + (1 - hole % 2), (len(images), 1), generator=rng, device=images.device)
            offset = torch.arange(side, device=images.device) - (centre - hole // 2)
            inside.append((offset >= 0) & (offset < hole))
        blank = inside[0][:, None, :, None] & inside[1][:, None, None, :]
        return images.masked_fill(blank, 0.0)
