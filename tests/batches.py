"""What the tests of seeds trained together share: small states, members, and comparisons within rounding."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganbench.api import Architecture, Samples
from ganbench.architectures.mlp import MLP
from ganbench.spec import Recipe
from ganbench.training.batched import train_together
from ganbench.training.batched_model import Member
from ganbench.training.objective import Objective
from ganbench.training.state import State
from tests.loops import Notes, flat

SEEDS = (0, 1, 5)
CPU = torch.device("cpu")


def recipe(**settings: Any) -> Recipe:
    return Recipe(**({"steps": 40, "batch_size": 8, "latent_dim": 4} | settings))


def build(settings: Recipe, seed: int, architecture: Architecture | None = None, device: torch.device = CPU) -> State:
    """The state of one seed on points, or on images where the architecture makes nothing else."""
    rng = torch.Generator().manual_seed(5)
    chosen = architecture or MLP(hidden=16, layers=2, init="kaiming")
    if "vector" in chosen.kinds:
        data = torch.randn(40, 2, generator=rng) * 0.3 + torch.tensor([2.0, -1.0])
    else:
        data = torch.rand(40, 1, 20, 20, generator=rng) * 2 - 1
    return State(architecture=chosen, samples=Samples(data=data), recipe=settings, seed=seed, device=device)


def members(
    settings: Recipe,
    goal: Callable[[], Objective],
    architecture: Architecture | None = None,
    device: torch.device = CPU,
    **options: Any,
) -> list[Member]:
    return [
        Member(state=build(settings, seed, architecture, device), objective=goal(), observer=Notes(**options))
        for seed in SEEDS
    ]


def ended(errors: dict[Member, Exception | None]) -> Callable[[Member, Exception | None], None]:
    return lambda member, error: errors.update({member: error})


def together(group: list[Member], settings: Recipe, every: int = 0) -> dict[Member, Exception | None]:
    errors: dict[Member, Exception | None] = {}
    assert train_together(group, settings, evaluate_every=every, end=ended(errors)) is True
    return errors


def assert_same(found: State, expected: State) -> None:
    assert_same_content(flat(found.state_dict()), flat(expected.state_dict()))


def assert_same_content(a: dict[str, Any], b: dict[str, Any]) -> None:
    """As :func:`assert_same`, of what two states wrote down."""
    assert a.keys() == b.keys()
    for name, value in b.items():
        if name == "/torch":  # the process's own stream
            continue
        if isinstance(value, Tensor) and value.is_floating_point():
            room = 1e-10 * max(1.0, value.abs().max().item())
            assert (a[name] - value).abs().max().item() < room, name
        elif isinstance(value, Tensor):
            assert torch.equal(a[name], value), name
        else:
            assert a[name] == value, name
