"""SNGAN's plain convolutional networks (Miyato, Kataoka, Koyama and Yoshida 2018, arXiv:1802.05957, table 3), and the
SNDCGAN made of them by the large-scale study (Kurach et al. 2019, arXiv:1807.04720), whose discriminator is wider."""

import itertools

import torch
from torch import Tensor, nn

from ganbench.api import Networks
from ganbench.architectures.checks import one_of, switch
from ganbench.architectures.conditional import CONDITIONS, Backbone, condition_discriminator, with_one_hot
from ganbench.architectures.dcgan import initialise
from ganbench.architectures.traits import Conditional, SpectralNorm, SquareImages, checked_widths, drawn

SLOPE = 0.1


def widths(side: int, width: int, max_width: int) -> list[int]:
    """Return the channels at ``side``, side/2, ..., 4: ``width`` doubled at each, at most ``max_width``."""
    return [min(width << stage, max_width) for stage in range(side.bit_length() - 2)]


class Generator(nn.Module):
    """(N, latent_dim) to images (N, channels, side, side) in [-1, 1]."""

    def __init__(self, channels: int, latent_dim: int, plan: list[int]) -> None:
        super().__init__()
        self.project = nn.Linear(latent_dim, plan[-1] * 4 * 4, bias=False)
        self.input = nn.Sequential(nn.Unflatten(1, (plan[-1], 4, 4)), nn.BatchNorm2d(plan[-1]), nn.ReLU())
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False), nn.BatchNorm2d(narrow), nn.ReLU())
                for narrow, wide in reversed([*itertools.pairwise(plan)])
            )
        )
        self.output = nn.Conv2d(plan[0], channels, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.output(self.blocks(self.input(self.project(z)))))


class Discriminator(Backbone):
    """Images (N, channels, side, side) to raw outputs (N,): 3×3 at one side, 4×4 with stride 2 to the next, 3×3 at
    4×4, a dense layer over all positions. No norm of features. The width grows in the strided convolutions or, not
    ``early``, in the 3×3 ones after them."""

    def __init__(self, channels: int, plan: list[int], *, early: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, plan[0], 3, padding=1), nn.LeakyReLU(SLOPE)]
        for narrow, wide in itertools.pairwise(plan):
            strided = wide if early else narrow
            layers += [nn.Conv2d(narrow, strided, 4, 2, 1), nn.LeakyReLU(SLOPE)]
            layers += [nn.Conv2d(strided, wide, 3, padding=1), nn.LeakyReLU(SLOPE)]
        self.blocks = nn.Sequential(*layers)
        self.output = nn.Linear(plan[-1] * 4 * 4, 1)

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature map (N, width, 4, 4)."""
        maps: Tensor = self.blocks(x)
        return maps

    def judge(self, features: Tensor) -> Tensor:
        """Return the raw outputs (N,) for a last feature map."""
        raw: Tensor = self.output(features.flatten(1))
        return raw.squeeze(1)


class SNDCGAN(Conditional, SquareImages, SpectralNorm):
    """SNGAN's convolutional networks for square images with a power-of-two side from 16 to 128 and any number of
    channels. At 32×32 and ``width=64`` the generator is that of SNGAN's table 3. The discriminator is that of the
    large-scale study (arXiv:1807.04720), of 64, 128, 128, 256, 256, 512 and 512 channels; with ``plan=paper`` it is
    SNGAN's own, of 64, 64, 128, 128, 256, 256 and 512, which has half of the parameters.

    Beside a gradient penalty or weight clipping, which bound the discriminator too, it has no spectral norm unless
    ``spectral_norm=true`` asks for it.

    Args:
        width: the channels at the image's own side in both networks, doubled at each halving. The papers have 64; the
            default lets a CPU follow.
        max_width: no layer has more channels than this; the papers' stop at 512.
        plan: where the discriminator's width is doubled: ``"study"``, in the convolutions that halve the side;
            ``"paper"``, in those after them.
        spectral_norm: whether the weights of all layers of the discriminator are divided by their largest singular
            value. ``"auto"`` is settled to false under a gradient penalty and under weight clipping, each of which
            bounds the discriminator by itself, and to true otherwise.
        condition: ``"none"``; ``"projection"`` (Miyato & Koyama 2018, arXiv:1802.05637) or ``"classifier"`` (AC-GAN,
            arXiv:1610.09585) for a class-conditional discriminator, each with the class as one-hot beside z.

    Raises:
        ValueError: a parameter out of range.
    """

    def __init__(
        self,
        *,
        width: int = 32,
        max_width: int = 512,
        plan: str = "study",
        spectral_norm: bool | str = "auto",
        condition: str = "none",
    ) -> None:
        self.width, _, self.max_width = checked_widths(width, 0, max_width)
        self.plan = one_of("plan", plan, ("study", "paper"))
        self.spectral_norm = switch("spectral_norm", spectral_norm)
        self.condition = one_of("condition", condition, tuple(CONDITIONS))

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        """Return networks for images of ``shape`` (C, S, S), of ``classes`` classes unless ``condition`` is none."""
        channels, side = self.image(shape, latent_dim)
        plan = widths(side, self.width, self.max_width)
        generator = with_one_hot(Generator(channels, latent_dim + classes, plan), classes)
        backbone = Discriminator(channels, plan, early=self.plan == "study")
        discriminator = condition_discriminator(backbone, self.condition, plan[-1], classes)
        spectral = [discriminator] if self.spectral_norm_in_discriminator else []
        return drawn(generator, discriminator, initialise, spectral=spectral)
