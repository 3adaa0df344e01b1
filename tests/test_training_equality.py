"""The loop against one written by hand: what is done for speed changes nothing.

The loop by hand has none of it: no frozen discriminator, no channels-last, no fused optimiser. In float64, since in
float32 two orders of one sum part ways within a hundred steps.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer, RMSprop

from ganbench import seeds
from ganbench.api import Architecture, Loss, Networks, Samples
from ganbench.architectures.dcgan import DCGAN
from ganbench.architectures.dcgan5x5 import DCGAN5x5
from ganbench.architectures.mlp import MLP
from ganbench.architectures.resnet import ResNet
from ganbench.losses.hinge import Hinge
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGAN, WGANGP
from ganbench.spec import Recipe
from ganbench.training.loop import train
from ganbench.training.objective import Objective
from ganbench.training.state import State
from tests.loops import Notes, Paired

pytestmark = pytest.mark.usefixtures("float64")


def by_hand(
    networks: tuple[nn.Module, nn.Module], data: Tensor, loss: Loss, recipe: Recipe
) -> tuple[nn.Module, nn.Module]:
    generator, discriminator = networks
    betas = (recipe.beta1, recipe.beta2)
    make: dict[str, Callable[[Any, float], Optimizer]] = {
        "adam": lambda weights, rate: Adam(weights, lr=rate, betas=betas, eps=recipe.adam_eps, foreach=False),
        "rmsprop": lambda weights, rate: RMSprop(weights, lr=rate, alpha=recipe.beta2, foreach=False),
        "sgd": lambda weights, rate: SGD(weights, lr=rate, momentum=recipe.beta1, foreach=False),
    }
    g_optimiser = make[recipe.optimizer](generator.parameters(), recipe.g_lr)
    d_optimiser = make[recipe.optimizer](discriminator.parameters(), recipe.d_lr)
    order, noise, penalties, mirror = (
        seeds.stream(0, name) for name in (seeds.DATA, seeds.NOISE, seeds.PENALTY, seeds.MIRROR)
    )
    indices: list[int] = []

    def latents(n: int) -> Tensor:
        return torch.randn(n, recipe.latent_dim, generator=noise)

    def batch() -> Tensor:
        if len(indices) < recipe.batch_size:
            indices[:] = torch.randperm(len(data), generator=order).tolist()
        chosen = [indices.pop(0) for _ in range(recipe.batch_size)]
        return data[chosen]

    def reals(batches: int) -> Tensor:
        images = torch.cat([batch() for _ in range(batches)])
        if not recipe.mirror:
            return images
        turned = torch.rand(len(images), 1, 1, 1, generator=mirror).flatten() < recipe.mirror
        return torch.stack([image.flip(2) if turn else image for image, turn in zip(images, turned, strict=True)])

    def set_rates(done: int) -> None:
        """From all of it to ``lr_final`` of it, on half a cosine."""
        if recipe.lr_schedule == "cosine":
            part = recipe.lr_final + (1 - recipe.lr_final) * (1 + math.cos(math.pi * done / recipe.steps)) / 2
            g_optimiser.param_groups[0]["lr"], d_optimiser.param_groups[0]["lr"] = (
                recipe.g_lr * part,
                recipe.d_lr * part,
            )

    for done in range(recipe.steps):
        set_rates(done)
        turn = done > 0 and recipe.boost_every > 0 and done % recipe.boost_every == 0
        boosted = recipe.n_critic_boost > 0 and (done < recipe.boost_first or turn)
        for _ in range(recipe.n_critic_boost if boosted else recipe.n_critic):
            real = reals(1)
            fake = generator(latents(recipe.batch_size)).detach()
            d_loss = loss.discriminator(discriminator(real), discriminator(fake))
            if loss.penalty is not None and loss.penalty.differentiable and done % recipe.penalty_every == 0:
                part = min(1.0, done / (recipe.penalty_decay_steps or recipe.steps))
                weight = recipe.penalty_final + (1 - recipe.penalty_final) * (1 + math.cos(math.pi * part)) / 2
                weight *= recipe.penalty_every
                d_loss = d_loss + weight * loss.penalty(discriminator, real, fake, penalties)
            d_optimiser.zero_grad()
            d_loss.backward()
            d_optimiser.step()
            if loss.penalty is not None:
                loss.penalty.project(discriminator)
        for _ in range(recipe.n_generator):
            r = discriminator(reals(recipe.g_batches)) if loss.needs_real else None
            g_loss = loss.generator(discriminator(generator(latents(recipe.g_batches * recipe.batch_size))), r)
            g_optimiser.zero_grad()
            g_loss.backward()
            g_optimiser.step()
    return networks


class Viewing(nn.Module):
    """Flattens its features with ``view``, which channels-last refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 8, 4, 2, 1))
        self.out = nn.Linear(8 * 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.features(x)
        return self.out(h.view(len(h), -1)).squeeze(1)  # type: ignore[no-any-return]


class Viewed(Architecture):
    """DCGAN's generator with a discriminator as many are written."""

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        """Build both."""
        return Networks(DCGAN(width=4).build(shape, latent_dim).generator, Viewing())


CASES: dict[str, tuple[Architecture, Loss, dict[str, Any], int]] = {
    "dcgan": (DCGAN(width=4), Vanilla(), {}, 100),
    "dcgan, wgan-gp": (DCGAN(width=4, norm_d="layer"), WGANGP(), {"n_critic": 2, "beta1": 0.0}, 15),
    "dcgan5x5, two updates of the generator": (DCGAN5x5(width=4), Vanilla(), {"n_generator": 2}, 20),
    "mlp, wgan-gp in one step of three": (
        MLP(hidden=8, layers=2, norm_g="none"),
        WGANGP(),
        {"penalty_every": 3, "n_critic": 2, "n_critic_boost": 4, "boost_every": 5},
        20,
    ),
    "mlp, wgan-gp that fades in ten steps": (
        MLP(hidden=8, layers=2, norm_g="none"),
        WGANGP(),
        {"penalty_final": 0.1, "penalty_decay_steps": 10, "penalty_every": 2},
        20,
    ),
    "views, wgan-gp": (Viewed(), WGANGP(), {"n_critic": 2, "beta1": 0.0}, 15),
    "resnet with spectral norm": (ResNet(width=4), Hinge(), {"beta1": 0.0, "beta2": 0.9}, 10),
    "mlp, rmsprop, clipped": (MLP(hidden=8, layers=2), WGAN(), {"optimizer": "rmsprop", "beta1": 0.0}, 100),
    "mlp, boosted as in the authors' wgan": (
        MLP(hidden=8, layers=2),
        WGAN(),
        {"optimizer": "rmsprop", "beta1": 0.0, "n_critic": 2, "n_critic_boost": 9, "boost_first": 3, "boost_every": 10},
        45,
    ),
    "dcgan, mirrored, three batches for g": (DCGAN(width=4), Vanilla(), {"mirror": 0.5, "g_batches": 3}, 50),
    "mlp, pairs, mirrored, two batches for g": (
        MLP(hidden=8, layers=2),
        Paired(),
        {"mirror": 0.25, "g_batches": 2, "n_critic": 2},
        50,
    ),
    "mlp, pairs, three updates of two batches for g": (
        MLP(hidden=8, layers=2),
        Paired(),
        {"n_generator": 3, "g_batches": 2},
        50,
    ),
    "mlp, a cosine, and an epsilon that matters": (
        MLP(hidden=8, layers=2),
        Vanilla(),
        {"lr_schedule": "cosine", "lr_final": 0.25, "adam_eps": 1e-3, "g_lr": 1e-3},
        100,
    ),
    "mlp, sgd": (MLP(hidden=8, layers=2), Vanilla(), {"optimizer": "sgd"}, 100),
}


@pytest.mark.parametrize(("architecture", "loss", "settings", "steps"), CASES.values(), ids=CASES.keys())
def test_the_loop_computes_what_the_plain_loop_computes(
    architecture: Architecture, loss: Loss, settings: dict[str, Any], steps: int
) -> None:
    recipe = Recipe(**({"steps": steps, "batch_size": 8, "latent_dim": 4} | settings))
    data = torch.rand(20, 1, 16, 16) * 2 - 1
    torch.manual_seed(seeds.stream_seed(0, seeds.WEIGHTS))
    networks = architecture.build((1, 16, 16), 4)
    expected = by_hand((networks.generator, networks.discriminator), data, loss, recipe)

    state = State(
        architecture=architecture, samples=Samples(data=data), recipe=recipe, seed=0, device=torch.device("cpu")
    )
    penalties = (loss.penalty,) if loss.penalty is not None else ()
    assert state.memory_format is torch.channels_last
    train(state, Objective(loss=loss, penalties=penalties), recipe, Notes(), evaluate_every=0)
    for found, wanted in zip((state.generator, state.discriminator), expected, strict=True):
        for name, value in wanted.state_dict().items():
            assert (found.state_dict()[name] - value).abs().max().item() < 5e-12, name
