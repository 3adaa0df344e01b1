"""Penalties on the critic's gradient between real and fake, as terms for any loss: two-sided as in WGAN-GP (Gulrajani
et al. 2017, arXiv:1704.00028), one-sided as in WGAN-LP (Petzka, Fischer & Lukovnikov 2018, arXiv:1709.08894)."""

import torch
from torch import Tensor

from ganbench.api import Discriminator, Penalty


def input_gradients(discriminator: Discriminator, x: Tensor) -> Tensor:
    """Return the gradient of each sample's output by that sample, (N, D), ready for a second differentiation.

    Summing the outputs first gives each sample its own gradient, because no output depends on another sample
    (batch normalisation breaks this, which is why it is refused or replaced where a penalty is used).
    """
    x = x.detach().requires_grad_(True)
    (gradients,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return gradients.flatten(1)


def interpolate(real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
    """Return points on the lines between real and fake, one uniform position per sample."""
    shape = (len(real),) + (1,) * (real.dim() - 1)
    position = torch.rand(shape, generator=rng, device=real.device, dtype=real.dtype)
    return fake + position * (real - fake)


class GradientPenalty(Penalty):
    """lambda_gp * mean((||grad D(x)||_2 - 1)^2), two-sided, the norm over all dimensions of one sample."""

    formula = "lambda_gp * mean((||grad D(x)|| - 1)^2), x = a * real + (1 - a) * fake, a ~ U(0, 1) per sample"

    def __init__(self, lambda_gp: float = 10.0) -> None:
        if lambda_gp < 0:
            raise ValueError(f"lambda_gp={lambda_gp:g} must not be negative")
        self.lambda_gp = lambda_gp

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the penalty at random points between the two batches."""
        gradients = input_gradients(discriminator, interpolate(real, fake, rng))
        norms: Tensor = gradients.norm(2, dim=1)
        return self.lambda_gp * (norms - 1.0).square().mean()


class LipschitzPenalty(Penalty):
    """lambda_lp * mean(max(0, ||grad D(x)||_2 - 1)^2), one-sided, the norm over all dimensions of one sample."""

    formula = "lambda_lp * mean(relu(||grad D(x)|| - 1)^2), x = a * real + (1 - a) * fake, a ~ U(0, 1) per sample"

    def __init__(self, lambda_lp: float = 10.0) -> None:
        if lambda_lp < 0:
            raise ValueError(f"lambda_lp={lambda_lp:g} must not be negative")
        self.lambda_lp = lambda_lp

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the penalty at random points between the two batches."""
        gradients = input_gradients(discriminator, interpolate(real, fake, rng))
        norms: Tensor = gradients.norm(2, dim=1)
        return self.lambda_lp * (norms - 1.0).relu().square().mean()
