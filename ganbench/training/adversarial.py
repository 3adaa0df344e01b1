"""A loss without its penalties, the output of a discriminator that it leaves undecided, which penalties a step may
leave out, and how often each network runs."""

from collections.abc import Iterable

import torch
from torch import Tensor

from ganbench.api import Loss, Penalty
from ganbench.spec import Recipe

LIMIT, COARSE, FINE = 10.0, 0.1, 0.001
"""Outputs are searched from -LIMIT to LIMIT, first in coarse steps and then in fine ones."""


def adversarial_loss(loss: Loss, r: Tensor, f: Tensor, recipe: Recipe) -> Tensor:
    """The loss without penalties of raw outputs (N,), with the recipe's smoothed labels where it takes labels."""
    if loss.smoothable:
        smoothed = {"real_label": 1.0 - recipe.smoothing_real, "fake_label": recipe.smoothing_fake}
        return loss.discriminator(r, f, **smoothed)
    return loss.discriminator(r, f)


def lazy(penalty: Penalty) -> bool:
    """Whether a recipe's ``penalty_every`` applies to this penalty: a term on gradients, which costs another pass."""
    return penalty.differentiable and not penalty.of_outputs and penalty.constrains == "gradient"


def passes(penalties: Iterable[Penalty], recipe: Recipe) -> float:
    """How often the discriminator runs in one of its updates, on average: once for the loss, and once for each penalty
    that calls it, or once in ``penalty_every`` updates where that applies."""
    calling = (penalty for penalty in penalties if penalty.differentiable and not penalty.of_outputs)
    return 1.0 + sum(1.0 / recipe.penalty_every if lazy(penalty) else 1.0 for penalty in calling)


def g_passes(calls: Iterable[int], recipe: Recipe) -> float:
    """How often the generator runs in one of its updates, on average: once for the loss, and in one of
    ``g_penalty_every`` updates as often as each penalty on it ``calls`` it, as found by trying."""
    return 1.0 + sum(calls) / recipe.g_penalty_every


def undecided(loss: Loss, recipe: Recipe) -> float | None:
    """The output of a discriminator that cannot tell real from fake, ``None`` where the loss leaves it open.

    It is the one output for both that costs least: 0 for the minimax game and the hinge (the middle of all that cost
    as little), 1/2 for least squares, 1 for the f-GAN of the Kullback-Leibler divergence. A Wasserstein or
    relativistic loss sees nothing but the difference of two outputs: one is as good as another, and their sign means
    nothing.
    """
    steps = round(LIMIT / COARSE)
    lowest = _cheapest(loss, recipe, [step * COARSE for step in range(-steps, steps + 1)])
    if not lowest or lowest[-1] - lowest[0] > LIMIT or {-LIMIT, LIMIT} & {lowest[0], lowest[-1]}:
        return None
    steps = round(COARSE / FINE)
    ends = [
        _cheapest(loss, recipe, [end + step * FINE for step in range(-steps, steps + 1)])
        for end in (lowest[0], lowest[-1])
    ]
    return round((ends[0][0] + ends[1][-1]) / 2, 3)


def _cheapest(loss: Loss, recipe: Recipe, outputs: list[float]) -> list[float]:
    """Those of the outputs that cost least when real and fake samples both have them."""
    costs = torch.stack(
        [
            torch.nan_to_num(adversarial_loss(loss, both, both, recipe).detach(), nan=torch.inf)
            for both in (torch.full((2,), value, dtype=torch.float64) for value in outputs)
        ]
    )
    least = costs.min()
    if not least.isfinite():
        return []
    return [value for value, cost in zip(outputs, costs.tolist(), strict=True) if cost <= float(least) + 1e-9]
