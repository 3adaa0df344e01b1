"""DCGAN with 5×5 kernels, as the TensorFlow code has it that most comparisons ran as "DCGAN".

The method is that of Radford, Metz and Chintala 2016 (arXiv:1511.06434); the layout that of
github.com/carpedm20/DCGAN-tensorflow. PacGAN's experiments with images (Lin et al. 2018, arXiv:1712.04086, section
4.2) pack its discriminator.
"""

import math

import torch
from torch import Tensor, nn

from ganbench.api import Networks
from ganbench.architectures.checks import one_of, whole_number
from ganbench.architectures.dcgan import NORM_LAYERS, SLOPE, STD
from ganbench.architectures.traits import NORMS_D, DiscriminatorNorm, drawn

KERNEL = 5
STRIDE = 2
STAGES = 4
"""The sides are halved so often, whatever they are."""
CUT = 2

Size = tuple[int, int]


def halved(side: int) -> int:
    """Return half of a side, rounded up: what a convolution of stride 2 with ``SAME`` padding leaves of it."""
    return -(-side // STRIDE)


def same_padding(side: int) -> tuple[int, int]:
    """Return the zeros before and after a side with which a convolution leaves :func:`halved` of it.

    TensorFlow's ``SAME``: as few zeros as it takes, the odd one behind. An odd side gets two and two, an even one one
    and two.
    """
    total = (halved(side) - 1) * STRIDE + KERNEL - side
    return total // 2, total - total // 2


class Down(nn.Sequential):
    """Maps (N, narrow, H, W) to (N, wide, ⌈H/2⌉, ⌈W/2⌉)."""

    def __init__(self, narrow: int, wide: int, size: Size, *, bias: bool = True) -> None:
        height, width = (same_padding(side) for side in size)
        super().__init__(nn.ZeroPad2d((*width, *height)), nn.Conv2d(narrow, wide, KERNEL, STRIDE, bias=bias))


class Up(nn.Module):
    """Maps (N, wide, ⌈H/2⌉, ⌈W/2⌉) to (N, narrow, H, W): the gradient of :class:`Down` with respect to its input."""

    def __init__(self, wide: int, narrow: int, size: Size, *, bias: bool = True) -> None:
        super().__init__()
        self.size = size
        height, width = (same_padding(side)[0] for side in size)
        self.convolution = nn.ConvTranspose2d(wide, narrow, KERNEL, STRIDE, (height, width), bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        height, width = self.size
        # As much is cut off behind as before; where one more has to go behind, it goes here.
        maps: Tensor = self.convolution(x)[:, :, :height, :width]
        return maps


class Generator(nn.Module):
    """(N, latent_dim) to images (N, channels, H, W) in [-1, 1].

    ``sizes`` are those of the image and of its halves, down to what ``latent_dim`` is projected to.
    """

    def __init__(self, channels: int, latent_dim: int, sizes: list[Size], width: int) -> None:
        super().__init__()
        plan = [width << stage for stage in range(STAGES)]
        height, wide = sizes[-1]
        # A batch norm would subtract a bias.
        self.project = nn.Linear(latent_dim, plan[-1] * height * wide, bias=False)
        self.input = nn.Sequential(nn.Unflatten(1, (plan[-1], height, wide)), nn.BatchNorm2d(plan[-1]), nn.ReLU())
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    Up(plan[stage], plan[stage - 1], sizes[stage], bias=False),
                    nn.BatchNorm2d(plan[stage - 1]),
                    nn.ReLU(),
                )
                for stage in range(STAGES - 1, 0, -1)
            )
        )
        self.output = nn.Sequential(Up(plan[0], channels, sizes[0]), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.output(self.blocks(self.input(self.project(z))))
        return images


class Discriminator(nn.Module):
    """Images (N·pack, channels, H, W) to raw outputs (N,): those numbered i·pack to (i+1)·pack - 1 are judged together
    by output i, as one image of their channels, one after the other. The first layer has no norm."""

    def __init__(self, channels: int, sizes: list[Size], width: int, norm: str, pack: int) -> None:
        super().__init__()
        self.pack = pack
        plan = [width << stage for stage in range(STAGES)]
        bias = norm != "batch"
        height, wide = sizes[-1]
        self.input = nn.Sequential(Down(channels * pack, plan[0], sizes[0]), nn.LeakyReLU(SLOPE))
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    Down(plan[stage - 1], plan[stage], sizes[stage], bias=bias),
                    NORM_LAYERS[norm](plan[stage]),
                    nn.LeakyReLU(SLOPE),
                )
                for stage in range(1, STAGES)
            )
        )
        self.output = nn.Linear(plan[-1] * height * wide, 1)

    def forward(self, x: Tensor) -> Tensor:
        if len(x) % self.pack:
            raise ValueError(f"{len(x)} samples cannot be packed in groups of {self.pack}")
        _, channels, height, width = x.shape
        maps = self.blocks(self.input(x.reshape(-1, self.pack * channels, height, width)))
        raw: Tensor = self.output(maps.flatten(1))
        return raw.squeeze(1)


