"""SNGAN's residual networks (Miyato, Kataoka, Koyama and Yoshida 2018, arXiv:1802.05957, appendix B).

Up to 32×32 the layout is the paper's for CIFAR-10: one width throughout, two downsampling blocks and two plain ones.
From 64×64 it is the paper's for larger images: the width doubles with each halving of the side, up to a cap; the
discriminator goes down to 4×4 and ends with one plain block.
"""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganbench.api import Networks
from ganbench.architectures.checks import one_of, switch
from ganbench.architectures.conditional import CONDITIONS, Backbone, batch_norm, condition_discriminator, normalise
from ganbench.architectures.resampling import halved
from ganbench.architectures.traits import Conditional, SpectralNorm, SquareImages, checked_widths, drawn

SMALL = 32


def generator_widths(side: int, width: int, max_width: int) -> list[int]:
    """Return the channels at sides 4, 8, ..., ``side``."""
    stages = side.bit_length() - 3
    if side <= SMALL:
        return [width] * (stages + 1)
    return [min(width << stage, max_width) for stage in range(stages, -1, -1)]


def discriminator_plan(side: int, width: int, max_width: int) -> list[tuple[int, bool]]:
    """Return (channels, whether it halves the side) of each block of the discriminator."""
    if side <= SMALL:
        return [(width, True), (width, True), (width, False), (width, False)]
    stages = side.bit_length() - 3
    return [(min(width << stage, max_width), stage < stages) for stage in range(stages + 1)]


class UpBlock(nn.Module):
    """Batch norm, ReLU, nearest-neighbour doubling, 3×3, batch norm, ReLU, 3×3, plus a doubled 1×1 shortcut.

    No convolution has a bias: the batch norms that follow every path of the generator would subtract it. With
    ``classes`` the batch norms are conditional.
    """

    def __init__(self, inputs: int, outputs: int, classes: int = 0) -> None:
        super().__init__()
        self.norm1 = batch_norm(inputs, classes)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm2 = batch_norm(outputs, classes)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        h = functional.relu(normalise(self.norm1, x, labels))
        h = self.conv1(functional.interpolate(h, scale_factor=2.0, mode="nearest"))
        residual: Tensor = self.conv2(functional.relu(normalise(self.norm2, h, labels)))
        # A 1×1 convolution and the doubling commute; this order does a quarter of the work.
        skip: Tensor = functional.interpolate(self.shortcut(x), scale_factor=2.0, mode="nearest")
        return residual + skip


class Generator(nn.Module):
    """(N, latent_dim), and labels (N,) with ``classes``, to images (N, channels, side, side) in [-1, 1]."""

    def __init__(self, channels: int, latent_dim: int, plan: list[int], classes: int = 0) -> None:
        super().__init__()
        self.input = nn.Linear(latent_dim, 4 * 4 * plan[0])
        self.unflatten = nn.Unflatten(1, (plan[0], 4, 4))
        self.blocks = nn.Sequential(
            *(UpBlock(inputs, outputs, classes) for inputs, outputs in itertools.pairwise(plan))
        )
        self.norm = nn.BatchNorm2d(plan[-1])
        self.output = nn.Conv2d(plan[-1], channels, 3, padding=1)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        h = self.unflatten(self.input(z))
        for block in self.blocks:
            h = block(h, labels)
        return torch.tanh(self.output(functional.relu(self.norm(h))))


class DownBlock(nn.Module):
    """ReLU, 3×3, ReLU, 3×3, mean over 2×2 where it halves the side, plus a shortcut.

    The ``first`` block has no ReLU before its first convolution, as its input is the image itself. The shortcut is a
    1×1 convolution where side or width change, else the identity.
    """

    def __init__(self, inputs: int, outputs: int, *, down: bool, first: bool = False) -> None:
        super().__init__()
        self.first, self.down = first, down
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if down or inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu(self.conv1(x if self.first else functional.relu(x)))
        if not self.down:
            plain: Tensor = self.conv2(h) + self.shortcut(x)
            return plain
        # A mean over 2×2 and a 1×1 convolution commute; this order does a quarter of the work.
        skip: Tensor = self.shortcut(functional.avg_pool2d(x, 2))
        return halved(self.conv2, h) + skip


