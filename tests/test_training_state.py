"""Everything that changes while a trial trains: where it comes from, and that all of it is written down."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench import seeds
from ganbench.losses.vanilla import Vanilla
from ganbench.spec import Recipe
from ganbench.training.state import State
from tests.loops import objective, recipe, run

Make = Callable[..., State]


def weights(state: State) -> list[Tensor]:
    both = (state.generator, state.discriminator)
    return [value.detach().clone() for network in both for value in network.state_dict().values()]


def equal(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_initial_weights_are_a_function_of_the_seed(make_state: Make) -> None:
    torch.manual_seed(1)
    first = weights(make_state(Recipe(), seed=3))
    torch.manual_seed(2)
    assert equal(first, weights(make_state(Recipe(), seed=3)))
    assert not equal(first, weights(make_state(Recipe(), seed=4)))


def test_settings_that_are_not_about_weights_leave_the_initial_weights(make_state: Make) -> None:
    plain = weights(make_state(Recipe()))
    other = Recipe(batch_size=8, ema_decay=0.9, replay=10, optimizer="sgd", n_critic=5, init="architecture")
    assert equal(plain, weights(make_state(other)))


def test_the_recipe_can_ask_for_other_weights(make_state: Make) -> None:
    state = make_state(Recipe(init="normal", init_gain=1e-3))
    for network in (state.generator, state.discriminator):
        for layer in network.modules():
            if isinstance(layer, nn.Linear):
                assert 0 < layer.weight.abs().max() < 6e-3
                assert (layer.bias == 0).all()


def test_every_use_has_its_own_stream(make_state: Make) -> None:
    state = make_state(Recipe(), seed=5)
    uses = (seeds.DATA, seeds.NOISE, seeds.REPLAY, seeds.AUGMENT, seeds.MIRROR, seeds.LABELS)
    penalties = (seeds.PENALTY, seeds.GENERATOR_PENALTY, seeds.COMPARED, seeds.COMPARED_AUGMENT)
    assert set(state.streams) == {*uses, *penalties}
    for name, rng in state.streams.items():
        assert rng.initial_seed() == seeds.stream_seed(5, name)


def test_the_average_is_what_is_scored_where_there_is_one(make_state: Make) -> None:
    plain, averaged = make_state(Recipe()), make_state(Recipe(ema_decay=0.9))
    assert plain.scored is plain.generator
    assert averaged.average is not None
    assert averaged.scored is averaged.average.module
    assert averaged.scored is not averaged.generator


def test_what_is_written_down_holds_tensors_numbers_and_text_only(make_state: Make, tmp_path: Any) -> None:
    state = make_state(Recipe(ema_decay=0.9, replay=10, batch_size=8))
    torch.save(state.state_dict(), tmp_path / "x.pt")
    loaded = torch.load(tmp_path / "x.pt", weights_only=True)
    make_state(Recipe(ema_decay=0.9, replay=10, batch_size=8), seed=9).load_state_dict(loaded)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_each_player_has_its_own_rate_and_both_have_the_recipes_moments(make_state: Make, optimizer: Any) -> None:
    recipe = Recipe(optimizer=optimizer, g_lr=1e-3, d_lr=3e-3, beta1=0.25, beta2=0.75)
    state = make_state(recipe)
    for optimiser, network, rate in (
        (state.g_optimiser, state.generator, 1e-3),
        (state.d_optimiser, state.discriminator, 3e-3),
    ):
        (group,) = optimiser.param_groups
        assert [id(weight) for weight in group["params"]] == [id(weight) for weight in network.parameters()]
        assert group["lr"] == rate
        assert group["weight_decay"] == 0
        if optimizer == "adam":
            assert group["betas"] == (0.25, 0.75)
        else:
            assert group["momentum"] == 0.25
        if optimizer == "rmsprop":
            assert group["alpha"] == 0.75


@pytest.mark.parametrize("settings", [{}, {"replay": 8}, {"replay": 8, "ema_decay": 0.9}])
def test_a_state_goes_with_the_last_reference_to_it(make_state: Make, settings: dict[str, Any]) -> None:
    """A GPU has no room for the states of earlier trials until Python happens to look for cycles."""
    chosen = recipe(**settings)
    state = make_state(chosen)
    run(state, chosen, objective(Vanilla()))
    gone = weakref.ref(state)
    gc.disable()
    try:
        del state
        assert gone() is None
    finally:
        gc.enable()
