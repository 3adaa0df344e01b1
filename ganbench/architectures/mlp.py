"""Fully connected networks, for points in R^D and for small images.

The generator follows the one PacGAN trains on mixtures of Gaussians (Lin et al. 2018, arXiv:1712.04086): four hidden
layers of 400 with batch norm and ReLU, a linear output, weights from N(0, 0.02²). The discriminator is a plain
network of the same width and depth with LeakyReLU instead of PacGAN's maxout.
"""

import math

from torch import Tensor, nn

from ganbench.api import Networks
from ganbench.architectures.checks import one_of, positive_number, whole_number
from ganbench.architectures.conditional import CONDITIONS, Backbone, condition_discriminator, with_one_hot
from ganbench.architectures.traits import Conditional

SLOPE = 0.2
ACTIVATIONS = {"relu": 0.0, "leaky_relu": SLOPE}


def hidden_layers(inputs: int, hidden: int, layers: int, *, batch_norm: bool, slope: float) -> nn.Sequential:
    """Return ``layers`` times linear, batch norm or none, and a ReLU with ``slope`` below zero: (N, inputs) to
    (N, hidden). A linear layer before a batch norm has no bias: the norm would subtract it."""
    parts: list[nn.Module] = []
    for width in (inputs, *[hidden] * (layers - 1)):
        parts.append(nn.Linear(width, hidden, bias=not batch_norm))
        if batch_norm:
            parts.append(nn.BatchNorm1d(hidden))
        parts.append(nn.LeakyReLU(slope) if slope else nn.ReLU())
    return nn.Sequential(*parts)


class Generator(nn.Module):
    """(N, latent_dim) to samples of ``shape``: images in [-1, 1] by a tanh, unbounded vectors."""

    def __init__(
        self, shape: tuple[int, ...], latent_dim: int, hidden: int, layers: int, *, batch_norm: bool, slope: float
    ) -> None:
        super().__init__()
        self.hidden = hidden_layers(latent_dim, hidden, layers, batch_norm=batch_norm, slope=slope)
        self.output = nn.Linear(hidden, math.prod(shape))
        self.limit = nn.Tanh() if len(shape) == 3 else nn.Identity()
        self.shape = nn.Unflatten(1, shape)

    def forward(self, z: Tensor) -> Tensor:
        samples: Tensor = self.shape(self.limit(self.output(self.hidden(z))))
        return samples


class Discriminator(Backbone):
    """Samples of ``shape``, flattened, to raw outputs (N,). No normalisation."""

    def __init__(self, shape: tuple[int, ...], hidden: int, layers: int) -> None:
        super().__init__()
        self.flat = nn.Flatten()
        self.hidden = hidden_layers(math.prod(shape), hidden, layers, batch_norm=False, slope=SLOPE)
        self.output = nn.Linear(hidden, 1)

    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden layer (N, hidden)."""
        hidden: Tensor = self.hidden(self.flat(x))
        return hidden

    def judge(self, features: Tensor) -> Tensor:
        """Return the raw outputs (N,) for a last hidden layer."""
        raw: Tensor = self.output(features)
        return raw.squeeze(1)


class MLP(Conditional):
    """Fully connected generator and discriminator.

    Args:
        hidden: units of each hidden layer, in both networks.
        layers: hidden layers of each network.
        norm_g: ``"batch"`` or ``"none"``, after each hidden layer of the generator.
        activation: of the generator, ``"relu"`` or ``"leaky_relu"`` (slope 0.2). The discriminator's is always the
            latter: a plain ReLU there cuts the generator off from its gradient where a unit is dead.
        init: ``"normal"``: weights from N(0, std²); ``"kaiming"``: from N(0, gain²/fan_in) with the gain of the
            activation, which keeps the signal's scale without a norm. Biases are 0 in both.
        std: the standard deviation of ``init="normal"``.
        condition: ``"none"``; ``"projection"`` (Miyato & Koyama 2018, arXiv:1802.05637) or ``"classifier"`` (AC-GAN,
            arXiv:1610.09585) for a class-conditional discriminator, each with the class as one-hot beside z.

    Raises:
        ValueError: a parameter out of range.
    """

    kinds = ("image", "vector")
    sizes = (1, 128)

    def __init__(
        self,
        *,
        hidden: int = 400,
        layers: int = 4,
        norm_g: str = "batch",
        activation: str = "relu",
        init: str = "normal",
        std: float = 0.02,
        condition: str = "none",
    ) -> None:
        self.hidden = whole_number("hidden", hidden, at_least=1)
        self.layers = whole_number("layers", layers, at_least=1, at_most=64)
        self.norm_g = one_of("norm_g", norm_g, ("batch", "none"))
        self.activation = one_of("activation", activation, tuple(ACTIVATIONS))
        self.init = one_of("init", init, ("normal", "kaiming"))
        self.std = positive_number("std", std)
        self.condition = one_of("condition", condition, tuple(CONDITIONS))

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        """Return networks for images (C, H, W) or vectors (D,), of ``classes`` classes unless ``condition`` is none."""
        if len(shape) not in (1, 3) or min(shape) < 1:
            raise ValueError(f"mlp makes images (C, H, W) or vectors (D,), not samples of shape {shape}")
        whole_number("latent_dim", latent_dim, at_least=1)
        slope = ACTIVATIONS[self.activation]
        inputs, batch_norm = latent_dim + classes, self.norm_g == "batch"
        generator = with_one_hot(
            Generator(shape, inputs, self.hidden, self.layers, batch_norm=batch_norm, slope=slope), classes
        )
        discriminator = condition_discriminator(
            Discriminator(shape, self.hidden, self.layers), self.condition, self.hidden, classes
        )
        self._initialise(generator, slope)
        self._initialise(discriminator, SLOPE)
        return Networks(generator, discriminator)

    def _initialise(self, network: nn.Module, slope: float) -> None:
        for layer in network.modules():
            if not isinstance(layer, nn.Linear | nn.Embedding):
                continue
            if self.init == "normal":
                nn.init.normal_(layer.weight, 0.0, self.std)
            else:
                nn.init.kaiming_normal_(layer.weight, a=slope, nonlinearity="leaky_relu")
            if isinstance(layer, nn.Linear) and layer.bias is not None:
                nn.init.zeros_(layer.bias)
