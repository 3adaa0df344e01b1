"""What the training loop tells its observer, and when; how it is stopped."""

import pytest

from ganbench.losses.vanilla import Vanilla
from ganbench.training.loop import discriminator_update, generator_update
from tests.loops import Make, Notes, objective, recipe, run


def test_a_hundred_reports_and_the_last_step(make_state: Make) -> None:
    for steps, expected in [(7, list(range(1, 8))), (250, list(range(2, 251, 2))), (305, [*range(3, 305, 3), 305])]:
        settings, notes = recipe(steps=steps), Notes()
        run(make_state(settings), settings, objective(Vanilla()), notes)
        assert [step for step, _, _ in notes.reports] == expected


@pytest.mark.parametrize("n_critic", [1, 3])
def test_the_reported_losses_are_the_last_ones_of_the_step(make_state: Make, n_critic: int) -> None:
    settings, notes = recipe(steps=1, n_critic=n_critic), Notes()
    run(make_state(settings), settings, objective(Vanilla()), notes)
    state = make_state(settings)
    d_losses = [discriminator_update(state, objective(Vanilla()), settings).item() for _ in range(n_critic)]
    assert notes.reports == [(1, d_losses[-1], generator_update(state, objective(Vanilla()), settings).item())]


@pytest.mark.parametrize(("every", "expected"), [(0, [20]), (5, [5, 10, 15, 20]), (7, [7, 14, 20]), (50, [20])])
def test_evaluations_come_on_schedule_and_at_the_end_once(make_state: Make, every: int, expected: list[int]) -> None:
    settings, notes = recipe(), Notes()
    run(make_state(settings), settings, objective(Vanilla()), notes, every)
    assert notes.evaluations == expected


def test_stopping_and_the_last_step(make_state: Make) -> None:
    settings = recipe()
    state = make_state(settings)
    assert run(state, settings, objective(Vanilla()), Notes(stop_after=6)) is False
    assert state.step == 6
    assert run(state, settings, objective(Vanilla()), Notes(stop_after=20)) is True
    assert state.step == 20
    assert run(state, settings, objective(Vanilla()), Notes()) is True
    assert state.step == 20
