"""Critics whose values and gradients are known, and the samples that penalties are tried on."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

D = torch.float64


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=rng(seed), dtype=D)


class Critic:
    """A function of samples (N, ...) to raw outputs (N,) as a discriminator, without weights of its own."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def __call__(self, x: Tensor) -> Tensor:
        return self.function(x)

    def parameters(self) -> Iterator[Tensor]:
        return iter(())

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        return iter(())


def linear(weights: Tensor) -> Critic:
    """D(x) = w·x, whose gradient is w everywhere."""
    return Critic(lambda x: x.flatten(1) @ weights.flatten())


@Critic
def half_square(x: Tensor) -> Tensor:
    """D(x) = |x|²/2, whose gradient is x."""
    return 0.5 * x.flatten(1).square().sum(1)
