"""Generative adversarial nets (Goodfellow et al. 2014, arXiv:1406.2661), in both forms of the generator's loss,
and DRAGAN, which adds a penalty to it."""

from typing import Any, ClassVar

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.api import Loss
from ganbench.penalties.dragan import PerturbedPenalty


def cross_entropy(output: Tensor, label: float) -> Tensor:
    """Binary cross-entropy of raw outputs (N,) against one label in [0, 1], averaged, by softplus.

    ``-log(sigmoid(x) + epsilon)`` would saturate again where softplus keeps its gradient.
    """
    if label == 1.0:
        return softplus(-output).mean()
    if label == 0.0:
        return softplus(output).mean()
    return (label * softplus(-output) + (1.0 - label) * softplus(output)).mean()


class Vanilla(Loss):
    """The non-saturating game: the generator maximises log D(G(z)), as section 3 of the paper recommends."""

    formula = ("softplus(-r) + softplus(f)", "softplus(-f)")
    recommends: ClassVar[dict[str, Any]] = {"beta1": 0.5, "beta2": 0.999}
    smoothable = True

    def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 1.0, fake_label: float = 0.0) -> Tensor:
        """Cross-entropy of real against ``real_label`` and fake against ``fake_label``."""
        return cross_entropy(real, real_label) + cross_entropy(fake, fake_label)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """Cross-entropy of fake against the label of real."""
        return softplus(-fake).mean()


class Minimax(Vanilla):
    """The game as equation 1 writes it: the generator minimises log(1 - D(G(z))).

    Its gradient vanishes while the discriminator is sure of its fakes, which is what makes it worth showing.
    """

    formula = ("softplus(-r) + softplus(f)", "-softplus(f)")

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """log(1 - D(G(z))), at most 0."""
        return -softplus(fake).mean()


class DRAGAN(Vanilla):
    """DRAGAN (Kodali et al. 2017, arXiv:1705.07215): the non-saturating game with a discriminator that is kept from
    being steep around real samples. The penalty is on raw outputs, at real samples plus Gaussian noise."""

    formula = (
        "softplus(-r) + softplus(f) + lambda_dragan * mean((||grad D(x)|| - 1)^2), x real + N(0, sigma^2)",
        "softplus(-f)",
    )
    recommends: ClassVar[dict[str, Any]] = {"beta1": 0.5, "beta2": 0.999}

    def __init__(self, lambda_dragan: float = 10.0, sigma: float = 0.08) -> None:
        self.penalty = PerturbedPenalty(lambda_dragan=lambda_dragan, sigma=sigma)
