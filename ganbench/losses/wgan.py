"""Wasserstein GANs: weights clipped (Arjovsky et al. 2017) or the gradient penalised, on two sides (Gulrajani et al.
2017) or on one (Petzka et al. 2018)."""

from typing import Any, ClassVar

from torch import Tensor

from ganbench.api import Loss
from ganbench.penalties.clip import WeightClip
from ganbench.penalties.gradient import GradientPenalty, LipschitzPenalty


class Wasserstein(Loss):
    """The dual form of the Wasserstein-1 distance; only a distance while something bounds the critic's slope."""

    formula = ("f - r", "-f")

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The negated estimate of the distance."""
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """The negated mean critic output on fakes."""
        return -fake.mean()


class WGAN(Wasserstein):
    """Wasserstein GAN (arXiv:1701.07875): every weight of the critic is clipped to [-clip, clip] after each update."""

    formula = ("f - r, weights clipped to [-clip, clip]", "-f")
    recommends: ClassVar[dict[str, Any]] = {
        "n_critic": 5,
        "optimizer": "rmsprop",
        "g_lr": 5e-5,
        "d_lr": 5e-5,
        "beta1": 0.0,
        "beta2": 0.99,
    }

    def __init__(self, clip: float = 0.01) -> None:
        self.penalty = WeightClip(clip=clip)


class WGANGP(Wasserstein):
    """Improved training of Wasserstein GANs (arXiv:1704.00028): a two-sided penalty on the critic's gradient."""

    formula = ("f - r + lambda_gp * mean((||grad D(x)|| - 1)^2), x between real and fake", "-f")
    recommends: ClassVar[dict[str, Any]] = {"n_critic": 5, "g_lr": 1e-4, "d_lr": 1e-4, "beta1": 0.0, "beta2": 0.9}

    def __init__(self, lambda_gp: float = 10.0) -> None:
        self.penalty = GradientPenalty(lambda_gp=lambda_gp)


class WGANLP(Wasserstein):
    """On the regularization of Wasserstein GANs (arXiv:1709.08894): only slopes above 1 are penalised, as the dual
    form asks for. The points are those of ``wgan-gp``."""

    formula = ("f - r + lambda_lp * mean(relu(||grad D(x)|| - 1)^2), x between real and fake", "-f")
    recommends: ClassVar[dict[str, Any]] = {"n_critic": 5, "g_lr": 1e-4, "d_lr": 1e-4, "beta1": 0.0, "beta2": 0.9}

    def __init__(self, lambda_lp: float = 10.0) -> None:
        self.penalty = LipschitzPenalty(lambda_lp=lambda_lp)
