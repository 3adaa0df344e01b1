"""Discriminators that are wrong on purpose: each is caught, in words that name the mistake."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture
from tests.kit import assert_caught
from tests.kit.architectures import Right, ToOutput, with_discriminator


class Column(ToOutput):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).unsqueeze(1)


class Squeezed(ToOutput):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).unsqueeze(1).squeeze()


class Patches(ToOutput):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1).flatten(1) + super().forward(x).unsqueeze(1)


class BatchNorm(ToOutput):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        self.norm = nn.BatchNorm1d(8)

    def forward(self, x: Tensor) -> Tensor:
        judged: Tensor = self.output(torch.relu(self.norm(self.hidden(x.flatten(1)))))
        return judged.squeeze(1)


class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * 2


class OnceDifferentiable(ToOutput):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(Once.apply(x))


class PiecewiseConstant(ToOutput):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.detach()) + 0 * x.flatten(1).sum(1)


class Probability(ToOutput):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(super().forward(x))


class Bounded(ToOutput):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(super().forward(x))


class InPlace(ToOutput):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.leaky_relu_(x, 0.2))


class Spectral(ToOutput):
    """torch's spectral norm."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        nn.utils.parametrizations.spectral_norm(self.hidden)


class SpectralByHook(ToOutput):
    """torch's older one."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        nn.utils.spectral_norm(self.hidden)


class OneType(ToOutput):
    """Turns images by a matrix that is made in float32."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x @ torch.eye(x.shape[-1], device=x.device))


class Unsized(ToOutput):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        self.hidden = nn.LazyLinear(8)


class OfNoData(Right):
    """For samples that no dataset has."""

    kinds = ("images",)  # type: ignore[assignment]


class SaysBatchNorm(Right):
    """Says that it has a batch norm."""

    batch_norm_in_discriminator = True


WRONG: list[tuple[type[Architecture], str, str]] = [
    (with_discriminator(Column, "Returns (N, 1)."), "shapes", "broadcast such outputs to N x N"),
    (with_discriminator(Squeezed, "Squeezes all."), "shapes", "a bare .squeeze() drops the batch of one"),
    (with_discriminator(Patches, "One output per pixel."), "shapes", "not (2,)"),
    (with_discriminator(Probability, "Squashes."), "raw-outputs", "a sigmoid at its end?"),
    (with_discriminator(Bounded, "Bounds."), "raw-outputs", "a tanh at its end?"),
    (with_discriminator(InPlace, "In place."), "inputs", "the discriminator changes its input in place"),
    (with_discriminator(BatchNorm, "Undeclared."), "batch-dependence", "batch_norm_in_discriminator is False"),
    (with_discriminator(Spectral, "Undeclared."), "spectral-norm", "spectral_norm_in_discriminator is False"),
    (with_discriminator(SpectralByHook, "Undeclared."), "spectral-norm", "spectral_norm_in_discriminator is False"),
    (with_discriminator(OnceDifferentiable, "Once."), "double-backward", "cannot be differentiated twice"),
    (with_discriminator(PiecewiseConstant, "Flat."), "learning", "no gradient reaches the generator's hidden.weight"),
    (SaysBatchNorm, "batch-dependence", "warned about for nothing"),
    (with_discriminator(OneType, "Of one type."), "moves", "the discriminator cannot run in float64"),
    (with_discriminator(Unsized, "Lazy."), "shapes", "layer 'hidden' (LazyLinear) of the discriminator has no size"),
    (OfNoData, "shapes", "no dataset could be chosen for it"),
]


@pytest.mark.parametrize(("architecture", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_architecture_is_caught_by_name(architecture: type[Architecture], name: str, words: str) -> None:
    assert_caught(architecture, name, words)
