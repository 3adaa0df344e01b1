"""Generators that mix samples up, or the sides of an image, are caught; unusual ones that do neither are not."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ganbench.api import Architecture, Networks
from ganbench.testing import check
from tests.kit import assert_caught, failed
from tests.kit.architectures import NO_EXPORT, Right, ToImage, ToOutput, with_generator


class Reversed(ToImage):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z).flip(0)


class Sorted(ToImage):
    """Brightest first."""

    def forward(self, z: Tensor) -> Tensor:
        found = super().forward(z)
        return found[found.flatten(1).mean(1).argsort(descending=True)]


class LastSwapped(ToImage):
    """The last two samples of a batch change places."""

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(torch.cat([z[:-2], z[-2:].flip(0)]))


class Transposed(Right):
    """Takes the width for the height."""

    power_of_two = False

    def generator(self, shape: tuple[int, ...], latent_dim: int) -> nn.Module:
        return ToImage((shape[0], shape[2], shape[1]), latent_dim)


class SquareOnly(Transposed):
    """Right: says that its images are square."""

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        if len(shape) != 3 or shape[1] != shape[2]:
            raise ValueError(f"it makes square images, not {shape}")
        return super().build(shape, latent_dim)


class Oblong(Right):
    """Right: makes images of any two sides."""

    power_of_two = False


class OnSphere(ToImage):
    """Right: projects its latents to a hypersphere."""

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(normalize(z, dim=1) * z.shape[1] ** 0.5)


class TrainingNoise(ToImage):
    """Right: noise while it trains, and its mean in eval mode."""

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z + 0.1 * torch.randn_like(z) if self.training else z)


class FixedNoise(ToImage):
    """Right: in eval mode the noise is a buffer, as StyleGAN's is."""

    noise: Tensor

    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape, latent_dim)
        self.register_buffer("noise", torch.randn(1, latent_dim))

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z + (torch.randn_like(z) if self.training else self.noise))


class AlwaysNoisy(ToImage):
    """Right where it says so: draws noise in eval mode, too, as StyleGAN does unless it is told otherwise."""

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z + 0.1 * torch.randn_like(z))


class OnlyNoise(ToImage):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(torch.randn_like(z))


class OwnStream(ToImage):
    """Draws it from a stream that nobody seeds anew."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape, latent_dim)
        self.stream = np.random.RandomState(0)

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z + torch.from_numpy(self.stream.standard_normal(z.shape)).to(z))


class SeveralHeads(ToOutput):
    """Right: the mean of several judgements is one raw output."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        self.heads = nn.ModuleList(nn.Linear(8, 1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        h = nn.functional.leaky_relu(self.hidden(x.flatten(1)), 0.2)
        return torch.cat([self.output(h), *(head(h) for head in self.heads)], dim=1).mean(1)


class ManyHeads(Right):
    """With several heads."""

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return SeveralHeads(shape)


MIXING = [with_generator(one, "Mixes.") for one in (Reversed, Sorted, LastSwapped)]
UNUSUAL = [
    SquareOnly,
    Oblong,
    ManyHeads,
    *(with_generator(one, "Right.") for one in (OnSphere, TrainingNoise, FixedNoise)),
]


@pytest.mark.parametrize("architecture", MIXING, ids=lambda one: one.__name__)
def test_a_sample_is_that_of_its_own_latent(architecture: type[Architecture]) -> None:
    assert_caught(architecture, "evaluation", "a sample depends on the others in its batch")


def test_height_and_width_are_told_apart() -> None:
    words = "the generator for samples (1, 12, 8) returns (1, 8, 12)"
    assert_caught(Transposed, "shapes", words)


@pytest.mark.parametrize("architecture", UNUSUAL, ids=lambda one: one.__name__)
def test_an_unusual_architecture_passes(architecture: type[Architecture]) -> None:
    assert failed(check(architecture, skip=NO_EXPORT)) == {}


def test_noise_in_eval_mode_is_to_be_declared() -> None:
    noisy = with_generator(AlwaysNoisy, "Noisy.")
    assert_caught(noisy, "evaluation", "say expected = {'noise': True}")
    assert failed(check(noisy, skip=NO_EXPORT, noise=True)) == {}


@pytest.mark.parametrize(
    ("network", "words"),
    [(OnlyNoise, "z is not used"), (OwnStream, "with the same seed, too; no score could be repeated")],
)
def test_declared_noise_comes_beside_z_and_from_the_seed(network: type[nn.Module], words: str) -> None:
    assert_caught(with_generator(network, "Noisy."), "evaluation", words, noise=True)
