"""The gradient penalty of DRAGAN (Kodali, Abernethy, Hays & Kira 2017, arXiv:1705.07215), as a term for any loss."""

import torch
from torch import Tensor

from ganbench.api import Discriminator, Penalty
from ganbench.penalties.gradient import input_gradients


class PerturbedPenalty(Penalty):
    """lambda_dragan * mean((||grad D(x + d)||_2 - 1)^2) around real samples x, d ~ N(0, sigma^2) in every dimension.

    As algorithm 1 has it. The paper gives the noise as about 10 and does not say in which unit; as a standard
    deviation in grey levels it is 0.08 in [-1, 1]. The authors' code draws a * 0.5 * std(batch) * U(0, 1) with
    a ~ U(0, 1) instead: never negative, of the same size (root mean square 0.083) where the batch's standard deviation
    is 0.5.

    Args:
        lambda_dragan: the weight, not negative.
        sigma: the standard deviation of the noise, not negative.

    Raises:
        ValueError: a parameter is negative.
    """

    formula = "lambda_dragan * mean((||grad D(x)|| - 1)^2), x real + N(0, sigma^2)"

    def __init__(self, lambda_dragan: float = 10.0, sigma: float = 0.08) -> None:
        for name, value in (("lambda_dragan", lambda_dragan), ("sigma", sigma)):
            if value < 0:
                raise ValueError(f"{name}={value:g} must not be negative")
        self.lambda_dragan = lambda_dragan
        self.sigma = sigma

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the penalty around the real batch."""
        noise = torch.randn(real.shape, generator=rng, device=real.device, dtype=real.dtype)
        norms: Tensor = input_gradients(discriminator, real + self.sigma * noise).norm(2, dim=1)
        return self.lambda_dragan * (norms - 1.0).square().mean()
