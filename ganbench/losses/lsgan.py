"""Least squares generative adversarial networks (Mao et al. 2017, arXiv:1611.04076)."""

from typing import Any, ClassVar

from torch import Tensor

from ganbench.api import Loss


def squared_distance(output: Tensor, label: float) -> Tensor:
    """Half the mean squared distance of raw outputs (N,) from a label."""
    return 0.5 * (output - label).square().mean()


class LSGAN(Loss):
    """Squared distances with a = 0, b = c = 1, with the paper's factor 1/2 on both sides, on raw outputs.

    A variant in circulation squares the sigmoid's output; that is another loss, ``lsgan-sigmoid``.
    """

    formula = ("(r - 1)^2 / 2 + f^2 / 2", "(f - 1)^2 / 2")
    recommends: ClassVar[dict[str, Any]] = {"beta1": 0.5, "beta2": 0.999}
    smoothable = True

    def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 1.0, fake_label: float = 0.0) -> Tensor:
        """Equation 9's first line: real towards b = ``real_label``, fake towards a = ``fake_label``."""
        return squared_distance(real, real_label) + squared_distance(fake, fake_label)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """Equation 9's second line: fake towards c = 1."""
        return squared_distance(fake, 1.0)


class SigmoidLSGAN(LSGAN):
    """Least squares on probabilities, sigmoid(r) and sigmoid(f), bounded and saturating on both sides.

    Not what Mao et al. describe, but what the large-scale studies call LSGAN (Lucic et al. 2018, arXiv:1711.10337;
    Kurach et al. 2019, arXiv:1807.04720): offered so that their tables can be reproduced.
    """

    formula = ("(sigmoid(r) - 1)^2 / 2 + sigmoid(f)^2 / 2", "(sigmoid(f) - 1)^2 / 2")

    def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 1.0, fake_label: float = 0.0) -> Tensor:
        """Probabilities of real towards ``real_label``, of fake towards ``fake_label``."""
        return super().discriminator(real.sigmoid(), fake.sigmoid(), real_label, fake_label)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """Probabilities of fake towards 1."""
        return super().generator(fake.sigmoid(), real)
