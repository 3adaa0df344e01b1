"""SAGAN: residual networks with self-attention and spectral normalisation of both players (Zhang, Goodfellow, Metaxas &
Odena 2019, arXiv:1805.08318)."""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganbench.api import Networks
from ganbench.architectures.checks import one_of, switch, whole_number
from ganbench.architectures.conditional import CONDITIONS, Backbone, condition_discriminator
from ganbench.architectures.resnet import DownBlock, UpBlock, discriminator_plan, generator_widths, initialise
from ganbench.architectures.traits import Conditional, SpectralNorm, SquareImages, checked_widths, drawn

FARTHEST = 32
"""The paper's best place for attention: feature maps of this side, in both networks."""


class SelfAttention(nn.Module):
    """x + gamma * out(attention(x)) on maps (N, C, S, S), S even; gamma starts at 0.

    Every position looks at every second one: keys and values are max-pooled over 2×2, as in the authors' code. Keys
    and queries have C/8 channels, values C/2. The softmax is written out, since fused kernels cannot be differentiated
    twice.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow, half = max(1, channels // 8), max(1, channels // 2)
        self.query = nn.Conv2d(channels, narrow, 1, bias=False)
        self.key = nn.Conv2d(channels, narrow, 1, bias=False)
        self.value = nn.Conv2d(channels, half, 1, bias=False)
        self.out = nn.Conv2d(half, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        queries = self.query(x).flatten(2)
        keys = functional.max_pool2d(self.key(x), 2).flatten(2)
        values = functional.max_pool2d(self.value(x), 2).flatten(2)
        weights = torch.softmax(queries.transpose(1, 2) @ keys, dim=2)
        attended: Tensor = self.out((values @ weights.transpose(1, 2)).unflatten(2, x.shape[2:]))
        return x + self.gamma * attended


class Generator(nn.Module):
    """(N, latent_dim), and labels (N,) with ``classes``, to images (N, channels, side, side) in [-1, 1]."""

    def __init__(self, channels: int, latent_dim: int, plan: list[int], attention: int, classes: int) -> None:
        super().__init__()
        self.input = nn.Linear(latent_dim, 4 * 4 * plan[0])
        self.unflatten = nn.Unflatten(1, (plan[0], 4, 4))
        self.blocks = nn.ModuleList(UpBlock(inputs, outputs, classes) for inputs, outputs in itertools.pairwise(plan))
        self.place = attention.bit_length() - 4  # the first block makes 8×8
        self.attention = SelfAttention(plan[self.place + 1])
        self.norm = nn.BatchNorm2d(plan[-1])
        self.output = nn.Conv2d(plan[-1], channels, 3, padding=1)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        h = self.unflatten(self.input(z))
        for number, block in enumerate(self.blocks):
            h = block(h, labels)
            if number == self.place:
                h = self.attention(h)
        return torch.tanh(self.output(functional.relu(self.norm(h))))


class Discriminator(Backbone):
    """Images (N, channels, side, side) to raw outputs (N,), through a SUM over the last feature map."""

    def __init__(self, channels: int, side: int, plan: list[tuple[int, bool]], attention: int) -> None:
        super().__init__()
        inputs = [channels, *(outputs for outputs, _ in plan[:-1])]
        self.blocks = nn.ModuleList(
            DownBlock(width, outputs, down=down, first=number == 0)
            for number, (width, (outputs, down)) in enumerate(zip(inputs, plan, strict=True))
        )
        self.place = (side // attention).bit_length() - 2  # the first block makes half of the side
        self.attention = SelfAttention(plan[self.place][0])
        self.output = nn.Linear(plan[-1][0], 1)

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature map (N, width, h, w)."""
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number == self.place:
                x = self.attention(x)
        return functional.relu(x)

    def judge(self, features: Tensor) -> Tensor:
        """Return the raw outputs (N,) for a last feature map."""
        raw: Tensor = self.output(features.sum(dim=(2, 3)))
        return raw.squeeze(1)


class SAGAN(Conditional, SquareImages, SpectralNorm):
    """SAGAN for square images with a power-of-two side from 16 to 128 and any number of channels.

    The residual blocks are those of ``resnet``; at 128×128 and ``width=64`` widths and the place of the attention are
    the paper's, whose networks are class-conditional (``condition=projection``). The paper trains with the hinge loss
    and unequal learning rates: ``--losses hinge --set g_lr=1e-4,d_lr=4e-4``.

    Beside a gradient penalty or weight clipping, which bound the discriminator too, the generator alone has spectral
    norm (``spectral_norm=generator``) unless ``spectral_norm=true`` asks for it in both.

    Args:
        width: up to 32×32, the channels of every layer; from 64×64, those at the image's own side.
        width_d: the same for the discriminator; 0 means as the generator.
        max_width: no layer has more channels than this.
        attention: the side of the feature maps with self-attention; 0 is the paper's 32, or half of the image's side
            where that is less.
        spectral_norm: whether the weights of all layers are divided by their largest singular value: ``"true"`` of
            both networks, ``"generator"`` of the generator alone, ``"false"`` of neither. ``"auto"`` is settled to
            ``"generator"`` under a gradient penalty and under weight clipping, each of which bounds the discriminator
            by itself, and to ``"true"`` otherwise: the generator is the same beside every loss.
        condition: ``"none"``; ``"projection"`` (Miyato & Koyama 2018, arXiv:1802.05637) or ``"classifier"`` (AC-GAN,
            arXiv:1610.09585) for a class-conditional discriminator, each with conditional batch norm in the generator.

    Raises:
        ValueError: a parameter out of range.
    """

    beside_penalties = "generator"

    def __init__(
        self,
        *,
        width: int = 64,
        width_d: int = 0,
        max_width: int = 1024,
        attention: int = 0,
        spectral_norm: bool | str = "auto",
        condition: str = "none",
    ) -> None:
        self.width, self.width_d, self.max_width = checked_widths(width, width_d, max_width)
        self.attention = whole_number("attention", attention, at_least=0, at_most=64)
        self.spectral_norm = switch("spectral_norm", spectral_norm, "generator")
        self.condition = one_of("condition", condition, tuple(CONDITIONS))

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        """Return networks for images of ``shape`` (C, S, S), of ``classes`` classes unless ``condition`` is none."""
        channels, side = self.image(shape, latent_dim)
        plan = discriminator_plan(side, self.width_d, self.max_width)
        attention = self.attention or min(FARTHEST, side // 2)
        places = [side >> halvings for halvings in range(1, sum(down for _, down in plan) + 1) if side >> halvings > 4]
        if attention not in places:
            raise ValueError(
                f"attention must be the side of a feature map of both networks, for {side}x{side} one of "
                f"{', '.join(map(str, places))}, not {attention}"
            )
        widths = generator_widths(side, self.width, self.max_width)
        generator = Generator(channels, latent_dim, widths, attention, classes)
        backbone = Discriminator(channels, side, plan, attention)
        discriminator = condition_discriminator(backbone, self.condition, plan[-1][0], classes)
        spectral: list[nn.Module] = [] if self.spectral_norm == "false" else [generator]
        if self.spectral_norm_in_discriminator:
            spectral.append(discriminator)
        return drawn(generator, discriminator, initialise, spectral=spectral)
