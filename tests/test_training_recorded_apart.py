"""Steps of another kind between recorded ones: they are done as they are, and change nothing of the others."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.api import Loss
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGANGP
from ganbench.penalties.feature_matching import FeatureMatching
from ganbench.penalties.mode_seeking import ModeSeeking
from ganbench.penalties.zero_centred import R1
from ganbench.schedule import critic_updates
from ganbench.spec import Recipe
from ganbench.training.loop import plain_step, train, whole_step
from ganbench.training.objective import Objective
from ganbench.training.recorded import WARM_UP
from ganbench.training.state import State
from ganbench.training.tape import capture_on_cpu
from tests.captures import DEVICES, again, refused
from tests.loops import Make, Notes, Paired, assert_bit_equal, assert_close_networks, objective, recipe

BOOST: dict[str, Any] = {"n_critic": 2, "n_critic_boost": 5, "boost_first": 2, "boost_every": 4, "batch_size": 7}


def go(state: State, step: Callable[[], Tensor], settings: Recipe, steps: int) -> list[Tensor]:
    losses = []
    for _ in range(steps):
        losses.append(step())
        assert len(losses[-1]) == critic_updates(settings, state.step + 1) + 1
        state.step += 1
    return losses


@pytest.mark.parametrize("loss", [Vanilla, WGANGP, Paired])
@pytest.mark.parametrize("capture", [again, refused, capture_on_cpu])
def test_boosted_steps_are_the_steps_themselves(make_state: Make, loss: Callable[[], Loss], capture: Any) -> None:
    chosen = recipe(**BOOST)
    plain, state = make_state(chosen, batch_norm=loss is Vanilla), make_state(chosen, batch_norm=loss is Vanilla)
    expected = go(plain, partial(plain_step, plain, objective(loss()), chosen), chosen, 20)
    found = go(state, whole_step(state, objective(loss()), chosen, capture), chosen, 20)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert_bit_equal(plain, state)


def test_the_usual_steps_are_recorded_and_the_boosted_are_not(make_state: Make) -> None:
    chosen, state = recipe(**BOOST), make_state(recipe(**BOOST))
    played: list[int] = []

    def noting(work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
        def replay() -> None:
            played.append(state.step + 1)
            work()

        return replay

    go(state, whole_step(state, objective(Vanilla()), chosen, noting), chosen, 14)
    usual = [step for step in range(1, 15) if critic_updates(chosen, step) == 2]
    assert usual == [3, 4, 6, 7, 8, 10, 11, 12, 14]
    assert played == [usual[WARM_UP], *usual[WARM_UP:]]  # the first of them is tried, and then done


def test_a_boosted_step_leaves_no_gradients_beside_those_of_the_recording(make_state: Make) -> None:
    chosen, state = recipe(**BOOST), make_state(recipe(**BOOST))
    step = whole_step(state, objective(Vanilla()), chosen, again)
    go(state, step, chosen, 8)
    assert critic_updates(chosen, 9) == 5
    go(state, step, chosen, 1)
    assert all(weight.grad is None for weight in [*state.generator.parameters(), *state.discriminator.parameters()])


def test_an_interrupted_trial_records_anew_and_goes_on_the_same_way(make_state: Make) -> None:
    chosen = recipe(**BOOST)
    whole, first, second = (make_state(chosen, seed=seed) for seed in (0, 0, 9))
    go(whole, partial(plain_step, whole, objective(WGANGP()), chosen), chosen, 20)
    go(first, whole_step(first, objective(WGANGP()), chosen, again), chosen, 8)
    second.load_state_dict(first.state_dict())
    go(second, whole_step(second, objective(WGANGP()), chosen, again), chosen, 12)  # step 9 is boosted
    assert_bit_equal(whole, second)


@pytest.mark.parametrize("seldom", ["penalty_every", "g_penalty_every"])
@pytest.mark.parametrize("capture", [again, refused, capture_on_cpu])
def test_steps_with_a_seldom_penalty_are_the_steps_themselves(make_state: Make, capture: Any, seldom: str) -> None:
    chosen, played = recipe(**{seldom: 3}, n_critic=2), []

    def noting(work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
        replay = capture(work, generators)

        def played_back() -> object:
            played.append(state.step + 1)
            return replay()

        return played_back

    plain, state = make_state(chosen), make_state(chosen)
    goals = [objective(Vanilla(), R1(), ModeSeeking(), FeatureMatching()) for _ in range(2)]
    expected = go(plain, partial(plain_step, plain, goals[0], chosen), chosen, 12)
    found = go(state, whole_step(state, goals[1], chosen, noting), chosen, 12)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert_bit_equal(plain, state)
    # Steps 1, 4, 7 and 10 are penalised; 2, 3 and 5 come before the recording.
    assert played == ([] if capture is refused else [6, 6, 8, 9, 11, 12])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("settings", [BOOST, {"penalty_every": 4}])
@pytest.mark.parametrize("loss", [Vanilla, WGANGP])
def test_steps_apart_on_a_gpu(
    make_state: Make, loss: Callable[[], Loss], settings: dict[str, Any], device: str, capsys: Any, float64: None
) -> None:
    chosen = recipe(**settings, steps=50)
    state, plain = make_state(chosen, device=device), make_state(chosen, device=device)
    goal: Objective = objective(loss())
    train(state, goal, chosen, Notes(), evaluate_every=0)
    assert "not recorded" not in capsys.readouterr().out
    go(plain, partial(plain_step, plain, objective(loss()), chosen), chosen, 50)
    assert_close_networks(state, plain)
