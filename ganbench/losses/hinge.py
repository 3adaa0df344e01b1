"""The hinge loss of Geometric GAN (Lim & Ye 2017, arXiv:1705.02894), as used by SNGAN, SAGAN and BigGAN."""

from typing import Any, ClassVar

from torch import Tensor
from torch.nn.functional import relu

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