def truncated_normal(weight: Tensor) -> None:
    """Draw from N(0, 0.02²) without what lies beyond :data:`CUT` deviations, in place."""
    # By the inverse of the distribution function: torch's own draws anew until all fit, which decides by values.
    share = math.erf(CUT / math.sqrt(2))
    weight.uniform_(-share, share).erfinv_().mul_(STD * math.sqrt(2)).clamp_(-CUT * STD, CUT * STD)


@torch.no_grad()
def initialise(network: nn.Module) -> None:
    """Draw weights from N(0, 0.02²), those of convolutions without what lies beyond two deviations, as the code does;
    transposed convolutions are not cut. Biases are 0 and the scales of norms 1."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            if isinstance(layer, nn.Conv2d):
                truncated_normal(layer.weight)
            else:
                layer.weight.normal_(0.0, STD)
            if layer.bias is not None:
                layer.bias.zero_()


class DCGAN5x5(DiscriminatorNorm):
    """DCGAN with 5×5 kernels and TensorFlow's ``SAME`` padding, after a widely used TensorFlow code
    (github.com/carpedm20/DCGAN-tensorflow): what "DCGAN" is in many published comparisons, PacGAN's among them. For
    images with sides from 16 to 128, MNIST's 28 among them, and any number of channels. It is unconditional.

    Four convolutions of stride 2 halve the sides, rounding up (28, 14, 7, 4, 2), and double the width each; the
    generator mirrors them. ``dcgan`` has 4×4 kernels and halves a side down to 4. The layers that a batch norm follows
    have no biases here, as it would subtract them.

    A gradient penalty speaks of one image's gradient and is refused where ``pack`` is above 1.

    Args:
        pack: images that the discriminator judges together, concatenated in channels; 1 is DCGAN, 2 PacDCGAN2, and so
            on. An update shows the discriminator ``batch_size * pack`` images of each kind.
        width: channels at half the image's sides; twice as many at each further halving.
        width_d: the discriminator's; 0 is as the generator's.
        norm_d: after each layer of the discriminator but the first and the last: ``"batch"``, ``"layer"``,
            ``"none"``, or ``"spectral"`` for spectral normalisation of the weights of all layers. ``"auto"`` is
            settled as in ``dcgan``: ``"layer"`` under a gradient penalty, ``"batch"`` otherwise.

    Raises:
        ValueError: a parameter out of range.
    """

    kinds = ("image",)
    sizes = (16, 128)

    def __init__(self, *, pack: int = 1, width: int = 64, width_d: int = 0, norm_d: str = "auto") -> None:
        self.pack = whole_number("pack", pack, at_least=1, at_most=64)
        self.width = whole_number("width", width, at_least=1, at_most=4096)
        self.width_d = whole_number("width_d", width_d, at_least=0, at_most=4096) or self.width
        self.norm_d = one_of("norm_d", norm_d, NORMS_D)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        """Return networks for images of ``shape`` (C, H, W)."""
        low, high = self.sizes
        if len(shape) != 3 or shape[0] < 1 or not all(low <= side <= high for side in shape[1:]):
            raise ValueError(f"dcgan5x5 makes images with sides from {low} to {high}, not {'x'.join(map(str, shape))}")
        whole_number("latent_dim", latent_dim, at_least=1)
        channels, height, width = shape
        sizes = [(height, width)]
        for _ in range(STAGES):
            sizes.append((halved(sizes[-1][0]), halved(sizes[-1][1])))
        generator = Generator(channels, latent_dim, sizes, self.width)
        discriminator = Discriminator(channels, sizes, self.width_d, self.feature_norm, self.pack)
        spectral = [discriminator] if self.norm_d == "spectral" else []
        return drawn(generator, discriminator, initialise, spectral=spectral)
