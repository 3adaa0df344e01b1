"""Seeds trained as one batched model, one of which diverges or fails: the others go on as they would have."""

import math
from collections.abc import Callable

import pytest
from torch import Tensor, nn

from ganbench.api import Penalty
from ganbench.errors import Diverged
from ganbench.losses.lsgan import LSGAN
from ganbench.training.batched import train_together
from ganbench.training.batched_model import Member
from ganbench.training.loop import train
from ganbench.training.objective import Objective
from ganbench.training.stacked import Stacked
from tests.batches import SEEDS, assert_same, build, ended, members, recipe, together
from tests.loops import Notes, objective

pytestmark = pytest.mark.usefixtures("float64")


class Bursting(LSGAN):
    """A bad value at one call of the discriminator's loss."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 1.0, fake_label: float = 0.0) -> Tensor:
        self._at -= 1
        return super().discriminator(real, fake, real_label, fake_label) + (math.nan if self._at == 0 else 0.0)


class BurstingForTheGenerator(LSGAN):
    """A bad value at one call of the generator's loss."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        self._at -= 1
        return super().generator(fake, real) + (math.nan if self._at == 0 else 0.0)


@pytest.mark.parametrize("bursting", [Bursting, BurstingForTheGenerator])
def test_a_seed_that_diverges_leaves_the_others_as_they_would_be(bursting: Callable[[int], LSGAN]) -> None:
    chosen = recipe()
    group = members(chosen, lambda: objective(LSGAN()))
    group[1].objective = objective(bursting(11))
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
