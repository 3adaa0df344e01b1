"""One scheme of initial weights for every architecture, where a recipe asks for it instead of the papers' own."""

from collections.abc import Callable

from torch import Tensor, nn

Scheme = Callable[[Tensor, float], object]

SCHEMES: dict[str, Scheme] = {
    "normal": lambda weight, gain: nn.init.normal_(weight, 0.0, gain),
    "xavier": lambda weight, gain: nn.init.xavier_uniform_(weight, gain=gain),
    "kaiming": lambda weight, gain: nn.init.kaiming_normal_(weight, a=0.2, nonlinearity="leaky_relu"),
    "orthogonal": lambda weight, gain: nn.init.orthogonal_(weight, gain=gain),
}


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
        if scheme == "torch":
            layer.reset_parameters()
            continue
        # Under spectral normalisation `weight` is computed; what is drawn is what it is computed from.
        parametrised = getattr(layer, "parametrizations", None)
        weight = parametrised.weight.original if parametrised is not None else layer.weight
        SCHEMES[scheme](weight, gain)
        if isinstance(layer.bias, Tensor):
            nn.init.zeros_(layer.bias)
