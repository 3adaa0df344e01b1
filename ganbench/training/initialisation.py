"""One scheme of initial weights for every architecture, where a recipe asks for it instead of the papers' own."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ganbench.errors import UsageError, in_one_line

Scheme = Callable[[Tensor, float], object]

SCHEMES: dict[str, Scheme] = {
    "normal": lambda weight, gain: nn.init.normal_(weight, 0.0, gain),
    "xavier": lambda weight, gain: nn.init.xavier_uniform_(weight, gain=gain),
    "kaiming": lambda weight, gain: nn.init.kaiming_normal_(weight, a=0.2, nonlinearity="leaky_relu"),
    "orthogonal": lambda weight, gain: nn.init.orthogonal_(weight, gain=gain),
}

POWER_ITERATIONS = 15
"""As many as torch makes when it first normalises a weight."""


def initialise(network: nn.Module, scheme: str, gain: float) -> None:
    """Draw every weight matrix and kernel of linear, convolutional, embedding and attention layers anew.

    Args:
        network: changed in place.
        scheme: ``architecture`` leaves it as it was built; ``torch`` calls each layer's own ``reset_parameters``;
            ``normal`` is N(0, gain^2), ``xavier`` (Glorot & Bengio 2010) and ``orthogonal`` (Saxe et al. 2014) take
            the gain, ``kaiming`` (He et al. 2015) has its own. An attention's matrices of queries, keys and values are
            drawn one by one.
        gain: of the schemes that take one. All but ``torch`` set biases to zero; normalisation layers stay as built.

    Raises:
        UsageError: a weight is computed from other tensors in a way that no drawn weight can be put through.
    """
    if scheme == "architecture":
        return
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Linear | nn.modules.conv._ConvNd | nn.Embedding):
            _initialise_layer(layer, name, scheme, gain)
    # After the others, as the bias of its last layer, which is one of them, is the attention's to reset.
    for name, layer in network.named_modules():
        if isinstance(layer, nn.MultiheadAttention):
            if hasattr(layer, "parametrizations"):
                raise _refusal(scheme, name, layer, "a parametrisation computes it")
            _draw_attention(layer, scheme, gain)


def unsized(network: nn.Module) -> str:
    """Name the first layer whose weights have no size before it is called, as ``nn.LazyLinear``'s; empty where none is.

    Such a network cannot be trained: its weights are drawn, and counted by optimisers, before anything calls it.
    """
    for name, layer in network.named_modules():
        if any(is_lazy(tensor) for tensor in (*layer.parameters(recurse=False), *layer.buffers(recurse=False))):
            return _in_words(name, layer)
    return ""


def _initialise_layer(layer: nn.Module, name: str, scheme: str, gain: float) -> None:
    # Under spectral normalisation `weight` is computed; what is drawn is what it is computed from.
    parametrised = getattr(layer, "parametrizations", None)
    if parametrised is not None and "weight" in parametrised:
        try:
            with torch.no_grad():
                _draw_parametrised(layer, parametrised["weight"], scheme, gain)
        except Exception as error:
            raise _refusal(scheme, name, layer, in_one_line(error, 200)) from error
    elif not _is_stored(layer):
        raise _refusal(scheme, name, layer, "a hook such as torch.nn.utils.weight_norm's computes it at each call")
    else:
        assert isinstance(layer.weight, Tensor)
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
    """Draw the weight beneath a parametrisation, and let spectral normalisation find the new weight's norm.

    Where several tensors lie beneath it, as under weight normalisation, the weight itself is drawn and split into them.
    """
    weight = parametrised.original if parametrised.is_tensor else parametrised().clone()
    if scheme == "torch":
        # What `reset_parameters` of linear and convolutional layers does; it would write to the computed weight.
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
        if isinstance(layer.bias, Tensor):
            bound = 1.0 / math.sqrt(weight[0].numel())
            nn.init.uniform_(layer.bias, -bound, bound)
    else:
        SCHEMES[scheme](weight, gain)
    if not parametrised.is_tensor:
        parametrised.right_inverse(weight)
    for step in parametrised:
        if hasattr(step, "_power_method"):
            step._power_method(step._reshape_weight_to_matrix(weight), POWER_ITERATIONS)


def _draw_attention(layer: nn.MultiheadAttention, scheme: str, gain: float) -> None:
    if scheme == "torch":
        layer._reset_parameters()
        return
    stacked = layer.in_proj_weight
    matrices = (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight) if stacked is None else stacked.chunk(3)
    for matrix in matrices:
        SCHEMES[scheme](matrix.detach(), gain)
    if layer.in_proj_bias is not None:
        nn.init.zeros_(layer.in_proj_bias)


def _is_stored(layer: nn.Module) -> bool:
    """Whether what is written into ``weight`` stays there: it is a parameter, or shares the memory of one."""
    assert isinstance(layer.weight, Tensor)
    at = layer.weight.data_ptr()
    return any(own.data_ptr() == at for own in layer.parameters(recurse=False))


def _refusal(scheme: str, name: str, layer: nn.Module, reason: str) -> UsageError:
    where = _in_words(name, layer)
    return UsageError(f"init={scheme} cannot draw the weight of {where}: {reason}; use --set init=architecture")


def _in_words(name: str, layer: nn.Module) -> str:
    """A layer of a network in words; one without a name is the network itself."""
    return f"layer '{name}' ({type(layer).__name__})" if name else f"a {type(layer).__name__}"
