"""Seeds trained as one batched model: each goes the way that it goes alone."""

import copy
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench import environment
from ganbench.api import Architecture, Networks, Penalty, Samples
from ganbench.architectures.mlp import MLP
from ganbench.architectures.pacgan import PacGAN
from ganbench.errors import Diverged
from ganbench.losses.lsgan import LSGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGAN, WGANGP
from ganbench.penalties.lecam import LeCam
from ganbench.spec import Recipe
from ganbench.training import checkpoint
from ganbench.training.batched import Member, obstacle, train_together
from ganbench.training.loop import Objective, train
from ganbench.training.stacked import Stacked
from ganbench.training.state import State
from tests.loops import Notes, objective

SEEDS = (0, 1, 5)
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    """Rounding must not decide: in float32 two orders of one sum part ways within a hundred steps."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def recipe(**settings: Any) -> Recipe:
    return Recipe(**({"steps": 40, "batch_size": 8, "latent_dim": 4} | settings))


def build(settings: Recipe, seed: int, architecture: Architecture | None = None) -> State:
    points = torch.randn(40, 2, generator=torch.Generator().manual_seed(5)) * 0.3 + torch.tensor([2.0, -1.0])
    return State(
        architecture=architecture or MLP(hidden=16, layers=2, init="kaiming"),
        samples=Samples(data=points), recipe=settings, seed=seed, device=CPU,
    )  # fmt: skip


def members(
    settings: Recipe, goal: Callable[[], Objective], architecture: Architecture | None = None, **options: Any
) -> list[Member]:
    return [
        Member(state=build(settings, seed, architecture), objective=goal(), observer=Notes(**options)) for seed in SEEDS
    ]


def ended(errors: dict[Member, Exception | None]) -> Callable[[Member, Exception | None], None]:
    return lambda member, error: errors.update({member: error})


def together(group: list[Member], settings: Recipe, every: int = 0) -> dict[Member, Exception | None]:
    errors: dict[Member, Exception | None] = {}
    assert train_together(group, settings, evaluate_every=every, end=ended(errors)) is True
    return errors


def leaves(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {key: leaf for k, v in value.items() for key, leaf in leaves(v, f"{name}/{k}").items()}
    if isinstance(value, list | tuple):
        return {key: leaf for k, v in enumerate(value) for key, leaf in leaves(v, f"{name}/{k}").items()}
    return {name: value}


def assert_same(found: State, expected: State) -> None:
    a, b = leaves(found.state_dict()), leaves(expected.state_dict())
    assert a.keys() == b.keys()
    for name, value in b.items():
        if name == "/torch":  # the process's own stream
            continue
        if isinstance(value, Tensor) and value.is_floating_point():
            assert (a[name] - value).abs().max().item() < 1e-10, name
        elif isinstance(value, Tensor):
            assert torch.equal(a[name], value), name
        else:
            assert a[name] == value, name


GOALS: dict[str, tuple[dict[str, Any], Callable[[], Objective]]] = {
    "vanilla": ({}, lambda: objective(Vanilla())),
    "lsgan, two critic steps, joint": ({"n_critic": 2, "discriminator_batch": "joint"}, lambda: objective(LSGAN())),
    "wgan": ({"optimizer": "rmsprop", "beta1": 0.0}, lambda: objective(WGAN())),
    "wgan-gp": ({"beta1": 0.0, "beta2": 0.9}, lambda: objective(WGANGP())),
    "sgd, average, linear": (
        {"optimizer": "sgd", "ema_decay": 0.9, "ema_start": 5, "lr_schedule": "linear"},
        lambda: objective(LSGAN()),
    ),
    "replay": ({"replay": 20}, lambda: objective(Vanilla())),
    "a penalty that remembers": ({}, lambda: objective(Vanilla(), LeCam())),
}


@pytest.mark.parametrize(("settings", "goal"), GOALS.values(), ids=GOALS.keys())
def test_every_seed_goes_the_way_it_goes_alone(settings: dict[str, Any], goal: Callable[[], Objective]) -> None:
    chosen = recipe(**settings)
    group = members(chosen, goal)
    errors = together(group, chosen, every=15)
    assert list(errors.values()) == [None] * 3
    for seed, member in zip(SEEDS, group, strict=True):
        alone, notes = build(chosen, seed), Notes()
        assert train(alone, goal(), chosen, notes, evaluate_every=15)
        assert_same(member.state, alone)
        assert isinstance(member.observer, Notes)
        assert member.observer.evaluations == notes.evaluations == [15, 30, 40]
        for found, expected in zip(member.observer.reports, notes.reports, strict=True):
            assert found == pytest.approx(expected, abs=1e-9)


class Normed(Architecture):
    """Batch norm in both networks: statistics that every call of a network moves."""

    kinds = ("vector",)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        def network(inputs: int, outputs: int) -> list[nn.Module]:
            # A bias here would have no gradient but rounding, which Adam makes a step of.
            return [nn.Linear(inputs, 8, bias=False), nn.BatchNorm1d(8), nn.LeakyReLU(0.2), nn.Linear(8, outputs)]

        return Networks(
            nn.Sequential(*network(latent_dim, shape[0])), nn.Sequential(*network(shape[0], 1), nn.Flatten(0))
        )


ARCHITECTURES: dict[str, tuple[Architecture, dict[str, Any], Callable[[], Objective]]] = {
    "batch norm": (Normed(), {"n_critic": 2, "ema_decay": 0.9}, lambda: objective(Vanilla())),
    "batch norm, joint": (Normed(), {"discriminator_batch": "joint"}, lambda: objective(LSGAN())),
    "batch norm, a penalty that calls the network": (Normed(), {"steps": 10}, lambda: objective(WGANGP())),
    "packed maxout": (PacGAN(pack=2, hidden=16, hidden_d=8), {}, lambda: objective(Vanilla())),
    "packed maxout, replay": (PacGAN(pack=2, hidden=16, hidden_d=8), {"replay": 12}, lambda: objective(Vanilla())),
}


@pytest.mark.parametrize(("architecture", "settings", "goal"), ARCHITECTURES.values(), ids=ARCHITECTURES.keys())
def test_statistics_of_batch_norm_are_each_seeds_own(
    architecture: Architecture, settings: dict[str, Any], goal: Callable[[], Objective]
) -> None:
    chosen = recipe(**({"steps": 30} | settings))
    assert obstacle(architecture, [build(chosen, seed, architecture) for seed in SEEDS], chosen) == ""
    group = members(chosen, goal, architecture)
    together(group, chosen)
    for seed, member in zip(SEEDS, group, strict=True):
        alone = build(chosen, seed, architecture)
        train(alone, goal(), chosen, Notes(), evaluate_every=0)
        assert_same(member.state, alone)


def test_seeds_differ_from_each_other() -> None:
    group = members(recipe(), lambda: objective(Vanilla()))
    together(group, recipe())
    first, second = (next(member.state.generator.parameters()) for member in group[:2])
    assert (first - second).abs().max() > 1e-2


def test_going_on_from_checkpoints_of_different_steps(tmp_path: Path) -> None:
    """One seed's checkpoint is older than the others': it catches up, and all end where they end alone."""
    chosen, goal = recipe(), lambda: objective(Vanilla())
    group = members(chosen, goal, stop_after=17)
    group[0].observer = Notes(stop_after=9)
    assert train_together(group, chosen, evaluate_every=0, end=ended({})) is False
    assert [member.state.step for member in group] == [9, 9, 9]
    checkpoint.save(tmp_path / "0.pt", "t", group[0].state.state_dict())
    rest = group[1:]
    assert train_together(rest, chosen, evaluate_every=0, end=ended({})) is False
    for number, member in enumerate(rest, start=1):
        assert member.state.step == 17
        checkpoint.save(tmp_path / f"{number}.pt", "t", member.state.state_dict())

    resumed = members(chosen, goal)
    for number, member in enumerate(resumed):
        member.state.load_state_dict(checkpoint.load(tmp_path / f"{number}.pt", "t"))
    together(resumed, chosen)
    for seed, member in zip(SEEDS, resumed, strict=True):
        alone = build(chosen, seed)
        train(alone, goal(), chosen, Notes(), evaluate_every=0)
        assert_same(member.state, alone)


def test_a_checkpoint_holds_one_seed_and_not_the_stack(tmp_path: Path) -> None:
    chosen, sizes = recipe(steps=2), []

    class Saving(Notes):
        def after_step(self, state: State) -> bool:
            checkpoint.save(tmp_path / "c.pt", "t", state.state_dict())
            sizes.append((tmp_path / "c.pt").stat().st_size)
            return False

    group = members(chosen, lambda: objective(Vanilla()))
    for member in group:
        member.observer = Saving()
    together(group, chosen)
    alone = build(chosen, 0)
    train(alone, objective(Vanilla()), chosen, Saving(), evaluate_every=0)
    assert max(sizes[:6]) < 1.05 * max(sizes[6:])


class Bursting(LSGAN):
    """A bad value at one call of the discriminator's loss."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def discriminator(self, real: Tensor, fake: Tensor, **labels: float) -> Tensor:
        self._at -= 1
        return super().discriminator(real, fake, **labels) + (math.nan if self._at == 0 else 0.0)


