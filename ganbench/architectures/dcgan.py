"""DCGAN: strided and transposed convolutions (Radford, Metz and Chintala 2016, arXiv:1511.06434).

The generator starts from 4×4 and doubles the side with each transposed convolution (kernel 4, stride 2, padding 1);
the discriminator mirrors it. The width doubles with each halving of the side, as in the paper, up to a cap.
"""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganbench.api import Networks
from ganbench.architectures.checks import one_of
from ganbench.architectures.conditional import CONDITIONS, Backbone, condition_discriminator, with_one_hot
from ganbench.architectures.traits import (
    NORMS_D,
    Conditional,
    DiscriminatorNorm,
    SquareImages,
    checked_widths,
    drawn,
)

SLOPE = 0.2
STD = 0.02
NORMS_G = ("batch", "none")

NORM_LAYERS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    # Layer norm of convolutional features as the WGAN-GP authors use it: over C, H and W of one sample, with a scale
    # and a shift per channel.
    "layer": lambda channels: nn.GroupNorm(1, channels),
    "spectral": lambda channels: nn.Identity(),
    "none": lambda channels: nn.Identity(),
}


def widths(side: int, width: int, max_width: int) -> list[int]:
    """Return the channels at side/2, side/4, ..., 4: ``width`` doubled at each, at most ``max_width``."""
    stages = side.bit_length() - 3
    return [min(width << stage, max_width) for stage in range(stages)]


class Generator(nn.Module):
    """(N, latent_dim) to images (N, channels, side, side) in [-1, 1]."""

    def __init__(self, channels: int, latent_dim: int, plan: list[int], norm: str) -> None:
        super().__init__()
        bias = norm != "batch"  # a batch norm would subtract it
        # "Projected and reshaped": the same function as a transposed convolution of a 1×1 image, and faster on a CPU.
        self.project = nn.Linear(latent_dim, plan[-1] * 4 * 4, bias=bias)
        self.input = nn.Sequential(nn.Unflatten(1, (plan[-1], 4, 4)), NORM_LAYERS[norm](plan[-1]), nn.ReLU())
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=bias), NORM_LAYERS[norm](narrow), nn.ReLU()
                )
                for narrow, wide in reversed([*itertools.pairwise(plan)])
            )
        )
        self.output = nn.Sequential(nn.ConvTranspose2d(plan[0], channels, 4, 2, 1), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.output(self.blocks(self.input(self.project(z))))
        return images


class Discriminator(Backbone):
    """Images (N, channels, side, side) to raw outputs (N,). The first layer has no norm, as in the paper."""

    def __init__(self, channels: int, plan: list[int], norm: str) -> None:
        super().__init__()
        bias = norm != "batch"
        self.input = nn.Sequential(nn.Conv2d(channels, plan[0], 4, 2, 1), nn.LeakyReLU(SLOPE))
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(narrow, wide, 4, 2, 1, bias=bias), NORM_LAYERS[norm](wide), nn.LeakyReLU(SLOPE))
                for narrow, wide in itertools.pairwise(plan)
            )
        )
        self.output = nn.Conv2d(plan[-1], 1, 4, 1, 0)

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature map (N, width, 4, 4)."""
        maps: Tensor = self.blocks(self.input(x))
        return maps

    def judge(self, features: Tensor) -> Tensor:
        """Return the raw outputs (N,) for a last feature map."""
        raw: Tensor = self.output(features)
        return raw.flatten()


@torch.no_grad()
def initialise(network: nn.Module) -> None:
    """Draw weights from N(0, 0.02²) and batch-norm scales from N(1, 0.02²), as the paper; biases are 0.

    A layer norm keeps its scale of 1, as in the WGAN-GP authors' code.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
            layer.weight.normal_(0.0, STD)
            if not isinstance(layer, nn.Embedding) and layer.bias is not None:
                layer.bias.zero_()
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.normal_(1.0, STD)
            layer.bias.zero_()


class DCGAN(Conditional, SquareImages, DiscriminatorNorm):
    """DCGAN for square images with a power-of-two side from 16 to 128 and any number of channels.

    Args:
        width: the generator's channels at half the image's side; doubled at each further halving. The paper's 64×64
            generator has 128 there.
        width_d: the discriminator's; 0 is as the generator's. The paper has half of it (64 against 128), which
            ``dcgan[width=64,width_d=32]`` restores.
        max_width: no layer has more channels than this.
        norm_g: ``"batch"`` or ``"none"``, after each layer of the generator but the last.
        norm_d: after each layer of the discriminator but the first and the last: ``"batch"``, ``"layer"``,
            ``"none"``, or ``"spectral"`` for spectral normalisation of the weights of all layers. ``"auto"`` is
            settled to ``"layer"`` under a gradient penalty, which speaks of one sample's gradient and so cannot have
            a batch norm (Gulrajani et al. 2017), and to ``"batch"`` otherwise.
        condition: ``"none"``; ``"projection"`` (Miyato & Koyama 2018, arXiv:1802.05637) or ``"classifier"`` (AC-GAN,
            arXiv:1610.09585) for a class-conditional discriminator, each with the class as one-hot beside z.

    Raises:
        ValueError: a parameter out of range.
    """

    def __init__(
        self,
        *,
        width: int = 32,
        width_d: int = 0,
        max_width: int = 1024,
        norm_g: str = "batch",
        norm_d: str = "auto",
        condition: str = "none",
    ) -> None:
        self.width, self.width_d, self.max_width = checked_widths(width, width_d, max_width)
        self.norm_g = one_of("norm_g", norm_g, NORMS_G)
        self.norm_d = one_of("norm_d", norm_d, NORMS_D)
        self.condition = one_of("condition", condition, tuple(CONDITIONS))

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        """Return networks for images of ``shape`` (C, S, S), of ``classes`` classes unless ``condition`` is none."""
        channels, side = self.image(shape, latent_dim)
        plan = widths(side, self.width, self.max_width)
        generator = with_one_hot(self.generator(channels, latent_dim + classes, plan), classes)
        plan = widths(side, self.width_d, self.max_width)
        backbone = Discriminator(channels, plan, self.feature_norm)
        discriminator = condition_discriminator(backbone, self.condition, plan[-1], classes)
        spectral = [discriminator] if self.norm_d == "spectral" else []
        return drawn(generator, discriminator, initialise, spectral=spectral)

    def generator(self, channels: int, inputs: int, plan: list[int]) -> nn.Module:
        """Return the generator (N, inputs) to images (N, channels, S, S) of the widths in ``plan``."""
        return Generator(channels, inputs, plan, self.norm_g)
