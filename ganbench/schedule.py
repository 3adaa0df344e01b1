"""What changes from step to step of a recipe: the discriminator's updates, its penalties, the learning rates.

A boosted step has ``n_critic_boost`` of them in place of ``n_critic``: the first ``boost_first`` steps, and the step
after every ``boost_every``. The authors' code of WGAN (arXiv:1701.07875) has 100 in place of 5 in its first 25 steps
and in steps 501, 1001, ... Where ``penalty_every`` is more than 1, one step in so many has penalties on gradients, the
first among them (lazy regularisation of StyleGAN2, arXiv:1912.04958), and so it is with ``g_penalty_every`` and
penalties on the generator. What falls over time falls on a line or on half a cosine, as a share of what it is at first.
"""

import bisect
import math
from functools import partial

from ganbench.spec import Recipe


def critic_updates(recipe: Recipe, step: int) -> int:
    """The discriminator's updates in a step, counted from 1."""
    return recipe.n_critic_boost if _boosted(recipe, step) else recipe.n_critic


def critic_updates_until(recipe: Recipe, steps: int) -> int:
    """The discriminator's updates in so many steps from the first on."""
    if not recipe.n_critic_boost:
        return steps * recipe.n_critic
    boosted = min(recipe.boost_first, steps)
    if recipe.boost_every:
        # Those that are not among the first already.
        boosted += max(0, (steps - 1) // recipe.boost_every - _inside(recipe))
    return steps * recipe.n_critic + boosted * (recipe.n_critic_boost - recipe.n_critic)


def steps_for(recipe: Recipe, images: int) -> int:
    """The fewest steps, at least one, in which the discriminator sees so many real images."""
    updates = -(-images // recipe.batch_size)
    most = -(-updates // recipe.n_critic)
    # No boosted step has fewer updates than the others, so that so many steps are always enough.
    return 1 + bisect.bisect_left(range(1, most), updates, key=partial(critic_updates_until, recipe))


def steps_to_replay(recipe: Recipe) -> int:
    """The fewest steps in which an earlier fake is drawn: the history is full before the last of their updates.

    1 where there is no history, or where nothing is drawn from it.
    """
    drawn = round(recipe.replay_share * recipe.batch_size)
    if not recipe.replay or not drawn:
        return 1
    return steps_for(recipe, (-(-recipe.replay // drawn) + 1) * recipe.batch_size)


def first_later_boost(recipe: Recipe) -> int:
    """The first step that is boosted by ``boost_every`` alone, which is not 0."""
    return 1 + (_inside(recipe) + 1) * recipe.boost_every


def penalised(recipe: Recipe, step: int) -> bool:
    """Whether the loss of a step, counted from 1, has its penalties on gradients."""
    return (step - 1) % recipe.penalty_every == 0


def g_penalised(recipe: Recipe, step: int) -> bool:
    """Whether the generator's loss of a step, counted from 1, has the penalties on the generator."""
    return (step - 1) % recipe.g_penalty_every == 0


def rate_share(recipe: Recipe, step: int) -> float:
    """The share of the learning rates in a step, counted from 1: all of them at first, at last ``lr_final``.

    After ``lr_decay_start`` whole steps they fall for ``lr_decay_steps``. Where those are all that are left, the step
    after the last would be the first at ``lr_final``, as in the SNGAN authors' code (arXiv:1802.05957).
    """
    if recipe.lr_schedule == "constant":
        return 1.0
    start = min(recipe.lr_decay_start, recipe.steps - 1)
    gone = min(1.0, max(0, step - 1 - start) / (recipe.lr_decay_steps or recipe.steps - start))
    if recipe.lr_schedule == "linear":
        return 1.0 - (1.0 - recipe.lr_final) * gone
    return _on_half_a_cosine(recipe.lr_final, gone)


def penalty_strength(recipe: Recipe, step: int) -> float:
    """How many times as strong penalties on gradients are in a step, counted from 1: 1 at first, then not.

    They go to ``penalty_final`` on half a cosine, in ``penalty_decay_steps`` or in all steps (R3GAN, arXiv:2501.05441).
    """
    gone = min(1.0, (step - 1) / (recipe.penalty_decay_steps or recipe.steps))
    return _on_half_a_cosine(recipe.penalty_final, gone)


def usual(recipe: Recipe, step: int) -> bool:
    """Whether a step does what most steps do: as many updates, and penalties where all have them."""
    return not (
        _boosted(recipe, step)
        or (recipe.penalty_every > 1 and penalised(recipe, step))
        or (recipe.g_penalty_every > 1 and g_penalised(recipe, step))
    )


def _on_half_a_cosine(last: float, gone: float) -> float:
    """From 1 to ``last``, where so much of the way is gone (0 to 1): slow at both ends."""
    return last + (1.0 - last) * 0.5 * (1.0 + math.cos(math.pi * gone))


def _boosted(recipe: Recipe, step: int) -> bool:
    if not recipe.n_critic_boost:
        return False
    every = recipe.boost_every
    return step <= recipe.boost_first or (every > 0 and step > 1 and (step - 1) % every == 0)


def _inside(recipe: Recipe) -> int:
    """How many steps after every ``boost_every`` are among the first ``boost_first``."""
    return max(0, recipe.boost_first - 1) // recipe.boost_every