class Discriminator(Backbone):
    """Images (N, channels, side, side) to raw outputs (N,), through a SUM over the last feature map."""

    def __init__(self, channels: int, plan: list[tuple[int, bool]]) -> None:
        super().__init__()
        inputs = [channels, *(outputs for outputs, _ in plan[:-1])]
        self.blocks = nn.Sequential(
            *(
                DownBlock(width, outputs, down=down, first=number == 0)
                for number, (width, (outputs, down)) in enumerate(zip(inputs, plan, strict=True))
            )
        )
        self.output = nn.Linear(plan[-1][0], 1)

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature map (N, width, h, w)."""
        return functional.relu(self.blocks(x))

    def judge(self, features: Tensor) -> Tensor:
        """Return the raw outputs (N,) for a last feature map."""
        raw: Tensor = self.output(features.sum(dim=(2, 3)))
        return raw.squeeze(1)


def initialise(network: nn.Module) -> None:
    """Draw weights from Glorot's uniform distribution, with gain sqrt(2) for the 3×3 convolutions inside blocks and 1
    for shortcuts and the outermost layers, as the authors' code does. Biases are 0."""
    inner = {
        id(conv)
        for block in network.modules()
        if isinstance(block, UpBlock | DownBlock)
        for conv in (block.conv1, block.conv2)
    }
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            nn.init.xavier_uniform_(layer.weight, gain=math.sqrt(2) if id(layer) in inner else 1.0)
            if not isinstance(layer, nn.Embedding) and layer.bias is not None:
                nn.init.zeros_(layer.bias)


class ResNet(Conditional, SquareImages, SpectralNorm):
    """SNGAN's residual networks for square images with a power-of-two side from 16 to 128 and any number of channels.

    Beside a gradient penalty or weight clipping, which bound the discriminator too, it has no spectral norm unless
    ``spectral_norm=true`` asks for it.

    Args:
        width: up to 32×32, the channels of every layer of the generator; from 64×64, those at the image's own side.
            The paper has 256 for CIFAR-10 and 64 for larger images; the default lets a CPU follow.
        width_d: the same for the discriminator; 0 means as the generator. The paper has 128 and 64.
        max_width: no layer has more channels than this.
        spectral_norm: whether the weights of all layers of the discriminator are divided by their largest singular
            value, estimated with one power iteration per forward pass in training. ``"auto"`` is settled to false
            under a gradient penalty and under weight clipping, each of which bounds the discriminator by itself, and
            to true otherwise.
        condition: ``"none"``; ``"projection"`` (Miyato & Koyama 2018, arXiv:1802.05637) or ``"classifier"`` (AC-GAN,
            arXiv:1610.09585) for a class-conditional discriminator, each with conditional batch norm in the generator.

    Raises:
        ValueError: a parameter out of range.
    """

    def __init__(
        self,
        *,
        width: int = 64,
        width_d: int = 0,
        max_width: int = 1024,
        spectral_norm: bool | str = "auto",
        condition: str = "none",
    ) -> None:
        self.width, self.width_d, self.max_width = checked_widths(width, width_d, max_width)
        self.spectral_norm = switch("spectral_norm", spectral_norm)
        self.condition = one_of("condition", condition, tuple(CONDITIONS))

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        """Return networks for images of ``shape`` (C, S, S), of ``classes`` classes unless ``condition`` is none."""
        channels, side = self.image(shape, latent_dim)
        generator = Generator(channels, latent_dim, generator_widths(side, self.width, self.max_width), classes)
        plan = discriminator_plan(side, self.width_d, self.max_width)
        discriminator = condition_discriminator(Discriminator(channels, plan), self.condition, plan[-1][0], classes)
        spectral = [discriminator] if self.spectral_norm_in_discriminator else []
        return drawn(generator, discriminator, initialise, spectral=spectral)
