"""In which steps the discriminator does something else: what is counted at once is what the steps have one by one."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.schedule import (
    critic_updates,
    critic_updates_until,
    first_later_boost,
    g_penalised,
    penalised,
    penalty_strength,
    rate_share,
    steps_for,
    steps_to_replay,
    usual,
)
from ganbench.spec import Recipe

AUTHORS: dict[str, Any] = {"n_critic": 5, "n_critic_boost": 100, "boost_first": 25, "boost_every": 500}


def counts(**settings: Any) -> list[int]:
    recipe = Recipe(**settings)
    return [critic_updates(recipe, step) for step in range(1, recipe.steps + 1)]


def test_the_authors_wgan_has_a_hundred_at_first_and_then_now_and_again() -> None:
    """``if gen_iterations < 25 or gen_iterations % 500 == 0``, which counts the steps from 0."""
    authors = [100 if done < 25 or done % 500 == 0 else 5 for done in range(1700)]
    assert counts(**AUTHORS, steps=1700) == authors


def test_without_a_boost_every_step_is_like_the_others() -> None:
    assert counts(steps=4, n_critic=3) == [3] * 4
    assert critic_updates_until(Recipe(n_critic=3), 7) == 21


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"boost_first": 2}, [9, 9, 1, 1, 1, 1, 1, 1]),
        ({"boost_every": 3}, [1, 1, 1, 9, 1, 1, 9, 1]),
        ({"boost_first": 1, "boost_every": 3}, [9, 1, 1, 9, 1, 1, 9, 1]),
        ({"boost_first": 4, "boost_every": 3}, [9, 9, 9, 9, 1, 1, 9, 1]),
        ({"boost_every": 1}, [1, 9, 9, 9, 9, 9, 9, 9]),
    ],
)
def test_which_steps_are_boosted(settings: dict[str, int], expected: list[int]) -> None:
    assert counts(steps=8, n_critic_boost=9, **settings) == expected


RECIPES = st.builds(
    lambda n, more, first, every, batch: Recipe(
        n_critic=n, n_critic_boost=n + more if more else 0, boost_first=first, boost_every=every, batch_size=batch
    ),
    st.integers(1, 5), st.integers(0, 40), st.integers(0, 30), st.integers(0, 12), st.integers(1, 9),
)  # fmt: skip


@given(RECIPES, st.integers(0, 60))
def test_the_sum_is_that_of_the_steps(recipe: Recipe, steps: int) -> None:
    assert critic_updates_until(recipe, steps) == sum(critic_updates(recipe, step) for step in range(1, steps + 1))


@given(RECIPES, st.integers(1, 3000))
def test_a_budget_of_images_takes_the_fewest_steps_that_show_so_many(recipe: Recipe, images: int) -> None:
    steps = steps_for(recipe, images)
    assert critic_updates_until(recipe, steps) * recipe.batch_size >= images
    assert steps == 1 or critic_updates_until(recipe, steps - 1) * recipe.batch_size < images


def test_a_budget_of_images_may_be_as_large_as_can_be_written() -> None:
    most = 2**63 - 1
    assert steps_for(Recipe(batch_size=1), most) == most
    assert 0 < steps_for(Recipe(batch_size=1, **AUTHORS), most) < most


@given(RECIPES.filter(lambda recipe: bool(recipe.boost_every and recipe.n_critic_boost)))
def test_the_first_step_that_only_its_turn_boosts(recipe: Recipe) -> None:
    boosted = [step for step in range(1, 60) if critic_updates(recipe, step) != recipe.n_critic]
    assert first_later_boost(recipe) == next(step for step in boosted if step > max(1, recipe.boost_first))


def test_one_step_in_so_many_is_penalised_and_the_first_is() -> None:
    steps = range(1, 8)
    assert [step for step in steps if penalised(Recipe(penalty_every=3), step)] == [1, 4, 7]
    assert all(penalised(Recipe(), step) for step in steps)


def test_so_it_is_with_penalties_on_the_generator_by_themselves() -> None:
    steps, recipe = range(1, 8), Recipe(penalty_every=2, g_penalty_every=3)
    assert [step for step in steps if g_penalised(recipe, step)] == [1, 4, 7]
    assert [step for step in steps if penalised(recipe, step)] == [1, 3, 5, 7]
    assert all(g_penalised(Recipe(penalty_every=2), step) for step in steps)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"penalty_every": 3}, [2, 3, 5, 6]),
        ({"g_penalty_every": 4}, [2, 3, 4, 6, 7]),
        ({"penalty_every": 2, "g_penalty_every": 4}, [2, 4, 6]),
        ({"penalty_every": 3, "g_penalty_every": 2}, [2, 6]),
        ({"n_critic_boost": 9, "boost_first": 2}, [3, 4, 5, 6, 7]),
        ({"n_critic_boost": 9, "boost_every": 2, "penalty_every": 3}, [2, 6]),
    ],
)
def test_which_steps_are_as_most_are(settings: dict[str, int], expected: list[int]) -> None:
    assert [step for step in range(1, 8) if usual(Recipe(**settings), step)] == expected


@given(RECIPES, st.integers(1, 2000), st.sampled_from([0.2, 0.5, 1.0]))
def test_a_history_is_drawn_from_once_it_is_full(recipe: Recipe, replay: int, share: float) -> None:
    drawn = round(share * recipe.batch_size)
    steps = steps_to_replay(recipe.model_copy(update={"replay": replay, "replay_share": share}))
    if not drawn:
        assert steps == 1
        return
    # Full before the last update of all steps, and of one step less it is not.
    assert drawn * (critic_updates_until(recipe, steps) - 1) >= replay
    assert steps == 1 or drawn * (critic_updates_until(recipe, steps - 1) - 1) < replay


def test_without_a_history_nothing_waits_for_it() -> None:
    assert steps_to_replay(Recipe()) == 1


def shares(**settings: Any) -> list[float]:
    recipe = Recipe(**settings)
    return [rate_share(recipe, step) for step in range(1, recipe.steps + 1)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"lr_schedule": "constant"}, [1, 1, 1, 1, 1, 1]),
        ({"lr_schedule": "linear", "lr_decay_start": 2}, [1, 1, 1, 3 / 4, 2 / 4, 1 / 4]),
        ({"lr_schedule": "linear", "lr_final": 0.4}, [1, 0.9, 0.8, 0.7, 0.6, 0.5]),
        ({"lr_schedule": "linear", "lr_final": 0.4, "lr_decay_steps": 3}, [1, 0.8, 0.6, 0.4, 0.4, 0.4]),
        ({"lr_schedule": "cosine"}, [1, 0.5 + 3**0.5 / 4, 0.75, 0.5, 0.25, 0.5 - 3**0.5 / 4]),
        ({"lr_schedule": "cosine", "lr_decay_start": 2}, [1, 1, 1, 0.5 + 2**0.5 / 4, 0.5, 0.5 - 2**0.5 / 4]),
        # Longer than there are steps: cut short.
        ({"lr_schedule": "linear", "lr_decay_steps": 12}, [1, 11 / 12, 10 / 12, 9 / 12, 8 / 12, 7 / 12]),
        ({"lr_schedule": "linear", "lr_decay_start": 6}, [1] * 6),
        ({"lr_schedule": "cosine", "lr_decay_start": 9}, [1] * 6),
    ],
)
def test_how_learning_rates_fall(settings: dict[str, Any], expected: list[float]) -> None:
    assert shares(steps=6, **settings) == pytest.approx(expected)


def test_penalties_may_end_weaker_or_stronger() -> None:
    steps = range(1, 7)
    half = 0.5 + 2**0.5 / 4, 0.5 - 2**0.5 / 4
    fading = Recipe(steps=6, penalty_final=0, penalty_decay_steps=4)
    assert [penalty_strength(fading, step) for step in steps] == pytest.approx([1, half[0], 0.5, half[1], 0, 0])
    growing = Recipe(steps=4, penalty_final=3)
    assert [penalty_strength(growing, step) for step in (1, 3)] == pytest.approx([1, 2])
    assert all(penalty_strength(Recipe(steps=6), step) == 1 for step in steps)


def test_the_learning_rate_and_the_penalties_of_the_authors_r3gan() -> None:
    """``base + (1 - decay) * (final - base)``, ``decay = 0.5 * (1 + cos(pi * images / total))``, then ``final``."""
    total = 20

    def authors(images: int, base: float, final: float) -> float:
        decay = 0.5 * (1 + math.cos(math.pi * images / total))
        return final if images > total else base + (1 - decay) * (final - base)

    found = shares(steps=30, lr_schedule="cosine", lr_decay_steps=total, lr_final=0.25)
    assert [2e-4 * share for share in found] == pytest.approx([authors(done, 2e-4, 5e-5) for done in range(30)])
    recipe = Recipe(steps=30, penalty_final=0.1, penalty_decay_steps=total)
    gammas = [0.05 * penalty_strength(recipe, step) for step in range(1, 31)]
    assert gammas == pytest.approx([authors(done, 0.05, 0.005) for done in range(30)])
