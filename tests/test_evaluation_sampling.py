"""Sampling from a generator."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Networks
from ganbench.evaluation import sampling
from ganbench.evaluation.images import to_uint8
from ganbench.evaluation.sampling import Latent, draw_latents, sample
from ganbench.losses.vanilla import Vanilla
from ganbench.training.state import State
from tests.batches import SEEDS, build, members, together
from tests.loops import Notes, assert_bit_equal, objective, recipe, run

CPU = torch.device("cpu")


def generator() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3), nn.Tanh())


def draw(network: nn.Module, n: int = 70) -> Tensor:
    rng = torch.Generator().manual_seed(5)
    return sample(network, n=n, latent_dim=6, latent="normal", rng=rng, device=CPU)


@pytest.mark.parametrize("batch_size", [16, 23, 70])
def test_batch_size_does_not_change_the_samples(batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network, sizes = generator(), list[int]()
    expected = draw(network)
    monkeypatch.setattr(sampling, "BATCH", batch_size)
    network.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    torch.testing.assert_close(draw(network), expected, rtol=0, atol=1e-6)
    assert (sum(sizes), max(sizes)) == (70, batch_size)


def test_bytes_are_levels() -> None:
    levels = torch.arange(256, dtype=torch.uint8)

    class Bytes(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return levels.expand(len(z), -1)

    assert torch.equal(to_uint8(draw(Bytes(), n=3)), levels.expand(3, -1))


def test_generator_and_global_state_are_as_before() -> None:
    network = generator().train()
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    before = torch.get_rng_state()
    out = draw(network)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(state[name], tensor) for name, tensor in network.state_dict().items())
    assert all(part.training for part in network.modules())
    assert not out.requires_grad
    assert out.dtype == torch.float32


def test_generators_with_noise_of_their_own_are_reproducible_and_leave_no_trace() -> None:
    class Noisy(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return z + torch.randn_like(z)

    torch.manual_seed(1)
    first = draw(Noisy())
    before = torch.get_rng_state()
    torch.rand(10)
    assert not torch.equal(torch.get_rng_state(), before)
    assert torch.equal(draw(Noisy()), first)


def test_trials_do_not_share_the_noise_of_a_generators_own() -> None:
    class Noise(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return torch.randn(len(z), 3)

    one, other = (
        sample(Noise(), n=20, latent_dim=6, latent="normal", rng=torch.Generator().manual_seed(seed), device=CPU)
        for seed in (5, 6)
    )
    assert not bool((one == other).any())


@pytest.mark.parametrize("batch_size", [3, 500])
def test_each_sample_is_of_the_class_that_it_was_asked_for(batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "BATCH", batch_size)

    class OfClasses(nn.Module):
        def forward(self, z: Tensor, labels: Tensor) -> Tensor:
            return torch.stack([z[:, 0], labels.float()], dim=1)

    labels, rng = torch.arange(10) % 4, torch.Generator().manual_seed(5)
    found = sample(OfClasses(), n=10, latent_dim=6, latent="normal", rng=rng, device=CPU, labels=labels)
    assert found[:, 1].tolist() == labels.tolist()
    assert torch.equal(found[:, 0], draw_latents(10, 6, "normal", torch.Generator().manual_seed(5))[:, 0])


@pytest.mark.parametrize(("kind", "low", "high", "spread"), [("uniform", -1, 1, 3**-0.5), ("normal", -9, 9, 1)])
def test_latents(kind: Latent, low: float, high: float, spread: float) -> None:
    z = draw_latents(4000, 5, kind, torch.Generator().manual_seed(0))
    assert z.shape == (4000, 5)
    assert z.min() >= low
    assert z.max() <= high
    assert abs(float(z.mean())) < 0.03
    assert float(z.std()) == pytest.approx(spread, rel=0.03)


class Wandering(nn.Module):
    """Moves a mean of its own in each call, also in eval mode, and makes something else by it."""

    mean: Tensor

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.layer = nn.Linear(latent_dim, 2)
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, z: Tensor) -> Tensor:
        self.mean.mul_(0.9).add_(0.1 + 0.1 * z.detach().square().mean())
        made: Tensor = self.layer(z) * (1 + self.mean)
        return made


class Wander(Architecture):
    kinds = ("vector",)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        return Networks(
            Wandering(latent_dim), nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0))
        )


def scored(state: State) -> None:
    rng = torch.Generator().manual_seed(5)
    sample(state.scored, n=9, latent_dim=4, latent="normal", rng=rng, device=CPU)


@pytest.mark.parametrize("settings", [{}, {"ema_decay": 0.9}])
def test_training_goes_the_same_way_however_often_a_generator_with_a_mean_of_its_own_is_sampled_from(
    settings: dict[str, Any],
) -> None:
    chosen = recipe(steps=6, **settings)
    often, never = build(chosen, 0, Wander()), build(chosen, 0, Wander())
    run(often, chosen, objective(Vanilla()), Notes(on_evaluate=scored), every=2)
    run(never, chosen, objective(Vanilla()))
    assert never.generator.get_buffer("mean") > 0.5
    assert_bit_equal(often, never)


def test_so_does_training_of_several_seeds_as_one() -> None:
    chosen = recipe(steps=6)
    often, never = (members(chosen, lambda: objective(Vanilla()), Wander()) for _ in range(2))
    for member in often:
        member.observer = Notes(on_evaluate=scored)
    for group in (often, never):
        assert list(together(group, chosen, every=2).values()) == [None] * len(SEEDS)
    for one, other in zip(often, never, strict=True):
        assert_bit_equal(one.state, other.state)
