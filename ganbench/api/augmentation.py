"""Augmentations: what is done to images before the discriminator sees them."""

import torch
from torch import Tensor


class Augmentation:
    """Transforms images before the discriminator sees them: real and fake alike, and in both players' updates.

    The generator's gradient passes through it, so that it still learns the untransformed images (Zhao et al. 2020,
    arXiv:2006.10738). A recipe names it: ``augment=translation``, or several joined by ``+``, in the order of
    their application. Under ``ada_target`` each image undergoes it with a probability that adapts.
    """

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Return the images transformed differentiably, each by a draw of its own, of the same shape and type.

        Args:
            images: real or generated images (N, C, H, W), float32, float64 or bfloat16, in [-1, 1] unless another
                augmentation before this one has left that range. They must not be changed in place.
            rng: the trial's own stream for augmentation, on the device of the images; the only source of randomness.

        Raises:
            ValueError: images of this shape cannot be transformed. It is called on a batch of the data's shape before
                anything trains, so that such a combination is refused with this message.
        """
        raise NotImplementedError
