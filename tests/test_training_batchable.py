"""Which seeds can be trained as one batched model, found out before anything changes."""

import copy

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Networks
from ganbench.architectures.mlp import MLP
from ganbench.provenance import environment
from ganbench.training.batchable import obstacle_to_batching
from ganbench.training.stacked import Stacked
from tests.batches import SEEDS, build, recipe

pytestmark = pytest.mark.usefixtures("float64")


class Dropping(Architecture):
    """Draws random numbers of its own."""

    kinds = ("vector",)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        critic = nn.Sequential(nn.Linear(shape[0], 8), nn.Dropout(0.5), nn.Linear(8, 1), nn.Flatten(0))
        return Networks(nn.Linear(latent_dim, shape[0]), critic)


def test_what_cannot_be_batched_is_noticed_before_anything_changes() -> None:
    chosen = recipe()
    assert obstacle_to_batching(MLP(), [build(chosen, seed) for seed in SEEDS], chosen) == ""
    states = [build(chosen, seed, Dropping()) for seed in SEEDS]
    before = copy.deepcopy([state.generator.state_dict() for state in states])
    assert "random" in obstacle_to_batching(Dropping(), states, chosen)
    for state, weights in zip(states, before, strict=True):
        assert all(torch.equal(value, weights[name]) for name, value in state.generator.state_dict().items())


class Counting(nn.Module):
    """Puts a new buffer in the old one's place, which a batched call does not see."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        self.mean = 0.9 * self.mean + 0.1 * x.mean().detach()
        return x - self.mean


class Odd(Architecture):
    kinds = ("vector",)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        critic = nn.Sequential(nn.Linear(shape[0], 1), nn.Flatten(0))
        return Networks(nn.Sequential(nn.Linear(latent_dim, shape[0]), Counting()), critic)


def test_what_would_be_computed_otherwise_is_not_batched() -> None:
    chosen = recipe()
    assert "something else" in obstacle_to_batching(Odd(), [build(chosen, seed, Odd()) for seed in SEEDS], chosen)


def test_both_ways_are_compared_without_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    call = Stacked.__call__

    def noting(stacked: Stacked, x: Tensor) -> Tensor:
        found.append(environment.float32_arithmetic(torch.device("cuda")))
        return call(stacked, x)

    monkeypatch.setattr(Stacked, "__call__", noting)
    chosen = recipe()
    assert obstacle_to_batching(MLP(), [build(chosen, seed) for seed in SEEDS], chosen) == ""
    assert [text.partition(", ")[2] for text in found] == ["convolutions ieee"] * 2
