"""The hinge loss of Geometric GAN (Lim & Ye 2017, arXiv:1705.02894), as used by SNGAN, SAGAN and BigGAN, and its
smooth form."""

from typing import Any, ClassVar

from torch import Tensor
from torch.nn.functional import relu, softplus

from ganbench.api import Loss


class Hinge(Loss):
    """Only samples on the wrong side of the margin move the discriminator."""

    formula = ("relu(1 - r) + relu(1 + f)", "-f")
    recommends: ClassVar[dict[str, Any]] = {"beta1": 0.0, "beta2": 0.9}

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Real above 1, fake below -1 cost nothing."""
        return relu(1.0 - real).mean() + relu(1.0 + fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """The negated mean output on fakes."""
        return -fake.mean()


class SoftplusMargin(Loss):
    """The hinge made smooth: softplus(s x) / s in place of relu(x), which it approaches as the sharpness s grows.

    A margin of 0 with sharpness 1 gives the discriminator of ``vanilla`` with the linear generator of ``hinge``.

    Args:
        margin: how far on the right side a sample must be to cost little.
        sharpness: of the bend, s > 0.

    Raises:
        ValueError: the sharpness is not positive.
    """

    formula = (
        "softplus(sharpness * (margin - r)) / sharpness + softplus(sharpness * (margin + f)) / sharpness",
        "-f",
    )
    recommends: ClassVar[dict[str, Any]] = {"beta1": 0.0, "beta2": 0.9}

    def __init__(self, margin: float = 1.0, sharpness: float = 1.0) -> None:
        if sharpness <= 0:
            raise ValueError(f"sharpness={sharpness:g} must be positive")
        self.margin = margin
        self.sharpness = sharpness

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Real above the margin, fake below its negative cost little."""
        excess = softplus(self.margin - real, beta=self.sharpness), softplus(self.margin + fake, beta=self.sharpness)
        return excess[0].mean() + excess[1].mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """The negated mean output on fakes."""
        return -fake.mean()
