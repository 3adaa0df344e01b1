"""PacGAN's networks for points (Lin et al. 2018, arXiv:1712.04086): a packed maxout discriminator.

A packed discriminator judges ``pack`` samples at once, concatenated, so that it sees how varied they are: a generator
that has lost modes makes groups that are too alike. Nothing else changes: no penalty, no other loss.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Networks
from ganbench.architectures.checks import positive_number, whole_number

GENERATOR_LAYERS = 4
DISCRIMINATOR_LAYERS = 3
NORM_MOMENTUM = 0.05
NORM_EPSILON = 1e-4


class Generator(nn.Sequential):
    """(N, latent_dim) to points (N, D): linear layers without biases, batch norm and ReLU; a linear output."""

    def __init__(self, latent_dim: int, dimension: int, hidden: int) -> None:
        parts: list[nn.Module] = []
        for width in (latent_dim, *[hidden] * (GENERATOR_LAYERS - 1)):
            norm = nn.BatchNorm1d(hidden, eps=NORM_EPSILON, momentum=NORM_MOMENTUM)
            parts += [nn.Linear(width, hidden, bias=False), norm, nn.ReLU()]
        super().__init__(*parts, nn.Linear(hidden, dimension))


class Maxout(nn.Module):
    """(N, inputs) to (N, outputs): the largest of ``pieces`` linear functions each (Goodfellow et al. 2013)."""

    def __init__(self, inputs: int, outputs: int, pieces: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs * pieces)
        self.shape = (pieces, outputs)

    def forward(self, x: Tensor) -> Tensor:
        # The pieces lie apart in memory, so that the largest is taken along whole rows: four times as fast.
        largest: Tensor = self.linear(x).unflatten(1, self.shape).amax(dim=1)
        return largest


class Discriminator(nn.Module):
    """Points (N·pack, D) to raw outputs (N,): samples i·pack to (i+1)·pack - 1 are judged together by output i."""

    def __init__(self, dimension: int, hidden: int, pieces: int, pack: int) -> None:
        super().__init__()
        self.pack = pack
        widths = (dimension * pack, *[hidden] * (DISCRIMINATOR_LAYERS - 1))
        self.hidden = nn.Sequential(*(Maxout(width, hidden, pieces) for width in widths))
        self.output = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        if len(x) % self.pack:
            raise ValueError(f"{len(x)} samples cannot be packed in groups of {self.pack}")
        raw: Tensor = self.output(self.hidden(x.reshape(len(x) // self.pack, -1)))
        return raw.squeeze(1)


@torch.no_grad()
def initialise(network: nn.Module, std: float) -> None:
    """Draw weights from N(0, std²); biases are 0, batch norm starts as the identity."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            layer.weight.normal_(0.0, std)
            if layer.bias is not None:
                layer.bias.zero_()


class PacGAN(Architecture):
    """The networks of PacGAN's Table 1, for points in R^D.

    The generator has four hidden layers of 400 with batch norm and ReLU, and a linear output; the discriminator three
    maxout layers of 200 with five pieces, and a linear output. As in the authors' code an update shows the
    discriminator ``batch_size`` groups, that is ``batch_size * pack`` samples of each kind, for any ``pack``. The
    batch norm of the generator is over all of these at once; the authors' is over ``batch_size`` at a time.

    A gradient penalty speaks of one sample's gradient and is refused where ``pack`` is above 1.

    Args:
        pack: samples that the discriminator judges together; 1 is a GAN, 2 PacGAN2, and so on.
        hidden: units of each hidden layer of the generator.
        hidden_d: units of each maxout layer of the discriminator.
        pieces: linear functions per maxout unit.
        std: the standard deviation of the initial weights.

    Raises:
        ValueError: a parameter out of range.
    """

    kinds: ClassVar[Any] = ("vector",)

    def __init__(
        self, *, pack: int = 1, hidden: int = 400, hidden_d: int = 200, pieces: int = 5, std: float = 0.02
    ) -> None:
        self.pack = whole_number("pack", pack, at_least=1, at_most=64)
        self.hidden = whole_number("hidden", hidden, at_least=1)
        self.hidden_d = whole_number("hidden_d", hidden_d, at_least=1)
        self.pieces = whole_number("pieces", pieces, at_least=1, at_most=64)
        self.std = positive_number("std", std)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        """Return networks for points of ``shape`` (D,)."""
        if len(shape) != 1:
            raise ValueError(f"pacgan makes points (D,), not samples of shape {shape}")
        whole_number("latent_dim", latent_dim, at_least=1)
        generator = Generator(latent_dim, shape[0], self.hidden)
        discriminator = Discriminator(shape[0], self.hidden_d, self.pieces, self.pack)
        initialise(generator, self.std)
        initialise(discriminator, self.std)
        return Networks(generator, discriminator)
