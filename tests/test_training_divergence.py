"""A loss that is not finite, or beyond the limit, ends a trial at the step where it was."""

import copy
import math
from typing import Any

import pytest
from torch import Tensor

from ganbench.api import Loss
from ganbench.errors import Diverged
from ganbench.losses.lsgan import LSGAN
from ganbench.training.state import State
from tests.loops import Make, Notes, objective, recipe, run


class Bursting(Loss):
    """The Wasserstein loss with one bad value, at one call of one player."""

    def __init__(self, value: float, *, discriminator_call: int = 0, generator_call: int = 0) -> None:
        self._value = value
        self._at = (discriminator_call, generator_call)
        self.calls = [0, 0]

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        self.calls[0] += 1
        return fake.mean() * 0 + real.mean() * 0 + (self._value if self.calls[0] == self._at[0] else 1.0)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        self.calls[1] += 1
        return fake.mean() * 0 + (self._value if self.calls[1] == self._at[1] else 1.0)


@pytest.mark.parametrize("value", [math.nan, -1.1e6])
@pytest.mark.parametrize(
    ("where", "step"),
    [
        ({"discriminator_call": 1}, 1),
        ({"discriminator_call": 26}, 13),  # the second of two updates in step 13
        ({"discriminator_call": 25}, 13),  # the first of them
        ({"generator_call": 13}, 13),
        ({"generator_call": 300}, 300),
    ],
)
def test_the_first_bad_step_ends_the_trial(make_state: Make, value: float, where: dict[str, int], step: int) -> None:
    """Reports come every three steps; the step that is named is the exact one nevertheless."""
    settings, notes = recipe(steps=300, n_critic=2, batch_size=2), Notes()
    with pytest.raises(Diverged) as caught:
        run(make_state(settings), settings, objective(Bursting(value, **where)), notes)
    assert caught.value.step == step
    assert notes.reports[-1:] == [] or notes.reports[-1][0] < step
    assert notes.evaluations == []
    assert max(notes.steps, default=0) < step + 3


def test_a_divergence_is_noticed_before_an_evaluation_and_when_stopping(make_state: Make) -> None:
    settings = recipe(steps=500, batch_size=2)
    for notes, every in ((Notes(), 4), (Notes(stop_after=4), 0)):
        with pytest.raises(Diverged) as caught:
            run(make_state(settings), settings, objective(Bursting(math.nan, generator_call=3)), notes, every)
        assert caught.value.step == 3
        assert notes.evaluations == []


def test_the_limit_is_the_recipes(make_state: Make) -> None:
    settings = recipe(divergence_limit=50.0)
    with pytest.raises(Diverged, match="a loss of magnitude 51 beyond 50 at step 2"):
        run(make_state(settings), settings, objective(Bursting(51.0, discriminator_call=2)))
    run(make_state(settings), settings, objective(Bursting(50.0, discriminator_call=2)))


def test_a_trial_that_really_explodes(make_state: Make) -> None:
    settings = recipe(steps=200, optimizer="sgd", beta1=0.0, d_lr=1e3, g_lr=1e3)
    with pytest.raises(Diverged) as caught:
        run(make_state(settings), settings, objective(LSGAN()))
    assert caught.value.step < 20
    assert "beyond 1e+06" in str(caught.value)


def test_a_divergence_before_a_checkpoint_is_not_forgotten_by_going_on(make_state: Make) -> None:
    """The checkpoint of step 4 is taken before the report of step 5 looks at what step 3 did."""
    settings = recipe(steps=500, batch_size=2)
    kept: list[dict[str, Any]] = []

    def keep(state: State) -> None:
        if state.step == 4:
            kept.append(copy.deepcopy(state.state_dict()))

    with pytest.raises(Diverged) as whole:
        run(make_state(settings), settings, objective(Bursting(2e6, generator_call=3)), Notes(on_step=keep))
    state = make_state(settings)
    state.load_state_dict(kept[0])
    with pytest.raises(Diverged) as resumed:
        run(state, settings, objective(Bursting(2e6)))
    assert (resumed.value.step, str(resumed.value)) == (whole.value.step, str(whole.value))
