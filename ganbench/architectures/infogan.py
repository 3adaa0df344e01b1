"""The networks of the large-scale study (Lucic et al. 2018, arXiv:1711.10337, appendix), which are InfoGAN's (Chen et
al. 2016, arXiv:1606.03657, appendix C): two dense layers and two convolutions each."""

from typing import ClassVar

from torch import Tensor, nn

from ganbench.api import Networks
from ganbench.architectures.checks import one_of, whole_number
from ganbench.architectures.conditional import CONDITIONS, Backbone, condition_discriminator, with_one_hot
from ganbench.architectures.dcgan import NORM_LAYERS, SLOPE, initialise
from ganbench.architectures.traits import NORMS_D, Conditional, DiscriminatorNorm, drawn

FACTOR = 4
"""Both convolutions together divide or multiply the sides by this."""


def dense_norm(norm: str, width: int) -> nn.Module:
    """Return the norm of features (N, width)."""
    if norm == "batch":
        return nn.BatchNorm1d(width)
    return nn.LayerNorm(width) if norm == "layer" else nn.Identity()


class Generator(nn.Module):
    """(N, latent_dim) to images (N, C, H, W) in [-1, 1]. (The study's, in [0, 1], end with a sigmoid.)"""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int, hidden: int) -> None:
        super().__init__()
        channels, height, wide = shape[0], shape[1] // FACTOR, shape[2] // FACTOR
        maps = 2 * width
        self.dense = nn.Sequential(
            nn.Linear(latent_dim, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Linear(hidden, maps * height * wide, bias=False),
            nn.BatchNorm1d(maps * height * wide),
            nn.ReLU(),
            nn.Unflatten(1, (maps, height, wide)),
        )
        self.blocks = nn.Sequential(
            nn.ConvTranspose2d(maps, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.output = nn.Sequential(nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.output(self.blocks(self.dense(z)))
        return images


class Discriminator(Backbone):
    """Images (N, C, H, W) to raw outputs (N,). The first layer has no norm."""

    def __init__(self, shape: tuple[int, ...], width: int, hidden: int, norm: str) -> None:
        super().__init__()
        bias = norm != "batch"  # a batch norm would subtract it
        maps = 2 * width
        self.blocks = nn.Sequential(
            nn.Conv2d(shape[0], width, 4, 2, 1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, maps, 4, 2, 1, bias=bias),
            NORM_LAYERS[norm](maps),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
            nn.Linear(maps * (shape[1] // FACTOR) * (shape[2] // FACTOR), hidden, bias=bias),
            dense_norm(norm, hidden),
            nn.LeakyReLU(SLOPE),
        )
        self.output = nn.Linear(hidden, 1)

    def features(self, x: Tensor) -> Tensor:
        """Return the dense layer's features (N, hidden)."""
        features: Tensor = self.blocks(x)
        return features

    def judge(self, features: Tensor) -> Tensor:
        """Return the raw outputs (N,) for the dense layer's features."""
        raw: Tensor = self.output(features)
        return raw.squeeze(1)


class InfoGAN(Conditional, DiscriminatorNorm):
    """The networks of the large-scale study, for images with sides that are multiples of 4 from 8 to 128 (MNIST's 28
    among them) and any number of channels. The defaults are the study's.

    Args:
        width: channels at half the image's sides; twice as many at a quarter.
        hidden: units of the dense layers.
        norm_d: after the second convolution and the dense layer of the discriminator: ``"batch"``, ``"layer"``,
            ``"none"``, or ``"spectral"`` on all weights. ``"auto"`` is settled as in ``dcgan``: ``"layer"`` under a
            gradient penalty, ``"batch"`` otherwise.
        condition: ``"none"``; ``"projection"`` (Miyato & Koyama 2018, arXiv:1802.05637) or ``"classifier"`` (AC-GAN,
            arXiv:1610.09585) for a class-conditional discriminator, each with the class as one-hot beside z.

    Raises:
        ValueError: a parameter out of range.
    """

    kinds = ("image",)
    sizes: ClassVar[tuple[int, int]] = (8, 128)

    def __init__(self, *, width: int = 64, hidden: int = 1024, norm_d: str = "auto", condition: str = "none") -> None:
        self.width = whole_number("width", width, at_least=1, at_most=4096)
        self.hidden = whole_number("hidden", hidden, at_least=1)
        self.norm_d = one_of("norm_d", norm_d, NORMS_D)
        self.condition = one_of("condition", condition, tuple(CONDITIONS))

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        """Return networks for images of ``shape`` (C, H, W), of ``classes`` classes unless ``condition`` is none."""
        low, high = self.sizes
        if len(shape) != 3 or shape[0] < 1 or any(side % FACTOR or not low <= side <= high for side in shape[1:]):
            raise ValueError(
                f"infogan makes images with sides that are multiples of {FACTOR} from {low} to {high}, not "
                f"{'x'.join(map(str, shape))}"
            )
        whole_number("latent_dim", latent_dim, at_least=1)
        generator = with_one_hot(Generator(shape, latent_dim + classes, self.width, self.hidden), classes)
        backbone = Discriminator(shape, self.width, self.hidden, self.feature_norm)
        discriminator = condition_discriminator(backbone, self.condition, self.hidden, classes)
        spectral = [discriminator] if self.norm_d == "spectral" else []
        return drawn(generator, discriminator, initialise, spectral=spectral)
