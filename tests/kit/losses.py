"""Losses as they should be; the wrong ones differ from them in one place."""

from typing import ClassVar

from torch import Tensor
from torch.nn.functional import relu, softplus

from ganbench.api import Loss


class Right(Loss):
    """The non-saturating loss; most wrong ones differ from it in one place."""

    formula: ClassVar[tuple[str, str]] = ("softplus(-r) + softplus(f)", "softplus(-f)")

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return softplus(-fake).mean()


class Squares(Loss):
    """Least squares with a factor for each side."""

    factors: ClassVar[tuple[float, float, float]] = (0.5, 0.5, 0.5)

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.factors[0] * (real - 1).square().mean() + self.factors[1] * fake.square().mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return self.factors[2] * (fake - 1).square().mean()


class Pairwise(Loss):
    """Relativistic pairing."""

    formula = ("softplus(-(r - f))", "softplus(-(f - r))")
    needs_real = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        assert real is not None
        return softplus(real - fake).mean()


class Margin(Loss):
    """A hinge whose margin is a parameter, and whose formula names it."""

    formula = ("relu(margin - r) + relu(margin + f)", "-f")

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = margin

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(self.margin - real).mean() + relu(self.margin + fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -fake.mean()
