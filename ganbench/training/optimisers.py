"""The two players' optimisers and their learning rates over time."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer, RMSprop

from ganbench.schedule import rate_share
from ganbench.spec import Recipe

Build = Callable[[Iterable[Tensor], float, Recipe], Optimizer]


def _adam(weights: Iterable[Tensor], rate: float, recipe: Recipe) -> Optimizer:
    weights = list(weights)
    on_gpu = _on_gpu(weights)
    lr: float | Tensor = rate
    if weights and recipe.lr_schedule != "constant":  # a recorded step reads a rate that changes where it lies
        # A CPU's update reads it in the precision of Python's numbers, a GPU's in float32, whatever the weights are in.
        lr = torch.tensor(rate, dtype=torch.float32 if on_gpu else torch.float64, device=weights[0].device)
    # The fused form computes the same update in one pass over the weights.
    return Adam(weights, lr=lr, betas=(recipe.beta1, recipe.beta2), eps=recipe.adam_eps, fused=True, capturable=on_gpu)


def _rmsprop(weights: Iterable[Tensor], rate: float, recipe: Recipe) -> Optimizer:
    weights = list(weights)
    return RMSprop(
        weights, lr=rate, alpha=recipe.beta2, momentum=recipe.beta1, foreach=True, capturable=_on_gpu(weights)
    )


def _sgd(weights: Iterable[Tensor], rate: float, recipe: Recipe) -> Optimizer:
    return SGD(weights, lr=rate, momentum=recipe.beta1, fused=True)


OPTIMISERS: dict[str, Build] = {"adam": _adam, "rmsprop": _rmsprop, "sgd": _sgd}


def build_optimiser(network: nn.Module, rate: float, recipe: Recipe) -> Optimizer:
    """Return the recipe's optimiser for a network's parameters."""
    return OPTIMISERS[recipe.optimizer](network.parameters(), rate, recipe)


def set_rate(optimiser: Optimizer, rate: float, recipe: Recipe, step: int) -> None:
    """Set the learning rate of ``step`` (counted from 1): ``rate``, or the share of it that the schedule has there."""
    if recipe.lr_schedule != "constant":
        now = rate * rate_share(recipe, step)
        for group in optimiser.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(now)
            else:
                group["lr"] = now


def load_weight_state(optimiser: Optimizer, saved: dict[str, Any]) -> None:
    """Load what an optimiser's ``state_dict`` holds of each weight, and keep the settings that it was built with.

    Settings follow from the recipe, the step and the device, and the device may be another one now: those of a GPU
    need a GPU, and with those of a CPU a step cannot be recorded as a CUDA graph. What is remembered of a weight is put
    into the weight's own memory layout, which may be another one, too: fused updates go by the order of memory. On a
    CPU they would mix up the elements, and on a GPU they refuse.
    """
    optimiser.load_state_dict({**saved, "param_groups": optimiser.state_dict()["param_groups"]})
    for weight, remembered in optimiser.state.items():
        for name, value in remembered.items():
            if isinstance(value, Tensor) and value.shape == weight.shape and value.stride() != weight.stride():
                remembered[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


def optimiser_tensors(optimiser: Optimizer) -> list[Tensor]:
    """All tensors that an optimiser remembers between updates."""
    return [value for state in optimiser.state.values() for value in state.values() if isinstance(value, Tensor)]


def _on_gpu(weights: list[Tensor]) -> bool:
    return bool(weights) and weights[0].is_cuda
