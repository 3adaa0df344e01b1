"""Datasets that are wrong on purpose: each is caught, in words that name the mistake."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.api import Mixture, Samples
from ganbench.metrics.fid import FID
from ganbench.testing import Flaw, check
from ganbench.testing.datasets import defaults
from ganbench.testing.kit import subject_of
from tests.kit import assert_caught, failed, outcome_of
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


class ChannelsLast(DarkImages):
    """Images as numpy and pictures have them."""

    metrics = ("class-coverage",)

    def points(self, split: str) -> Tensor:
        rng = torch.Generator().manual_seed(len(split))
        return torch.randint(256, (300, 16, 16, 3), generator=rng).to(torch.uint8)


class FloatImages(ChannelsLast):
    """Images in [0, 1]."""

    def points(self, split: str) -> Tensor:
        return super().points(split).permute(0, 3, 1, 2) / 255


class Fickle(RightData):
    """Another draw each time."""

    def points(self, split: str) -> Tensor:
        rng = torch.Generator()
        rng.seed()
        return super().points(split) + torch.randn(300, 3, generator=rng) * 0.01


class GlobalDraw(RightData):
    """Draws from torch's own stream."""

    def points(self, split: str) -> Tensor:
        return super().points(split) + 0.001 * torch.randn(300, 3)


class OneSplit(RightData):
    """The same samples in both splits."""

    def points(self, split: str) -> Tensor:
        return super().points("train")


class NearlyOneSplit(RightData):
    """The same samples in both splits, moved by a millionth."""

    def points(self, split: str) -> Tensor:
        found = super().points("train")
        return found if split == "train" else (found + 1e-6).flip(0)


class OneInTen(RightData):
    """A tenth of the test samples are training samples that were rounded."""

    def points(self, split: str) -> Tensor:
        found = super().points(split)
        if split == "test":
            found[::10] = super().points("train")[::10].mul(1e4).round().div(1e4)
        return found


class OneGreyLevel(DarkImages):
    """Training images with a grey level more in each pixel."""

    def points(self, split: str) -> Tensor:
        images = torch.randint(100, 200, (300, 1, 16, 16), generator=torch.Generator().manual_seed(1))
        return (images + (split == "test")).to(torch.uint8)


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


class Swapped(RightData):
    """The classes are in another order in the test split."""

    def load(self, split: str, *, root: Path) -> Samples:
        found = super().load(split, root=root)
        classes = ("a", "b") if split == "train" else ("b", "a")
        return Samples(data=found.data, labels=torch.zeros(300, dtype=torch.int64), classes=classes)


class OneLabelled(RightData):
    """Labels in the train split alone."""

    def load(self, split: str, *, root: Path) -> Samples:
        found = super().load(split, root=root)
        if split == "test":
            return found
        return Samples(data=found.data, labels=torch.zeros(300, dtype=torch.int64), classes=("a", "b"))


class Reseeds(RightData):
    """Seeds Python's own stream."""

    def points(self, split: str) -> Tensor:
        random.seed(0)
        return super().points(split)


class NoSuchFile(RightData):
    """Names a file that there is not."""

    def load(self, split: str, *, root: Path) -> Samples:
        return Samples(data=super().load(split, root=root).data, files=("nope.bin",))


class Hashed(RightData):
    """Ordered by the hashes of words, which are others in each process."""

    def points(self, split: str) -> Tensor:
        return super().points(split)[sorted(range(300), key=lambda number: hash(f"sample {number}"))]


class LostMode(RightData):
    """A mode where no sample is."""

    def mixture(self) -> Mixture:
        return Mixture(means=torch.cat([torch.eye(3), -torch.ones(1, 3)]), sigma=0.05)


class Wide(RightData):
    """Ten times the standard deviation."""

    def mixture(self) -> Mixture:
        return Mixture(means=torch.eye(3), sigma=0.5)


class Narrow(RightData):
    """A tenth of the standard deviation."""

    def mixture(self) -> Mixture:
        return Mixture(means=torch.eye(3), sigma=0.005)


class Flat(RightData):
    """No standard deviation."""

    def mixture(self) -> Mixture:
        return Mixture(means=torch.eye(3), sigma=0.0)


class ByMode(RightData):
    """Right: its samples come in the order of their modes."""

    def points(self, split: str) -> Tensor:
        found = super().points(split)
        return found[found.argmax(dim=1).argsort(stable=True)]


class NowhereKnown(RightData):
    """It says that it lies at a parameter which it does not have."""

    locations = ("path",)


WRONG: list[tuple[type, str, str]] = [
    (Doubles, "samples", "images must be uint8 in 0..255 and vectors float32"),
    (DarkImages, "samples", "every picture would be black"),
    (ChannelsLast, "samples", "are its 3 channels last?"),
    (FloatImages, "samples", "images must be uint8 levels in 0..255"),
    (Array, "samples", "returns ndarray, not ganbench.api.Samples"),
    (Fickle, "repeatable", "differs when it is loaded again"),
    (GlobalDraw, "repeatable", "uses or seeds a global random stream"),
    (OneSplit, "disjoint", "would reward memorising"),
    (NearlyOneSplit, "disjoint", "100 % of the test samples have a training sample at less than 5 %"),
    (OneInTen, "disjoint", "test is made of copies of train with little changed"),
    (OneGreyLevel, "disjoint", "and 0 % of the training samples"),
    (AnySplit, "refusals", "a misspelt --reference"),
    (Anonymous, "provenance", "it gives no licence"),
    (NowhereKnown, "locations", "declares locations = ('path',); it must be a tuple with the names of"),
    (NoSuchMetric, "defaults", "there is no metric 'moods'"),
    (NeedsFeatures, "defaults", "its default metric 'fid' needs features"),
    (FarFromModes, "mixture", "mode coverage of real data would be near 0"),
    (LostMode, "mixture", "no sample is near mode 3 (1 of 4 modes have none)"),
    (Wide, "mixture", "samples far from every mode would count as high quality"),
    (Narrow, "mixture", "mode coverage of real data would be near 0"),
    (Flat, "mixture", "its sigma is 0, not above 0"),
    (Swapped, "labels", "the classes of 'train' are a, b, but those of 'test' are b, a"),
    (OneLabelled, "labels", "the split 'train' has labels but 'test' has none"),
    (Reseeds, "repeatable", "(that of Python)"),
    (NoSuchFile, "files", "names nope.bin among its files, but there is no such file"),
    (Hashed, "another-process", "differs in another process"),
    (FloatLabels, "labels", "not int64"),
    (LabelTooHigh, "labels", "go from 2 to 2, but there are 2 classes"),
]


@pytest.mark.parametrize(("component", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_component_is_caught_by_name(component: type, name: str, words: str) -> None:
    assert_caught(component, name, words)


def test_the_order_of_right_samples_does_not_matter() -> None:
    assert failed(check(ByMode)) == {}


def test_another_process_is_left_out_where_it_cannot_know_the_class() -> None:
    class Here(RightData):
        """Defined within a function."""

    outcome = outcome_of("another-process", Here)
    assert outcome.status == "skipped"
    assert "cannot be imported by name" in outcome.message


def test_default_metrics_are_given_what_a_run_gives_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images, where the samples are; but no labels of the fakes, which most networks do not take."""
    monkeypatch.setattr(FID, "needs", ("features", "images"))
    defaults(subject_of(DarkImages))
    monkeypatch.setattr(FID, "needs", ("features", "fake_labels"))
    with pytest.raises(Flaw, match="its default metric 'fid' needs fake_labels, which only conditional networks have"):
        defaults(subject_of(DarkImages))