def test_a_seed_that_diverges_leaves_the_others_as_they_would_be() -> None:
    chosen = recipe()
    group = members(chosen, lambda: objective(LSGAN()))
    group[1].objective = objective(Bursting(11))
    errors = together(group, chosen)
    error = errors[group[1]]
    assert isinstance(error, Diverged)
    assert error.step == 11
    for index in (0, 2):
        assert errors[group[index]] is None
        alone = build(chosen, SEEDS[index])
        train(alone, objective(LSGAN()), chosen, Notes(), evaluate_every=0)
        assert_same(group[index].state, alone)


class Failing(Penalty):
    """Raises in one of its methods, at its second call of it."""

    of_outputs = True
    double_backward = False
    constrains = "outputs"

    def __init__(self, where: str) -> None:
        self._where, self._calls = where, 0

    def on_outputs(self, real: Tensor, fake: Tensor) -> Tensor:
        self._fail("on_outputs")
        return 0.0 * real.mean()

    def project(self, discriminator: nn.Module) -> None:
        self._fail("project")

    def _fail(self, where: str) -> None:
        self._calls += where == self._where
        if self._calls == 2:
            raise ValueError("mine alone")


class FailingForTheGenerator(LSGAN):
    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        raise ValueError("mine alone")


@pytest.mark.parametrize(
    "bad",
    [
        lambda: objective(LSGAN(), Failing("on_outputs")),
        lambda: objective(LSGAN(), Failing("project")),
        lambda: objective(FailingForTheGenerator()),
    ],
    ids=["penalty", "projection", "loss"],
)
def test_a_seed_whose_own_code_fails_leaves_the_others_as_they_would_be(bad: Callable[[], Objective]) -> None:
    chosen = recipe(n_critic=2)
    group = members(chosen, lambda: objective(LSGAN()))
    group[1].objective = bad()
    errors = together(group, chosen)
    assert str(errors[group[1]]) == "mine alone"
    assert group[1].state.step == 0  # as alone: the step in which it failed is not done
    for index in (0, 2):
        assert errors[group[index]] is None
        alone = build(chosen, SEEDS[index])
        train(alone, objective(LSGAN()), chosen, Notes(), evaluate_every=0)
        assert_same(group[index].state, alone)


