"""Least squares generative adversarial networks (Mao et al. 2017, arXiv:1611.04076)."""

from typing import Any, ClassVar

from torch import Tensor

from ganbench.api import Loss


def squared_distance(output: Tensor, label: float) -> Tensor:
    """Half the mean squared distance of raw outputs (N,) from a label."""
    return 0.5 * (output - label).square().mean()


class LSGAN(Loss):
    """Squared distances with a = 0, b = c = 1, with the paper's factor 1/2 on both sides, on raw outputs.

    A variant in circulation squares the sigmoid's output; that is another loss.
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
