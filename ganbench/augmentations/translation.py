"""Translation, the one transform that leaves an image's values as they are."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from ganbench.api import Augmentation


class Translation(Augmentation):
    """Each image shifted in both directions (Zhao et al. 2020, arXiv:2006.10738); what moves in is 0, mid-grey.

    Args:
        shift: the furthest shift, as a share of the side, above 0 and at most 1; the paper has an eighth.

    Raises:
        ValueError: the shift is out of range.
    """

    def __init__(self, shift: float = 1 / 8) -> None:
        if not 0 < shift <= 1:
            raise ValueError(f"shift={shift:g} must be above 0 and at most 1")
        self.shift = shift

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Return the images (N, C, H, W), each shifted by a whole number of pixels."""
        for axis in (2, 3):
            side = images.shape[axis]
            reach = int(side * self.shift + 0.5)
            start = torch.randint(0, 2 * reach + 1, (len(images), 1), generator=rng, device=images.device)
            index = start + torch.arange(side, device=images.device)
            index = index[:, None, :, None] if axis == 2 else index[:, None, None, :]
            padded = pad(images, (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0))
            images = padded.gather(axis, index.expand(images.shape))
        return images