def test_where_every_seeds_own_code_fails_each_ends_with_its_error() -> None:
    group = members(recipe(), lambda: objective(FailingForTheGenerator()))
    errors = together(group, recipe())
    assert [str(errors[member]) for member in group] == ["mine alone"] * 3


def test_an_error_of_the_shared_networks_is_no_seeds_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(stacked: Stacked, x: Tensor, *, frozen: bool = False) -> Tensor:
        raise RuntimeError("of all")

    monkeypatch.setattr(Stacked, "__call__", broken)
    errors: dict[Member, Exception | None] = {}
    group = members(recipe(), lambda: objective(LSGAN()))
    with pytest.raises(RuntimeError, match="of all"):
        train_together(group, recipe(), evaluate_every=0, end=ended(errors))
    assert errors == {}


def test_a_seed_that_has_diverged_when_all_are_stopped_is_told_so_as_alone() -> None:
    chosen = recipe(steps=400)  # reports are four steps apart
    alone = build(chosen, SEEDS[1])
    with pytest.raises(Diverged):
        train(alone, objective(Bursting(1)), chosen, Notes(stop_after=2), evaluate_every=0)
    group = members(chosen, lambda: objective(LSGAN()), stop_after=2)
    group[1].objective = objective(Bursting(1))
    errors: dict[Member, Exception | None] = {}
    assert train_together(group, chosen, evaluate_every=0, end=ended(errors)) is False
    assert list(errors) == [group[1]]
    assert isinstance(errors[group[1]], Diverged)


class Dropping(Architecture):
    """Draws random numbers of its own."""

    kinds = ("vector",)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        critic = nn.Sequential(nn.Linear(shape[0], 8), nn.Dropout(0.5), nn.Linear(8, 1), nn.Flatten(0))
        return Networks(nn.Linear(latent_dim, shape[0]), critic)


def test_what_cannot_be_batched_is_noticed_before_anything_changes() -> None:
    chosen = recipe()
    assert obstacle(MLP(), [build(chosen, seed) for seed in SEEDS], chosen) == ""
    states = [build(chosen, seed, Dropping()) for seed in SEEDS]
    before = copy.deepcopy([state.generator.state_dict() for state in states])
    assert "random" in obstacle(Dropping(), states, chosen)
    for state, weights in zip(states, before, strict=True):
        assert all(torch.equal(value, weights[name]) for name, value in state.generator.state_dict().items())


class Counting(nn.Module):
    """Puts a new buffer in the old one's place, which a batched call does not see."""

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
    assert "something else" in obstacle(Odd(), [build(chosen, seed, Odd()) for seed in SEEDS], chosen)


def test_both_ways_are_compared_without_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    call = Stacked.__call__

    def noting(stacked: Stacked, x: Tensor) -> Tensor:
        found.append(environment.float32_arithmetic(torch.device("cuda")))
        return call(stacked, x)

    monkeypatch.setattr(Stacked, "__call__", noting)
    chosen = recipe()
    assert obstacle(MLP(), [build(chosen, seed) for seed in SEEDS], chosen) == ""
    assert [text.partition(", ")[2] for text in found] == ["convolutions ieee"] * 2
