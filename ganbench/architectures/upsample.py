"""Nearest-neighbour upsampling and a convolution in place of each transposed convolution.

Odena, Dumoulin & Olah 2016, "Deconvolution and Checkerboard Artifacts", Distill, doi:10.23915/distill.00003. A kernel
that does not divide evenly by its stride, or learns not to, paints a checkerboard; resizing first cannot. All else is
DCGAN's, the discriminator included.
"""

import itertools

from torch import Tensor, nn

from ganbench.architectures.dcgan import DCGAN, NORM_LAYERS


class Generator(nn.Module):
    """(N, latent_dim) to images (N, channels, side, side) in [-1, 1]."""

    def __init__(self, channels: int, latent_dim: int, plan: list[int], norm: str) -> None:
        super().__init__()
        bias = norm != "batch"  # a batch norm would subtract it
        self.project = nn.Linear(latent_dim, plan[-1] * 4 * 4, bias=bias)
        self.input = nn.Sequential(nn.Unflatten(1, (plan[-1], 4, 4)), NORM_LAYERS[norm](plan[-1]), nn.ReLU())
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Upsample(scale_factor=2, mode="nearest"),
                    nn.Conv2d(wide, narrow, 3, padding=1, bias=bias),
                    NORM_LAYERS[norm](narrow),
                    nn.ReLU(),
                )
                for narrow, wide in reversed([*itertools.pairwise(plan)])
            )
        )
        self.output = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(plan[0], channels, 3, padding=1), nn.Tanh()
        )

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.output(self.blocks(self.input(self.project(z))))
        return images


class Upsample(DCGAN):
    """DCGAN with a generator that resizes and convolves, for square images with a power-of-two side from 16 to 128 and
    any number of channels. The parameters are those of ``dcgan``.

    Raises:
        ValueError: a parameter out of range.
    """

    def generator(self, channels: int, inputs: int, plan: list[int]) -> nn.Module:
        """Return the generator (N, inputs) to images (N, channels, S, S) of the widths in ``plan``."""
        return Generator(channels, inputs, plan, self.norm_g)
