"""What the seeds that are trained together minimise in tests: losses, penalties and settings that change either."""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.losses.lsgan import LSGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGAN, WGANGP
from ganbench.penalties import orthogonal as generator
from ganbench.penalties.feature_matching import FeatureMatching
from ganbench.penalties.lecam import LeCam
from ganbench.penalties.mode_seeking import ModeSeeking
from ganbench.penalties.path_length import PathLength
from ganbench.penalties.zero_centred import R1
from ganbench.training.objective import Objective
from tests.loops import Orthogonal, Paired, objective


class Softly(Paired):
    """Whose losses do not grow beyond what float64 tells apart."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        assert real is not None
        return softplus(real - fake).mean()


GOALS: dict[str, tuple[dict[str, Any], Callable[[], Objective]]] = {
    "vanilla": ({}, lambda: objective(Vanilla())),
    "lsgan, two critic steps, joint": ({"n_critic": 2, "discriminator_batch": "joint"}, lambda: objective(LSGAN())),
    "wgan": ({"optimizer": "rmsprop", "beta1": 0.0}, lambda: objective(WGAN())),
    "wgan-gp": ({"beta1": 0.0, "beta2": 0.9}, lambda: objective(WGANGP())),
    "sgd, average, linear": (
        {"optimizer": "sgd", "ema_decay": 0.9, "ema_start": 5, "lr_schedule": "linear", "g_lr": 2e-3, "d_lr": 1e-3},
        lambda: objective(LSGAN()),
    ),
    "a penalty in one step of four": ({"penalty_every": 4, "n_critic": 2}, lambda: objective(Vanilla(), R1())),
    "penalties that fade, in one step of two": (
        {"penalty_final": 0.1, "penalty_decay_steps": 20, "penalty_every": 2},
        lambda: objective(Vanilla(), R1(), LeCam()),
    ),
    "linear, later": ({"lr_schedule": "linear", "lr_decay_start": 20}, lambda: objective(Vanilla())),
    "cosine": (
        {"lr_schedule": "cosine", "lr_decay_steps": 30, "lr_final": 0.2, "adam_eps": 1e-3},
        lambda: objective(Vanilla()),
    ),
    "replay": ({"replay": 20}, lambda: objective(Vanilla())),
    "boosted steps": (
        {"n_critic": 2, "n_critic_boost": 7, "boost_first": 3, "boost_every": 6, "replay": 20, "optimizer": "rmsprop"},
        lambda: objective(WGAN()),
    ),
    "two batches for the generator": ({"g_batches": 2}, lambda: objective(Vanilla())),
    "two updates of the generator": ({"n_generator": 2, "ema_decay": 0.9}, lambda: objective(Vanilla())),
    "three updates of pairs": ({"n_generator": 3, "n_critic": 2}, lambda: objective(Softly())),
    "two batches of pairs": ({"g_batches": 2, "n_critic": 2}, lambda: objective(Softly())),
    "a penalty that remembers": ({}, lambda: objective(Vanilla(), LeCam())),
    "a penalty on the weights": ({}, lambda: objective(Vanilla(), Orthogonal())),
    "penalties on the generator": (
        {"n_generator": 2, "n_critic": 2},
        lambda: objective(Vanilla(), R1(), ModeSeeking(), generator.Orthogonal(beta=0.01)),
    ),
    "penalties on the generator in one step of three": (
        {"n_generator": 2, "g_penalty_every": 3},
        lambda: objective(Vanilla(), ModeSeeking(), PathLength(gamma_pl=0.1)),
    ),
    "features": (
        {"n_generator": 2, "g_batches": 2},
        lambda: objective(Vanilla(), FeatureMatching(), R1()),
    ),
    "features in one step of three": ({"g_penalty_every": 3}, lambda: objective(Vanilla(), FeatureMatching())),
    "features, with pairs": ({}, lambda: objective(Softly(), ModeSeeking(), FeatureMatching())),
    "one on the generator's slopes, which remembers, with pairs": (
        {"g_batches": 2},
        lambda: objective(Softly(), PathLength(gamma_pl=0.1)),
    ),
}
