"""Mode seeking (MSGAN; Mao, Lee, Tseng, Ma & Yang 2019, arXiv:1903.05628): different latent points shall make different
samples."""

import torch
from torch import Tensor

from ganbench.api import Generator, GeneratorPenalty

EPSILON = 1e-5
"""Keeps the quotient finite where all samples are the same; the authors' code has it, too."""


class ModeSeeking(GeneratorPenalty):
    """lambda_ms / (mean|G(z1) - G(z2)| / mean|z1 - z2| + 1e-5), the means over all dimensions of all pairs.

    As the authors' code has it: the paper maximises the quotient of the two distances (equation 1), the code minimises
    its inverse. A pair are two latent points of the batch, half a batch apart. As in the paper both have one condition:
    under a conditional generator, G(z2) is made for the class of z1. So the generator runs once more.

    Args:
        lambda_ms: the weight, not negative; 1 in the paper.

    Raises:
        ValueError: the weight is negative, or a batch has a single sample.
    """

    formula = "lambda_ms / (mean(|G(z1) - G(z2)|) / mean(|z1 - z2|) + 1e-5), z1 and z2 half a batch apart"

    def __init__(self, lambda_ms: float = 1.0) -> None:
        if lambda_ms < 0:
            raise ValueError(f"lambda_ms={lambda_ms:g} must not be negative")
        self.lambda_ms = lambda_ms

    def __call__(self, generator: Generator, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the penalty on all pairs of the batch."""
        if len(z) < 2:
            raise ValueError("mode seeking compares two samples, so that a batch must have 2 or more")
        other = z.roll(len(z) // 2, dims=0)
        apart = (fake - generator(other)).abs().mean() / (z - other).abs().mean()
        return self.lambda_ms / (apart + EPSILON)
