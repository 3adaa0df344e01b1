"""A recipe is resolved here, in one order.

The defaults, what the dataset needs, the loss's recommendation, the suite's, the command line's: each overrides those
before it.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from ganbench.complaints import explain
from ganbench.errors import UsageError, did_you_mean
from ganbench.schedule import steps_for
from ganbench.spec import Recipe

Policy = Literal["paper", "uniform"]


def resolve_recipe(
    *,
    policy: Policy,
    needed: Mapping[str, Any],
    needed_by: str,
    recommended: Mapping[str, Any],
    recommended_by: str,
    suite: Mapping[str, Any],
    given: Mapping[str, Any],
    images: int | None = None,
) -> Recipe:
    """Resolve a recipe.

    Args:
        policy: ``paper`` applies what the loss recommends, ``uniform`` leaves it out: one recipe for every row.
        needed: what the dataset recommends: the same for all its rows, so it is applied under either policy.
        needed_by: the dataset's name, for the message where its recommendation is wrong.
        recommended: the loss's recommendation.
        recommended_by: the loss's name, for the message where its recommendation is wrong.
        suite: the suite's settings.
        given: the command line's settings.
        images: a budget of real images seen by the discriminator, instead of steps.

    Raises:
        UsageError: an unknown setting or a value out of range; names the setting and who asked for it.
    """
    layers = [(needed, f"dataset '{needed_by}'")]
    if policy == "paper":
        layers.append((recommended, f"loss '{recommended_by}'"))
    layers += [(suite, "the suite"), (given, "--set")]
    merged: dict[str, Any] = {}
    recipe = Recipe()
    for settings, whose in layers:
        for key in settings:
            if key not in Recipe.model_fields:
                raise UsageError(
                    f"{whose} sets '{key}', which is not a recipe setting{did_you_mean(key, Recipe.model_fields)}"
                )
        merged.update(settings)
        recipe = validate(merged, whose)
    idle = without_effect(recipe)
    for settings, whose in ((given, "--set"), (suite, "the suite")):
        for key in settings:
            if key in idle and not (whose == "the suite" and idle[key] in given):
                other = idle[key]
                why = f"without {other}; set both or neither"
                if other in merged:
                    why = f"with {other}={getattr(recipe, other)}; choose another {other}, or leave {key} out"
                raise UsageError(f"{whose}: {key}={settings[key]} has no effect {why}")
    if images is not None:
        recipe = recipe.model_copy(update={"steps": steps_for(recipe, images)})
    return recipe


def without_effect(recipe: Recipe) -> dict[str, str]:
    """The settings that differ from their defaults and change nothing, each with the one that it would need."""
    needs = {
        "boost_first": ("n_critic_boost", recipe.n_critic_boost > 0),
        "boost_every": ("n_critic_boost", recipe.n_critic_boost > 0),
        "adam_eps": ("optimizer", recipe.optimizer == "adam"),
        "lr_decay_start": ("lr_schedule", recipe.lr_schedule != "constant"),
        "lr_decay_steps": ("lr_schedule", recipe.lr_schedule != "constant"),
        "lr_final": ("lr_schedule", recipe.lr_schedule != "constant"),
        "penalty_decay_steps": ("penalty_final", recipe.penalty_final != 1),
        "ema_start": ("ema_decay", recipe.ema_decay > 0),
        "replay_share": ("replay", recipe.replay > 0),
        "ada_images": ("ada_target", recipe.ada_target > 0),
        "init_gain": ("init", recipe.init in ("normal", "xavier", "orthogonal")),
    }
    defaults = Recipe()
    return {
        key: other
        for key, (other, has_effect) in needs.items()
        if not has_effect and getattr(recipe, key) != getattr(defaults, key)
    }


def validate(settings: Mapping[str, Any], whose: str) -> Recipe:
    """Build the recipe, and say in one line what is wrong where it cannot be built."""
    try:
        return Recipe(**settings)
    except ValidationError as error:
        raise UsageError(f"{whose}: {explain(error)}") from error
