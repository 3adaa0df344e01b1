"""One scheme of initial weights for every architecture, where a recipe asks for it instead of the papers' own."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Scheme = Callable[[Tensor, float], object]

SCHEMES: dict[str, Scheme] = {
    "normal": lambda weight, gain: nn.init.normal_(weight, 0.0, gain),
    "xavier": lambda weight, gain: nn.init.xavier_uniform_(weight, gain=gain),
    "kaiming": lambda weight, gain: nn.init.kaiming_normal_(weight, a=0.2, nonlinearity="leaky_relu"),
    "orthogonal": lambda weight, gain: nn.init.orthogonal_(weight, gain=gain),
}

POWER_ITERATIONS = 15
"""As many as torch makes when it begins to normalise a weight."""


def initialise(network: nn.Module, scheme: str, gain: float) -> None:
    """Draw every weight matrix and kernel anew.

    Args:
        network: changed in place.
        scheme: ``architecture`` leaves it as it was built; ``torch`` calls each layer's own ``reset_parameters``;
            ``normal`` is N(0, gain^2), ``xavier`` (Glorot & Bengio 2010) and ``orthogonal`` (Saxe et al. 2014) take
            the gain, ``kaiming`` (He et al. 2015) has its own.
        gain: see there. Biases are set to zero, normalisation layers keep their start.
    """
    if scheme == "architecture":
        return
    for layer in network.modules():
        if not isinstance(layer, nn.Linear | nn.modules.conv._ConvNd | nn.Embedding):
            continue
        # Under spectral normalisation `weight` is computed; what is drawn is what it is computed from.
        parametrised = getattr(layer, "parametrizations", None)
        if parametrised is not None and "weight" in parametrised:
            with torch.no_grad():
                _draw_parametrised(layer, parametrised["weight"], scheme, gain)
        else:
            _draw(layer, layer.weight, scheme, gain)
        bias = getattr(layer, "bias", None)
        if isinstance(bias, Tensor) and scheme != "torch":
            nn.init.zeros_(bias)


def _draw(layer: nn.Module, weight: Tensor, scheme: str, gain: float) -> None:
    if scheme == "torch":
        layer.reset_parameters()  # type: ignore[operator]
    else:
        SCHEMES[scheme](weight, gain)


def _draw_parametrised(layer: nn.Module, parametrised: Any, scheme: str, gain: float) -> None:
    """Draw the weight beneath a parametrisation, and let spectral normalisation find the new weight's norm."""
    if scheme == "torch":
        # What `reset_parameters` of linear and convolutional layers does; it would write to the computed weight.
        nn.init.kaiming_uniform_(parametrised.original, a=math.sqrt(5))
        if isinstance(layer.bias, Tensor):
            bound = 1.0 / math.sqrt(parametrised.original[0].numel())
            nn.init.uniform_(layer.bias, -bound, bound)
    else:
        SCHEMES[scheme](parametrised.original, gain)
    for step in parametrised:
        if hasattr(step, "_power_method"):
            step._power_method(step._reshape_weight_to_matrix(parametrised.original), POWER_ITERATIONS)
