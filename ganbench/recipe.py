"""A recipe is resolved here, in one order.

The defaults, what the dataset needs, the loss's recommendation, the suite's, the command line's: each overrides those
before it.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from ganbench.errors import UsageError, did_you_mean
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
    for settings, whose in layers:
        for key in settings:
            if key not in Recipe.model_fields:
                raise UsageError(f"{whose} sets '{key}', which no recipe has{did_you_mean(key, Recipe.model_fields)}")
        merged.update(settings)
        validate(merged, whose)
    recipe = validate(merged, "the recipe")
    if images is not None:
        steps = math.ceil(images / (recipe.batch_size * recipe.n_critic))
        recipe = recipe.model_copy(update={"steps": max(1, steps)})
    return recipe


def validate(settings: Mapping[str, Any], whose: str) -> Recipe:
    """Build the recipe, and say in one line what is wrong where it cannot be built."""
    try:
        return Recipe(**settings)
    except ValidationError as error:
        raise UsageError(f"{whose}: {explain(error)}") from error


def explain(error: ValidationError) -> str:
    """The first complaint of a validation in one line: which field, which value, what it must be."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "value"
    message = first["msg"][:1].lower() + first["msg"][1:]
    if first["type"] == "missing":
        return f"{field} is missing"
    return f"{field}={first['input']!r}: {message}" if field != "value" else message
