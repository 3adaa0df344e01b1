"""What is trained: the same networks, batch, loss, optimiser and data for everyone."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ganbench.api import Architecture, Loss, Samples
from ganbench.architectures.dcgan import DCGAN
from ganbench.architectures.mlp import MLP
from ganbench.architectures.resnet import ResNet
from ganbench.losses.hinge import Hinge
from ganbench.losses.lsgan import LSGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGAN, WGANGP
from ganbench.spec import Recipe

LOSSES: dict[str, type[Loss]] = {
    "vanilla": Vanilla,
    "lsgan": LSGAN,
    "hinge": Hinge,
    "wgan": WGAN,
    "wgan-gp": WGANGP,
}
IMAGES = 4096


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One thing to train.

    Attributes:
        architecture: builds the networks.
        shape: of one sample.
        loss: a name in :data:`LOSSES`.
        steps: generator updates in one round.
        recipe: settings that differ from the defaults.
        peers: whose trainers can train it as it is.
    """

    architecture: Architecture
    shape: tuple[int, ...]
    loss: str
    steps: int
    recipe: dict[str, Any] = field(default_factory=dict)
    peers: tuple[str, ...] = ()

    @property
    def settings(self) -> Recipe:
        """The whole recipe; the loss's own recommendation is left out, so that all losses do equal work."""
        return Recipe(**{"steps": 1_000_000, "batch_size": 64, "latent_dim": 128, **self.recipe})

    def build_loss(self) -> Loss:
        """A fresh loss."""
        return LOSSES[self.loss]()

    def samples(self) -> Samples:
        """Random images, or random points: what they show has no part in how long a step takes."""
        rng = torch.Generator().manual_seed(0)
        if len(self.shape) == 1:
            return Samples(data=torch.randn(IMAGES, *self.shape, generator=rng))
        return Samples(data=torch.randint(0, 256, (IMAGES, *self.shape), generator=rng, dtype=torch.uint8))


def as_floats(samples: Samples) -> Tensor:
    """The samples as peers are given them: normalised once, before training."""
    return samples.data.float().div(127.5).sub(1.0) if samples.kind == "image" else samples.data


def _workloads() -> dict[str, Workload]:
    found: dict[str, Workload] = {}
    for loss in LOSSES:
        peers = ("torchgan",) if loss in ("vanilla", "lsgan") else ()
        norm = "layer" if loss == "wgan-gp" else "auto"
        small, large = DCGAN(width=32, norm_d=norm), DCGAN(width=64, norm_d=norm)
        found[f"dcgan16-{loss}"] = Workload(architecture=small, shape=(1, 16, 16), loss=loss, steps=40, peers=peers)
        found[f"dcgan32-{loss}"] = Workload(architecture=large, shape=(3, 32, 32), loss=loss, steps=8, peers=peers)
        found[f"mlp-{loss}"] = Workload(
            architecture=MLP(), shape=(2,), loss=loss, steps=60, recipe={"latent_dim": 2, "batch_size": 100}
        )
    for loss, n_critic, steps in (*((loss, 1, 3) for loss in LOSSES), ("hinge", 5, 1)):
        found[f"resnet32-{loss}-{n_critic}"] = Workload(
            # Spectral norm under every loss, as mimicry's networks have it: what is timed is one network.
            architecture=ResNet(width=64, spectral_norm=True),
            shape=(3, 32, 32),
            loss=loss,
            steps=steps,
            recipe={"n_critic": n_critic, "beta1": 0.0, "beta2": 0.9},
            peers=("mimicry",) if loss in ("vanilla", "hinge") else (),
        )
    return found


WORKLOADS = _workloads()
