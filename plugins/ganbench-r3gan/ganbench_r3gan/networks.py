"""R3GAN's networks (Huang et al. 2024, arXiv:2501.05441, section 3): residual, without any normalisation.

A block is 1x1 up by an inverted bottleneck, LeakyReLU, grouped 3x3, LeakyReLU, 1x1 down, added to its input, with no
activation after the sum. Weights are scaled for depth as in Fixup, the last of each block starts at zero. The stages
change the side with the filter [1, 3, 3, 1] and the width by a 1x1 convolution. Biases stand before activations only.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganbench.api import Architecture, Networks

SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))
SMALLEST = 4


def scaled(layer: nn.Conv2d | nn.Linear, gain: float) -> nn.Conv2d | nn.Linear:
    """Return the layer with weights from N(0, gain^2 / fan_in), and no bias where it has one."""
    fan_in = layer.weight[0].numel()
    with torch.no_grad():
        if gain == 0:
            layer.weight.zero_()
        else:
            layer.weight.normal_(0.0, gain / math.sqrt(fan_in))
        if layer.bias is not None:
            layer.bias.zero_()
    return layer


class BiasedActivation(nn.Module):
    """LeakyReLU after a bias per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.leaky_relu(x + self.bias.view(1, -1, 1, 1), SLOPE)


