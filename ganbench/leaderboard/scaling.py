"""A recipe for fewer steps than it was written for: what becomes of the settings that count steps."""

from typing import Any

from ganbench.schedule import critic_updates_until, first_later_boost
from ganbench.spec import Recipe

FITTED = (
    "steps", "n_critic_boost", "boost_first", "boost_every", "lr_schedule", "lr_decay_start", "lr_decay_steps",
    "lr_final", "ema_start", "penalty_final", "penalty_decay_steps",
)  # fmt: skip
"""The settings that :func:`shortened` may change."""


def shortened(recipe: Recipe, steps: int) -> Recipe:
    """The recipe in ``steps`` steps, fewer than it has.

    Where in the training something begins is moved along (``lr_decay_start``, ``ema_start``), so that it keeps its
    share, and so does how long something takes (``lr_decay_steps``, ``penalty_decay_steps``). ``penalty_final`` goes
    where only the first step is left to have penalties on gradients, and ``lr_schedule`` with all that belongs to it
    where only one step is left.

    Boosted steps stay those of the whole training as long as there are others: their number is about how far the
    critic is, not about how long all takes. ``boost_first`` boosts all steps but the last where there are no more, and
    ``boost_every`` goes where its first boost would come after the last step. A history of fakes (``replay``) keeps its
    size, which may be too large for the steps: planning says so.
    """
    first, every = min(recipe.boost_first, steps - 1), recipe.boost_every
    moved = {
        "steps": steps,
        "ema_start": _moved(recipe.ema_start, recipe.steps, steps, before_end=1),
        "boost_first": first,
    }
    short = recipe.model_copy(update=moved | _rates(recipe, steps) | _changing(recipe, steps))
    all_boosted = critic_updates_until(short, steps) == steps * recipe.n_critic_boost
    if every and (all_boosted or first_later_boost(short) > steps):
        every = 0
    boost = recipe.n_critic_boost if first or every else 0
    return short.model_copy(update={"boost_every": every, "n_critic_boost": boost})


def of_any_length(recipe: Recipe) -> dict[str, Any]:
    """The settings that :func:`shortened` leaves as they are: they say of what kind the updates are."""
    return recipe.model_dump(exclude=set(FITTED))


def _moved(start: int, whole: int, steps: int, *, before_end: int) -> int:
    """The step that has as large a share of ``steps`` before it as ``start`` has of the ``whole``.

    At least ``before_end`` steps are left after it, and it is not at the very beginning unless ``start`` is, both as
    far as there are so many steps. What is too late in the whole training is left as it is, for planning to refuse.
    """
    if start > whole - before_end:
        return start
    return max(0, min(scaled(start, whole, steps), steps - before_end))


def _rates(recipe: Recipe, steps: int) -> dict[str, Any]:
    """How the learning rates fall in ``steps``: not at all in a single one."""
    if steps == 1:
        names = ("lr_schedule", "lr_decay_start", "lr_decay_steps", "lr_final")
        return {name: Recipe.model_fields[name].default for name in names}
    start = _moved(recipe.lr_decay_start, recipe.steps, steps, before_end=2)
    return {"lr_decay_start": start, "lr_decay_steps": _falling(recipe, steps, start)}


def _falling(recipe: Recipe, steps: int, start: int) -> int:
    """In how many of ``steps`` learning rates fall: no fewer than are left after ``start`` where that was so before."""
    if not recipe.lr_decay_steps:
        return 0
    share = scaled(recipe.lr_decay_steps, recipe.steps, steps)
    to_the_end = recipe.lr_decay_start + recipe.lr_decay_steps >= recipe.steps
    return max(share, steps - start) if to_the_end else share


def _changing(recipe: Recipe, steps: int) -> dict[str, float]:
    """How the strength of penalties on gradients changes in ``steps``, of which one in ``penalty_every`` has any."""
    if steps <= recipe.penalty_every:
        return {"penalty_final": 1.0, "penalty_decay_steps": 0}
    return {"penalty_decay_steps": scaled(recipe.penalty_decay_steps, recipe.steps, steps)}


def scaled(count: int, whole: int, steps: int) -> int:
    """As large a share of ``steps`` as ``count`` is of the ``whole``; at least 1, but for a count of 0."""
    return max(1, round(count * steps / whole)) if count else 0
