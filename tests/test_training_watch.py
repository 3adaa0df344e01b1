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


def test_losses_that_nobody_asks_for_are_looked_at_before_they_are_many() -> None:
    """A trial of a million steps without a report would keep them all on the device."""
    watching = watch()
    for step in range(1, 3001):
        watching.look(step, t(math.nan if step == 1500 else 1.0), t(2.0))
        assert len(watching._seen) < 1024
    with pytest.raises(Diverged) as caught:
        watching.check()
    assert caught.value.step == 1500
