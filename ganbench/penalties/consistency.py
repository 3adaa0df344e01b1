"""Consistency regularisation: the discriminator shall not change its mind about a sample that is moved a little."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from ganbench.api import Discriminator, Penalty


def move(images: Tensor, shift: int, rng: torch.Generator, *, flip: bool) -> Tensor:
    """Return images (N, C, H, W), each shifted by up to ``shift`` pixels in both directions and, ``flip``, mirrored
    with probability 1/2. What enters at a border is the image reflected there."""
    n, _, height, width = images.shape
    offsets = torch.randint(0, 2 * shift + 1, (2, n), generator=rng, device=images.device)
    padded = pad(images, (shift, shift, shift, shift), mode="reflect") if shift else images
    rows = offsets[0][:, None] + torch.arange(height, device=images.device)
    columns = offsets[1][:, None] + torch.arange(width, device=images.device)
    if flip:
        mirrored = torch.rand(n, generator=rng, device=images.device) < 0.5
        columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    number = torch.arange(n, device=images.device)[:, None, None]
    return padded[number, :, rows[:, :, None], columns[:, None, :]].movedim(3, 1)


class Consistency(Penalty):
    """lambda_real * mean((D(x) - D(T(x)))^2) on real samples (CR-GAN, Zhang et al. 2020, arXiv:1910.12027) and, with
    ``lambda_fake``, the same on generated ones (bCR-GAN, Zhao et al. 2021, arXiv:2002.04724).

    T shifts by up to ``shift`` pixels and mirrors half of the images, as in the papers; ``flip=false`` where a mirror
    image is another thing, as with digits.

    Args:
        lambda_real: the weight on real samples; both papers have 10.
        lambda_fake: the weight on generated ones; 0 is CR-GAN, the bCR-GAN paper has 10.
        shift: pixels, less than the side of the images.
        flip: whether images are mirrored.

    Raises:
        ValueError: a weight or the shift is negative.
    """

    constrains = "outputs"
    double_backward = False
    kinds = ("image",)
    formula = (
        "lambda_real * mean((D(x) - D(T(x)))^2) + lambda_fake * mean((D(y) - D(T(y)))^2), x real, y fake, "
        "T a random shift and mirror image"
    )

    def __init__(self, lambda_real: float = 10.0, lambda_fake: float = 0.0, shift: int = 4, flip: bool = True) -> None:
        for name, value in (("lambda_real", lambda_real), ("lambda_fake", lambda_fake), ("shift", shift)):
            if value < 0:
                raise ValueError(f"{name}={value:g} must not be negative")
        self.lambda_real = lambda_real
        self.lambda_fake = lambda_fake
        self.shift = shift
        self.flip = flip

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the penalty on the two batches."""
        if self.shift >= min(real.shape[2:]):
            raise ValueError(f"shift={self.shift} must be less than the side of the images, {min(real.shape[2:])}")
        value = torch.zeros((), device=real.device)
        for weight, images in ((self.lambda_real, real.detach()), (self.lambda_fake, fake.detach())):
            if weight:
                moved = move(images, self.shift, rng, flip=self.flip)
                value = value + weight * (discriminator(images) - discriminator(moved)).square().mean()
        return value
