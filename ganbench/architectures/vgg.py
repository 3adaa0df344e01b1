"""A discriminator in the manner of VGG: pairs of 3×3 convolutions, the second of each with stride 2, and two dense
layers (SRGAN, Ledig et al. 2017, arXiv:1609.04802, figure 4), with DCGAN's generator.
"""

import itertools

from torch import Tensor, nn

from ganbench.api import Networks
from ganbench.architectures.checks import one_of, whole_number
from ganbench.architectures.conditional import CONDITIONS, Backbone, condition_discriminator, with_one_hot
from ganbench.architectures.dcgan import NORM_LAYERS, NORMS_G, SLOPE, Generator, initialise, widths
from ganbench.architectures.traits import (
    NORMS_D,
    Conditional,
    DiscriminatorNorm,
    SquareImages,
    checked_widths,
    drawn,
)


class Discriminator(Backbone):
    """Images (N, channels, side, side) to raw outputs (N,). The first layer has no norm, as in the paper."""

    def __init__(self, channels: int, plan: list[int], hidden: int, norm: str) -> None:
        super().__init__()
        bias = norm != "batch"  # a batch norm would subtract it
        layers: list[nn.Module] = []
        for number, (before, width) in enumerate(itertools.pairwise([channels, *plan])):
            for inputs, stride in ((before, 1), (width, 2)):
                first = number == 0 and stride == 1
                layers.append(nn.Conv2d(inputs, width, 3, stride, 1, bias=bias or first))
                layers += [] if first else [NORM_LAYERS[norm](width)]
                layers.append(nn.LeakyReLU(SLOPE))
        self.blocks = nn.Sequential(*layers)
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(plan[-1] * 4 * 4, hidden), nn.LeakyReLU(SLOPE))
        self.output = nn.Linear(hidden, 1)

    def features(self, x: Tensor) -> Tensor:
        """Return the dense layer's features (N, hidden)."""
        features: Tensor = self.hidden(self.blocks(x))
        return features

    def judge(self, features: Tensor) -> Tensor:
        """Return the raw outputs (N,) for the dense layer's features."""
        raw: Tensor = self.output(features)
        return raw.squeeze(1)


class VGG(Conditional, SquareImages, DiscriminatorNorm):
    """SRGAN's VGG-like discriminator and DCGAN's generator, for square images with a power-of-two side from 16 to 128
    and any number of channels.

    At 64×64 and ``width_d=64`` the eight convolutions are the paper's; there are two for each halving down to 4×4.

    Args:
        width: the generator's channels at half the image's side; doubled at each further halving.
        width_d: the discriminator's channels at the image's side, doubled at each halving; 0 is as the generator's.
        max_width: no convolution has more channels than this; the paper's stop at 512.
        hidden: units of the discriminator's dense layer; the paper has 1024.
        norm_g: ``"batch"`` or ``"none"``, after each layer of the generator but the last.
        norm_d: after each convolution of the discriminator but the first: ``"batch"`` as in the paper, ``"layer"``,
            ``"none"``, or ``"spectral"`` on all weights. ``"auto"`` is settled as in ``dcgan``: ``"layer"`` under a
            gradient penalty, ``"batch"`` otherwise.
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
        max_width: int = 512,
        hidden: int = 1024,
        norm_g: str = "batch",
        norm_d: str = "auto",
        condition: str = "none",
    ) -> None:
        self.width, self.width_d, self.max_width = checked_widths(width, width_d, max_width)
        self.hidden = whole_number("hidden", hidden, at_least=1)
        self.norm_g = one_of("norm_g", norm_g, NORMS_G)
        self.norm_d = one_of("norm_d", norm_d, NORMS_D)
        self.condition = one_of("condition", condition, tuple(CONDITIONS))

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        """Return networks for images of ``shape`` (C, S, S), of ``classes`` classes unless ``condition`` is none."""
        channels, side = self.image(shape, latent_dim)
        plan = widths(side, self.width, self.max_width)
        generator = with_one_hot(Generator(channels, latent_dim + classes, plan, self.norm_g), classes)
        plan = widths(side, self.width_d, self.max_width)
        backbone = Discriminator(channels, plan, self.hidden, self.feature_norm)
        discriminator = condition_discriminator(backbone, self.condition, self.hidden, classes)
        spectral = [discriminator] if self.norm_d == "spectral" else []
        return drawn(generator, discriminator, initialise, spectral=spectral)
