"""Packed and conditional architectures, right ones and ones that are wrong on purpose."""

from typing import Any, ClassVar, cast

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Conditioning, Networks
from ganbench.testing import check
from tests.kit import assert_caught, failed
from tests.kit.architectures import NO_EXPORT, Right, ToImage, ToOutput


class Grouped(ToOutput):
    """Judges groups of two neighbours by their mean hidden features and the last one's first pixel."""

    def forward(self, x: Tensor) -> Tensor:
        hidden = nn.functional.leaky_relu(self.hidden(x.flatten(1)), 0.2)
        judged: Tensor = self.output(hidden.unflatten(0, (-1, 2)).mean(1))
        return judged.squeeze(1)


class Halves(Grouped):
    """Pairs the i-th sample with the i-th of the second half."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.unflatten(0, (2, -1)).transpose(0, 1).flatten(0, 1))


class FirstOnly(ToOutput):
    """Looks at the first of each group alone."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x[::2])


class Whole(Grouped):
    """Judges each group beside all the others."""

    def forward(self, x: Tensor) -> Tensor:
        judged = super().forward(x)
        return judged - judged.mean()


class Packed(Right):
    """Judges two at once."""

    pack = 2

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return Grouped(shape)


class PackedByHalves(Packed):
    """Its groups are no neighbours."""

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return Halves(shape)


class PackedFirstOnly(Packed):
    """Judges half of the samples."""

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return FirstOnly(shape)


class PackedBesideOthers(Packed):
    """Its groups are not apart."""

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return Whole(shape)


class SaysPacked(Packed):
    """Judges one by one."""

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return ToOutput(shape)


class LabelledToImage(ToImage):
    def __init__(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> None:
        super().__init__(shape, latent_dim)
        self.embedding = nn.Embedding(classes, latent_dim)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return super().forward(z + self.embedding(labels))


class DeafToImage(LabelledToImage):
    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return ToImage.forward(self, z + self.embedding.weight.sum(0))


class Projection(ToOutput):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape)
        self.embedding = nn.Embedding(classes, 8)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        hidden = nn.functional.leaky_relu(self.hidden(x.flatten(1)), 0.2)
        judged: Tensor = self.output(hidden).squeeze(1) + (self.embedding(labels) * hidden).sum(1)
        return judged


class DeafProjection(Projection):
    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        return super().forward(x, torch.zeros_like(cast(Tensor, labels))) + 0 * self.embedding.weight.sum()


class Classifier(ToOutput):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape)
        self.classes = nn.Linear(8, classes)

    def forward(self, x: Tensor) -> Any:
        hidden = nn.functional.leaky_relu(self.hidden(x.flatten(1)), 0.2)
        return self.output(hidden).squeeze(1), self.classes(hidden)


class NormedClassifier(Classifier):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        nn.utils.parametrizations.spectral_norm(self.classes)


class SquashedClassifier(Classifier):
    def forward(self, x: Tensor) -> Any:
        raw, logits = super().forward(x)
        return torch.sigmoid(raw), logits


class Conditional(Right):
    """Conditional by a projection."""

    conditioning: Conditioning = "labels"
    to_image: ClassVar[Any] = LabelledToImage
    to_output: ClassVar[Any] = Projection

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        if len(shape) != 3:
            raise ValueError("it makes images")
        return Networks(self.to_image(shape, latent_dim, classes), self.to_output(shape, classes))


class ByClassifier(Conditional):
    """Conditional by an auxiliary classifier."""

    conditioning: Conditioning = "classifier"
    to_output = Classifier


class ByNormedClassifier(ByClassifier):
    """Spectral norm in its classifier alone, which the critic does not compute with."""

    to_output = NormedClassifier


class Deaf(Conditional):
    """Its generator ignores the labels."""

    to_image = DeafToImage


class DeafCritic(Conditional):
    """Its discriminator ignores the labels."""

    to_output = DeafProjection


class Squashed(ByClassifier):
    """Its outputs are probabilities; its class logits are not."""

    to_output = SquashedClassifier


class Clamped(Projection):
    """Counts labels from 1."""

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        return super().forward(x, (cast(Tensor, labels) - 1).clamp(min=0))


class FromOne(Conditional):
    """Its discriminator cannot tell the first two classes."""

    to_output = Clamped


class OfTen(Conditional):
    """Made for ten classes."""

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        of_the_data, of_ten = (super(OfTen, self).build_conditional(shape, latent_dim, n) for n in (classes, 10))
        return Networks(of_the_data.generator, of_ten.discriminator)


class AtMostTen(OfTen):
    """The same, and says so."""

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        if classes > 10:
            raise ValueError(f"it takes at most 10 classes, not {classes}")
        return super().build_conditional(shape, latent_dim, classes)


class OfTwo(Conditional):
    """Made for two classes."""

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        return super().build_conditional(shape, latent_dim, 2)


@pytest.mark.parametrize("architecture", [Packed, Conditional, ByClassifier, ByNormedClassifier, AtMostTen])
def test_a_right_one_passes(architecture: type[Architecture]) -> None:
    assert failed(check(architecture, skip=NO_EXPORT)) == {}


@pytest.mark.parametrize("pack", [2, 3])
def test_the_built_in_passes_packed(pack: int) -> None:
    assert failed(check("architecture/pacgan", parameters={"pack": pack}, skip=NO_EXPORT)) == {}


WRONG: list[tuple[type[Architecture], str, str]] = [
    (SaysPacked, "shapes", "for 2 groups of 2 neighbours the discriminator returns shape (4,), not (2,)"),
    (PackedByHalves, "packing", "does not depend on its last sample"),
    (PackedFirstOnly, "packing", "does not depend on its last sample"),
    (PackedBesideOthers, "packing", "the output for a group of 2 depends on samples of another group"),
    (Deaf, "labels", "the generator returns the same for each of 3 labels"),
    (DeafCritic, "labels", "the discriminator returns the same for each of 3 labels"),
    (FromOne, "labels", "the discriminator returns the same for the labels 0 and 1 of 3"),
    (OfTen, "classes", "for data of 1,001 classes the discriminator fails on labels from 0 to 1,000 (IndexError"),
    (Squashed, "raw-outputs", "a sigmoid at its end?"),
    (OfTwo, "raw-outputs", "raises IndexError"),
]


@pytest.mark.parametrize(("architecture", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_one_is_caught_by_name(architecture: type[Architecture], name: str, words: str) -> None:
    assert_caught(architecture, name, words)
