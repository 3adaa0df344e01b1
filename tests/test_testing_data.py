"""Datasets that are wrong on purpose: each is caught, in words that name the mistake."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.api import Mixture, Samples
from ganbench.testing import check
from tests.kit import assert_caught
from tests.kit.components import RightData


class Doubles(RightData):
    """float64."""

    def points(self, split: str) -> Tensor:
        return super().points(split).double()


class DarkImages(RightData):
    """Images in 0..1, cut to whole numbers."""

    metrics = ("fid",)
    extractor = "digits"

    def mixture(self) -> None:
        return None

    def points(self, split: str) -> Tensor:
        return torch.rand(300, 1, 16, 16, generator=torch.Generator().manual_seed(len(split))).to(torch.uint8)


class Fickle(RightData):
    """Another draw each time."""

    def points(self, split: str) -> Tensor:
        return super().points(split) + torch.randn(300, 3, generator=torch.Generator().manual_seed(id(object()))) * 0.01


class GlobalDraw(RightData):
    """Draws from torch's own stream."""

    def points(self, split: str) -> Tensor:
        return super().points(split) + 0.001 * torch.randn(300, 3)


class OneSplit(RightData):
    """The same samples in both splits."""

    def points(self, split: str) -> Tensor:
        return super().points("train")


class AnySplit(RightData):
    """Takes any word for the test split."""

    def load(self, split: str, *, root: Path) -> Samples:
        return Samples(data=self.points(split))


class Anonymous(RightData):
    """No licence."""

    licence = ""


class NoSuchMetric(RightData):
    """A metric that there is not."""

    metrics = ("moods",)


class NeedsFeatures(RightData):
    """A metric of features without an extractor."""

    metrics = ("fid",)


class FarFromModes(RightData):
    """The modes are elsewhere."""

    def mixture(self) -> Mixture:
        return Mixture(means=10 * torch.eye(3), sigma=0.05)


class FloatLabels(RightData):
    """Labels of a type that no metric counts."""

    def load(self, split: str, *, root: Path) -> Samples:
        return Samples(data=self.points(split), labels=torch.zeros(300), classes=("a", "b"))


class LabelTooHigh(RightData):
    """A label beyond the classes."""

    def load(self, split: str, *, root: Path) -> Samples:
        return Samples(data=self.points(split), labels=torch.full((300,), 2), classes=("a", "b"))


class Array(RightData):
    """A numpy array."""

    def load(self, split: str, *, root: Path) -> Any:
        return self.points(split).numpy()


WRONG: list[tuple[type, str, str]] = [
    (Doubles, "samples", "images must be uint8 in 0..255, vectors float32"),
    (DarkImages, "samples", "every picture would be black"),
    (Array, "samples", "returns ndarray, not ganbench.api.Samples"),
    (Fickle, "repeatable", "is another when loaded again"),
    (GlobalDraw, "repeatable", "draws from a global random stream"),
    (OneSplit, "disjoint", "would reward memorising"),
    (AnySplit, "refusals", "a misspelt --reference"),
    (Anonymous, "provenance", "it gives no licence"),
    (NoSuchMetric, "defaults", "there is no metric 'moods'"),
    (NeedsFeatures, "defaults", "its default metric 'fid' needs features"),
    (FarFromModes, "mixture", "mode coverage of real data would be near 0"),
    (FloatLabels, "labels", "not int64"),
    (LabelTooHigh, "labels", "go from 2 to 2, and there are 2 classes"),
]


@pytest.mark.parametrize(("component", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_component_is_caught_by_name(component: type, name: str, words: str) -> None:
    assert_caught(check(component), name, words)
