"""The first step at which a loss goes wrong."""

import math

import pytest
import torch
from torch import Tensor

from ganbench.errors import Diverged
from ganbench.training.watch import Watch


def watch(limit: float = 1e6) -> Watch:
    return Watch(limit)


def t(value: float) -> Tensor:
    return torch.tensor(value, requires_grad=True)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (math.nan, "a loss that is NaN at step 3"),
        (math.inf, "a loss of magnitude inf beyond 1e+06 at step 3"),
        (-math.inf, "a loss of magnitude inf beyond 1e+06 at step 3"),
        (2e6, "a loss of magnitude 2e+06 beyond 1e+06 at step 3"),
        (-2.5e6, "a loss of magnitude 2.5e+06 beyond 1e+06 at step 3"),
    ],
)
def test_the_first_bad_step_is_named(bad: float, words: str) -> None:
    watching = watch()
    for step, value in enumerate([1.0, -5.0, bad, 1.0, math.nan, 9e9], start=1):
        watching.look(step, t(value))
    with pytest.raises(Diverged) as caught:
        watching.check()
    assert (caught.value.step, str(caught.value)) == (3, words)


@pytest.mark.parametrize("value", [0.0, 1e6, -1e6])
def test_up_to_the_limit_all_is_well(value: float) -> None:
    watching = watch()
    watching.check()
    watching.look(1, t(value))
    watching.check()


@pytest.mark.parametrize("values", [(1.0, math.nan), (math.nan, 1.0), (math.nan, 9e9), (9e9, math.nan)])
def test_any_of_several_losses(values: tuple[float, float]) -> None:
    watching = watch()
    watching.look(7, *map(t, values))
    with pytest.raises(Diverged, match="at step 7"):
        watching.check()


def test_looking_keeps_no_graph_and_asks_again_as_often_as_wanted() -> None:
    watching = watch(1.0)
    watching.look(2, t(3.0))
    for _ in range(2):
        with pytest.raises(Diverged):
            watching.check()
    assert not watching._seen
    watching = watch()
    watching.look(2, t(3.0))
    assert [loss.requires_grad for _, loss in watching._seen] == [False]


def test_the_very_first_step_may_be_the_bad_one() -> None:
    watching = watch()
    watching.look(1, t(math.nan))
    with pytest.raises(Diverged, match=r"at step 1$"):
        watching.check()


def test_losses_that_nobody_asks_for_are_looked_at_before_they_are_many() -> None:
    """A trial of a million steps without a report would keep them all on the device; to look at them at every step
    would wait for it each time."""
    watching, most = watch(), 0
    for step in range(1, 3001):
        watching.look(step, t(math.nan if step in (1500, 2900) else 1.0), t(2.0))
        most = max(most, len(watching._seen))
    assert most == 1022
    with pytest.raises(Diverged) as caught:
        watching.check()
    assert caught.value.step == 1500


@pytest.mark.parametrize("bad", [math.nan, 3e6])
def test_a_resumed_watch_knows_what_the_first_one_saw(bad: float) -> None:
    first = watch()
    for step, value in ((4, 1.0), (5, bad), (6, 9e9)):
        first.look(step, t(value))
    state = first.state_dict()
    assert {name: type(value) for name, value in state.items()} == {"first": int, "loss": float}
    second = watch()
    second.look(9, t(math.inf))  # of steps that are gone over again
    second.load_state_dict(state)
    for watching in (first, second):
        with pytest.raises(Diverged) as caught:
            watching.check()
        words = "that is NaN" if math.isnan(bad) else "of magnitude 3e+06 beyond 1e+06"
        assert str(caught.value) == f"a loss {words} at step 5"


def test_a_watch_that_goes_on_from_before_a_bad_step_has_not_seen_it() -> None:
    watching = watch()
    watching.look(1, t(1.0))
    before = watching.state_dict()
    watching.look(2, t(math.nan))
    watching.load_state_dict(before)
    watching.check()
    watching.look(2, t(1.0))
    watching.check()
