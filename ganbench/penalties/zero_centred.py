"""Zero-centred gradient penalties (Mescheder et al. 2018, arXiv:1801.04406, equations 9 and 10)."""

import torch
from torch import Tensor

from ganbench.api import Discriminator, Penalty
from ganbench.penalties.gradient import input_gradients


class _ZeroCentred(Penalty):
    def __init__(self, gamma: float = 10.0) -> None:
        if gamma < 0:
            raise ValueError(f"gamma={gamma:g} must not be negative")
        self.gamma = gamma

    def _term(self, discriminator: Discriminator, x: Tensor) -> Tensor:
        return 0.5 * self.gamma * input_gradients(discriminator, x).square().sum(1).mean()


class R1(_ZeroCentred):
    """gamma / 2 * mean(||grad D(x)||^2) on real samples, at every discriminator update."""

    formula = "gamma / 2 * mean(||grad D(x)||^2), x real"

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the penalty on the real batch."""
        return self._term(discriminator, real)


class R2(_ZeroCentred):
    """gamma / 2 * mean(||grad D(x)||^2) on generated samples, at every discriminator update."""

    formula = "gamma / 2 * mean(||grad D(x)||^2), x fake"

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the penalty on the fake batch."""
        return self._term(discriminator, fake)
