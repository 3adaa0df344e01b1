"""The two players' optimisers and their learning rates over time."""

from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.optim import SGD, Adam, Optimizer, RMSprop

from ganbench.spec import Recipe

Build = Callable[[Iterable[nn.Parameter], float, Recipe], Optimizer]

OPTIMISERS: dict[str, Build] = {
    # The fused form computes the same update in one pass over the weights.
    "adam": lambda weights, rate, recipe: Adam(weights, lr=rate, betas=(recipe.beta1, recipe.beta2), fused=True),
    "rmsprop": lambda weights, rate, recipe: RMSprop(
        weights, lr=rate, alpha=recipe.beta2, momentum=recipe.beta1, foreach=True
    ),
    "sgd": lambda weights, rate, recipe: SGD(weights, lr=rate, momentum=recipe.beta1, fused=True),
}


def build_optimiser(network: nn.Module, rate: float, recipe: Recipe) -> Optimizer:
    """Return the recipe's optimiser for a network's parameters."""
    return OPTIMISERS[recipe.optimizer](network.parameters(), rate, recipe)


def set_rate(optimiser: Optimizer, rate: float, recipe: Recipe, step: int) -> None:
    """Set the learning rate of ``step`` (counted from 1): constant, or linear from ``rate`` towards zero."""
    if recipe.lr_schedule == "linear":
        for group in optimiser.param_groups:
            group["lr"] = rate * (1.0 - (step - 1) / recipe.steps)


@torch.no_grad()
def all_finite(network: nn.Module) -> bool:
    """Whether every weight is a finite number."""
    return all(bool(parameter.isfinite().all()) for parameter in network.parameters())
