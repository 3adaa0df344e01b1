"""Networks that cannot be trained as they are built, or not with every batch, are caught."""

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Networks
from ganbench.testing import check
from tests.kit import assert_caught, failed
from tests.kit.architectures import NO_EXPORT, Right, ToImage, ToOutput, with_discriminator, with_generator


class Grouped(ToOutput):
    """The deviation within groups of four samples, as in a progressive discriminator."""

    def forward(self, x: Tensor) -> Tensor:
        groups = x.view(min(4, len(x)), -1, *x.shape[1:])
        return super().forward(x) + groups.std(0, unbiased=False).mean()


class OfGroups(Right):
    """Says that samples depend on one another."""

    @property
    def batch_norm_in_discriminator(self) -> bool:
        return True

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return Grouped(shape)


class DropsOne(ToImage):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z).squeeze(0)


class Shared(Right):
    """Both networks have one bias."""

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        generator, discriminator = super().build(shape, latent_dim)
        assert isinstance(generator, ToImage)
        assert isinstance(discriminator, ToOutput)
        discriminator.hidden.bias = generator.hidden.bias
        return Networks(generator, discriminator)


class Kept(Right):
    """Builds once."""

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        self.built = getattr(self, "built", None) or super().build(shape, latent_dim)
        return self.built


class Asleep(Right):
    """Networks as they were saved."""

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return ToOutput(shape).eval()


class OldSpectral(ToOutput):
    """Right: the older spectral norm, whose weight is no leaf after a step."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        nn.utils.spectral_norm(self.hidden)


class FrozenPart(ToImage):
    """Right: a part of it is kept in eval mode and has weights that are not trained."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape, latent_dim)
        dropout = nn.Dropout(0.5)
        self.map = nn.Sequential(nn.Linear(latent_dim, latent_dim), dropout).requires_grad_(False)
        dropout.p = 0.0

    def train(self, mode: bool = True) -> "FrozenPart":
        super().train(mode)
        self.map.eval()
        return self

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(torch.tanh(self.map(z)))


WRONG: list[tuple[type[Architecture], str, str]] = [
    (OfGroups, "any-batch", "the discriminator fails on a batch of 7"),
    (with_generator(DropsOne, "A bare squeeze."), "any-batch", "returns shape (1, 8, 8) for a batch of 1"),
    (Shared, "apart", "generator and discriminator share weights"),
    (Kept, "apart", "build() returns the same networks again"),
    (Asleep, "apart", "build() returns the discriminator in eval mode"),
]


@pytest.mark.parametrize(("architecture", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_architecture_is_caught_by_name(architecture: type[Architecture], name: str, words: str) -> None:
    assert_caught(architecture, name, words)


@pytest.mark.parametrize(
    "architecture",
    [
        with_discriminator(OldSpectral, "An older norm.", spectral_norm_in_discriminator=True),
        with_generator(FrozenPart, "A frozen part."),
    ],
    ids=lambda one: one.__name__,
)
def test_an_unusual_architecture_passes(architecture: type[Architecture]) -> None:
    assert failed(check(architecture, skip=NO_EXPORT)) == {}
