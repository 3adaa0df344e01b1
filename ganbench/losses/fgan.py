"""f-GAN (Nowozin, Cseke & Tomioka 2016, arXiv:1606.00709): adversarial training for an f-divergence of choice.

With T = g(v), g the output activation of table 2 and f* the convex conjugate of f, the discriminator maximises
E_real[g(r)] - E_fake[f*(g(f))], whose supremum is the divergence D_f(P ‖ Q) (equation 6). Activation and conjugate
are composed by hand below, so that nothing overflows that need not. The signs of the activations are chosen so that a
larger raw output always means "more real" (the paper's appendix C).
"""

import math
from typing import Any, ClassVar

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.api import Loss


class Divergence(Loss):
    """What all members have in common: two functions of raw outputs.

    Args:
        saturating: whether the generator minimises the divergence's own bound, -E[f*(g(f))] (equation 7), rather than
            maximising E[g(f)], which the paper recommends as Goodfellow et al. did (section 3.2).
    """

    recommends: ClassVar[dict[str, Any]] = {"beta1": 0.5, "beta2": 0.999}

    def __init__(self, saturating: bool = False) -> None:
        self.saturating = saturating

    def activation(self, v: Tensor) -> Tensor:
        """Return g(v), elementwise."""
        raise NotImplementedError

    def conjugate(self, v: Tensor) -> Tensor:
        """Return f*(g(v)), elementwise."""
        raise NotImplementedError

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The negated lower bound on the divergence."""
        return self.conjugate(fake).mean() - self.activation(real).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """The negated activation of fakes or, ``saturating``, the bound itself."""
        return -(self.conjugate(fake) if self.saturating else self.activation(fake)).mean()


class KL(Divergence):
    """Kullback-Leibler, KL(P ‖ Q): f(u) = u log u, g(v) = v, f*(t) = exp(t - 1). Mass is missed at a high price."""

    formula = ("exp(f - 1) - r", "-f")

    def activation(self, v: Tensor) -> Tensor:
        """g(v) = v."""
        return v

    def conjugate(self, v: Tensor) -> Tensor:
        """exp(v - 1)."""
        return (v - 1.0).exp()


class ReverseKL(Divergence):
    """Reverse Kullback-Leibler, KL(Q ‖ P): f(u) = -log u, g(v) = -exp(-v), f*(t) = -1 - log(-t). Seeks modes."""

    formula = ("exp(-r) + f - 1", "exp(-f)")

    def activation(self, v: Tensor) -> Tensor:
        """g(v) = -exp(-v)."""
        return -(-v).exp()

    def conjugate(self, v: Tensor) -> Tensor:
        """v - 1."""
        return v - 1.0


class Pearson(Divergence):
    """Pearson's chi-squared: f(u) = (u - 1)^2, g(v) = v, f*(t) = t^2 / 4 + t, on the whole line as in the paper."""

    formula = ("f^2 / 4 + f - r", "-f")

    def activation(self, v: Tensor) -> Tensor:
        """g(v) = v."""
        return v

    def conjugate(self, v: Tensor) -> Tensor:
        """v² / 4 + v."""
        return 0.25 * v.square() + v


class SquaredHellinger(Divergence):
    """Squared Hellinger: f(u) = (sqrt(u) - 1)^2, g(v) = 1 - exp(-v), f*(t) = t / (1 - t)."""

    formula = ("exp(-r) + exp(f) - 2", "exp(-f) - 1")

    def activation(self, v: Tensor) -> Tensor:
        """g(v) = 1 - exp(-v)."""
        return -(-v).expm1()

    def conjugate(self, v: Tensor) -> Tensor:
        """exp(v) - 1."""
        return v.expm1()


class JensenShannon(Divergence):
    """Jensen-Shannon, as the paper scales it: f(u) = u log u - (u + 1) log((u + 1) / 2), g(v) = log 2 - softplus(-v),
    f*(t) = -log(2 - exp(t)). The gradients are those of ``vanilla`` and, ``saturating``, of ``minimax``."""

    formula = ("-log(2 * sigmoid(r)) - log(2 * sigmoid(-f))", "-log(2 * sigmoid(f))")

    def activation(self, v: Tensor) -> Tensor:
        """g(v) = log 2 - softplus(-v) = log(2 sigmoid(v))."""
        return math.log(2.0) - softplus(-v)

    def conjugate(self, v: Tensor) -> Tensor:
        """softplus(v) - log 2 = -log(2 - 2 sigmoid(v))."""
        return softplus(v) - math.log(2.0)