class Block(nn.Module):
    """x + 1x1(act(grouped 3x3(act(1x1(x))))): (N, C, H, W) to the same shape.

    ``depth`` is the number of blocks in the network, by which the weights of each are scaled down, as in Fixup.
    """

    def __init__(self, channels: int, group_size: int, expansion: int, depth: int) -> None:
        super().__init__()
        inner = channels * expansion
        scale = GAIN * depth ** (-1 / 4)
        self.up = scaled(nn.Conv2d(channels, inner, 1, bias=False), scale)
        self.act1 = BiasedActivation(inner)
        self.mix = scaled(nn.Conv2d(inner, inner, 3, padding=1, groups=inner // group_size, bias=False), scale)
        self.act2 = BiasedActivation(inner)
        self.down = scaled(nn.Conv2d(inner, channels, 1, bias=False), 0)

    def forward(self, x: Tensor) -> Tensor:
        branch: Tensor = self.down(self.act2(self.mix(self.act1(self.up(x)))))
        return x + branch


class Resampling(nn.Module):
    """The filter [1, 3, 3, 1] / 8 along both sides, and a 1x1 convolution where the width changes.

    Beyond the border are zeros, as in the authors' code; bilinear interpolation, which is the same inside, repeats or
    leaves out. A convolution, unlike interpolation on a GPU, has gradients that are the same every time.
    """

    kernel: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.width = scaled(nn.Conv2d(inputs, outputs, 1, bias=False), 1.0) if inputs != outputs else nn.Identity()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", torch.outer(taps, taps), persistent=False)

    def kernels(self, x: Tensor) -> Tensor:
        """The filter for each channel of (N, C, H, W): (C, 1, 4, 4)."""
        return self.kernel.expand(x.shape[1], 1, -1, -1)


class Up(Resampling):
    """Doubles the side, after the 1x1 convolution: the two commute."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.width(x)
        # Zeros stand between the samples: three of four products are with them, hence the 4.
        return functional.conv_transpose2d(x, 4 * self.kernels(x), stride=2, padding=1, groups=x.shape[1])


class Down(Resampling):
    """Halves the side, before the 1x1 convolution."""

    def forward(self, x: Tensor) -> Tensor:
        halved: Tensor = self.width(functional.conv2d(x, self.kernels(x), stride=2, padding=1, groups=x.shape[1]))
        return halved


class Generator(nn.Module):
    """(N, latent_dim) to images (N, channels, side, side) in [-1, 1]."""

    def __init__(
        self, channels: int, latent_dim: int, plan: list[int], *, blocks: int, group_size: int, expansion: int
    ) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(plan[0], SMALLEST, SMALLEST))
        self.project = scaled(nn.Linear(latent_dim, plan[0], bias=False), 1.0)
        depth = blocks * len(plan)
        layers: list[nn.Module] = []
        for number, width in enumerate(plan):
            if number:
                layers.append(Up(plan[number - 1], width))
            layers += [Block(width, group_size, expansion, depth) for _ in range(blocks)]
        self.layers = nn.Sequential(*layers)
        self.output = scaled(nn.Conv2d(plan[-1], channels, 1, bias=False), 1.0)

    def forward(self, z: Tensor) -> Tensor:
        x = self.basis.unsqueeze(0) * self.project(z)[:, :, None, None]
        # The authors leave images unbounded; ganbench's are in [-1, 1].
        return torch.tanh(self.output(self.layers(x)))


class Discriminator(nn.Module):
    """Images (N, channels, side, side) to raw outputs (N,), through a learned 4x4 kernel per channel."""

    def __init__(self, channels: int, plan: list[int], *, blocks: int, group_size: int, expansion: int) -> None:
        super().__init__()
        self.input = scaled(nn.Conv2d(channels, plan[0], 1, bias=False), 1.0)
        depth = blocks * len(plan)
        layers: list[nn.Module] = []
        for number, width in enumerate(plan):
            layers += [Block(width, group_size, expansion, depth) for _ in range(blocks)]
            if number + 1 < len(plan):
                layers.append(Down(width, plan[number + 1]))
        self.layers = nn.Sequential(*layers)
        self.kernel = scaled(nn.Conv2d(plan[-1], plan[-1], SMALLEST, groups=plan[-1], bias=False), 1.0)
        self.output = scaled(nn.Linear(plan[-1], 1, bias=False), 1.0)

    def forward(self, x: Tensor) -> Tensor:
        raw: Tensor = self.output(self.kernel(self.layers(self.input(x))).flatten(1))
        return raw.squeeze(1)


class R3GANNetworks(Architecture):
    """R3GAN's generator and discriminator for square images with a power-of-two side from 8 to 256.

    The discriminator has no batch norm, so gradient penalties mean what they say.

    Args:
        width: channels at the full side; doubled at each halving. The paper's CIFAR-10 networks have 768 at every
            side, which needs a GPU.
        max_width: no stage is wider than this.
        blocks: residual blocks in each stage; the paper has 2.
        group_size: inner channels in each group of the 3x3 convolutions; the paper has 16 (96 groups of 1536).
        expansion: of the inverted bottleneck; the paper has 2.

    Raises:
        ValueError: a parameter out of range.
    """

    kinds = ("image",)
    sizes = (8, 256)
    power_of_two = True

    def __init__(
        self, width: int = 32, max_width: int = 768, blocks: int = 1, group_size: int = 8, expansion: int = 2
    ) -> None:
        for name, value in (("width", width), ("max_width", max_width), ("blocks", blocks), ("expansion", expansion)):
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1")
        if group_size < 1 or width * expansion % group_size or max_width * expansion % group_size:
            raise ValueError(f"group_size={group_size} must divide width and max_width times expansion")
        self.width, self.max_width, self.blocks = width, max_width, blocks
        self.group_size, self.expansion = group_size, expansion

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        """Return networks for images of ``shape`` (C, S, S)."""
        low, high = self.sizes
        square = len(shape) == 3 and shape[1] == shape[2]
        if not square or not low <= shape[1] <= high or shape[1] & (shape[1] - 1):
            raise ValueError(f"r3gan makes square images with a power-of-two side from {low} to {high}, not {shape}")
        channels, side, _ = shape
        stages = int(math.log2(side // SMALLEST)) + 1
        plan = [min(self.width << stage, self.max_width) for stage in range(stages)]
        options = {"blocks": self.blocks, "group_size": self.group_size, "expansion": self.expansion}
        return Networks(
            Generator(channels, latent_dim, plan[::-1], **options), Discriminator(channels, plan, **options)
        )
