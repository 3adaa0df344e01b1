"""A recipe for fewer steps: what it says is still of effect, and as far into the training."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ganbench.errors import UsageError
from ganbench.leaderboard.scaling import of_any_length, shortened
from ganbench.losses.vanilla import Vanilla
from ganbench.recipe import without_effect
from ganbench.resolving.compatibility import check_recipe
from ganbench.schedule import critic_updates
from ganbench.spec import Recipe
from tests.cells import Made, data


def accepted(recipe: Recipe) -> bool:
    """Whether planning takes it."""
    try:
        check_recipe("vanilla", Vanilla(), Made(), data(), recipe)
    except UsageError:
        return False
    return not without_effect(recipe)


@pytest.mark.parametrize(
    ("settings", "steps", "expected"),
    [
        ({"lr_schedule": "linear", "lr_decay_start": 50}, 10, {"lr_decay_start": 5}),
        ({"lr_schedule": "linear", "lr_decay_start": 98}, 10, {"lr_decay_start": 8}),
        ({"lr_schedule": "linear", "lr_decay_start": 1}, 10, {"lr_decay_start": 1}),
        ({"lr_schedule": "linear", "lr_decay_start": 50}, 2, {"lr_decay_start": 0}),
        (
            {"lr_schedule": "cosine", "lr_decay_start": 50, "lr_decay_steps": 9, "lr_final": 0.25},
            1,
            {"lr_schedule": "constant", "lr_decay_start": 0, "lr_decay_steps": 0, "lr_final": 0},
        ),
        ({"ema_decay": 0.9, "ema_start": 50}, 10, {"ema_start": 5}),
        ({"ema_decay": 0.9, "ema_start": 99}, 10, {"ema_start": 9}),
        ({"ema_decay": 0.9, "ema_start": 50}, 1, {"ema_start": 0}),
        ({"lr_schedule": "cosine", "lr_decay_steps": 50, "lr_final": 0.25}, 10, {"lr_decay_steps": 5}),
        ({"lr_schedule": "cosine", "lr_decay_steps": 3, "lr_final": 0.25}, 10, {"lr_decay_steps": 1}),
        # To the end as before: with both rounded down, the last step would have no learning rate.
        (
            {"lr_schedule": "linear", "lr_decay_start": 50, "lr_decay_steps": 50},
            5,
            {"lr_decay_start": 2, "lr_decay_steps": 3},
        ),
        # Beyond the end as before, so that the last step has as much of its learning rate left.
        (
            {"lr_schedule": "linear", "lr_decay_start": 50, "lr_decay_steps": 200},
            10,
            {"lr_decay_start": 5, "lr_decay_steps": 20},
        ),
        ({"penalty_final": 0.1, "penalty_decay_steps": 50}, 10, {"penalty_decay_steps": 5}),
        ({"penalty_final": 0.1, "penalty_every": 4}, 5, {}),
        (
            {"penalty_final": 0.1, "penalty_every": 4, "penalty_decay_steps": 50},
            4,
            {"penalty_final": 1, "penalty_decay_steps": 0},
        ),
        ({"n_critic_boost": 9, "boost_first": 5, "boost_every": 20}, 21, {}),
        ({"n_critic_boost": 9, "boost_first": 5, "boost_every": 20}, 20, {"boost_every": 0}),
        ({"n_critic_boost": 9, "boost_first": 5, "boost_every": 20}, 5, {"boost_first": 4, "boost_every": 0}),
        # All five would be boosted, the last one by boost_every.
        ({"n_critic_boost": 9, "boost_first": 4, "boost_every": 4}, 5, {"boost_every": 0}),
        ({"n_critic_boost": 9, "boost_every": 20}, 20, {"n_critic_boost": 0, "boost_every": 0}),
        (
            {"n_critic_boost": 9, "boost_first": 5, "boost_every": 20},
            1,
            {"n_critic_boost": 0, "boost_first": 0, "boost_every": 0},
        ),
        ({"penalty_every": 16, "g_penalty_every": 12, "replay": 500}, 10, {}),
    ],
)
def test_what_counts_steps_is_fitted(settings: dict[str, Any], steps: int, expected: dict[str, int]) -> None:
    recipe = Recipe(steps=100, **settings)
    short = shortened(recipe, steps)
    assert short == recipe.model_copy(update={"steps": steps, **expected})
    assert of_any_length(short) == of_any_length(recipe)


@pytest.mark.parametrize(
    "settings", [{"lr_schedule": "linear", "lr_decay_start": 99}, {"ema_decay": 0.9, "ema_start": 100}]
)
def test_what_is_refused_in_the_whole_training_is_not_made_good(settings: dict[str, Any]) -> None:
    recipe = Recipe(steps=100, batch_size=16, **settings)
    assert not accepted(recipe)
    assert not accepted(shortened(recipe, 10))


STEPS = st.integers(1, 60)


@given(
    st.builds(
        lambda steps, start, fall, final, ema, boost, first, every: Recipe(
            steps=steps, batch_size=16, lr_schedule="linear", lr_decay_start=start, lr_decay_steps=fall, lr_final=final,
            ema_decay=0.9, ema_start=ema, n_critic_boost=boost, boost_first=first if boost else 0,
            boost_every=every if boost else 0, penalty_every=1 + every, penalty_final=0.1, penalty_decay_steps=fall,
        ),
        STEPS, st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.0, 0.5]), st.integers(0, 60),
        st.sampled_from([0, 5]), st.integers(0, 12), st.integers(0, 12),
    ),
    STEPS,
)  # fmt: skip
def test_a_recipe_that_planning_takes_is_one_in_fewer_steps(recipe: Recipe, steps: int) -> None:
    assume(steps < recipe.steps and accepted(recipe))
    short = shortened(recipe, steps)
    assert accepted(short)
    for step in range(1, steps):
        assert critic_updates(short, step) == critic_updates(recipe, step)
