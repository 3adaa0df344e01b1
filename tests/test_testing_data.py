"""Datasets, metrics, extractors, executors and trackers that are wrong on purpose."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Dataset, Evidence, Extractor, Metric, Mixture, Samples, Value
from ganbench.executors import Executor
from ganbench.testing import Flaw, Outcome, check
from ganbench.testing.metrics import evidence
from ganbench.trackers import Settings, Tracked, Tracker


class RightData(Dataset):
    """Points around three corners."""

    metrics = ("modes", "high-quality")
    licence, source = "MIT", "generated"

    def mixture(self) -> Mixture | None:
        return Mixture(means=torch.eye(3), sigma=0.05)

    def points(self, split: str) -> Tensor:
        stream = np.random.RandomState(1 if split == "train" else 2)
        corners = np.eye(3)[stream.randint(3, size=300)]
        return torch.from_numpy((corners + 0.05 * stream.standard_normal((300, 3))).astype(np.float32))

    def load(self, split: str, *, root: Path) -> Samples:
        if split not in ("train", "test"):
            raise ValueError("the splits are train and test")
        return Samples(data=self.points(split))


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


class RightMetric(Metric):
    """The distance of mean features."""

    values = {"gap": Value(label="gap", direction="lower")}

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        return {"gap": float((fake.features.mean(0) - reference.features.mean(0)).norm())}


class WrongWay(RightMetric):
    """Says that more is better."""

    values = {"gap": Value(label="gap", direction="higher")}


class OtherName(RightMetric):
    """Declares one name and returns another."""

    values = {"distance": Value(label="gap", direction="lower")}


class Hundredfold(RightMetric):
    """Multiplies by 100 what the table multiplies again."""

    values = {"gap": Value(label="gap", direction="lower", percent=True)}

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {"gap": 100 * super().compute(fake, reference)["gap"] + 2}


class FirstSample(RightMetric):
    """Looks at the first fake alone."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        return {"gap": float(fake.features[0] @ torch.arange(8.0))}


class Centres(RightMetric):
    """Centres the features it is given, in place."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        fake.features.sub_(fake.features.mean(0))
        return super().compute(fake, reference)


class Unsteady(RightMetric):
    """Draws from a stream of its own that goes on."""

    stream = np.random.RandomState(0)

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {"gap": super().compute(fake, reference)["gap"] + self.stream.rand()}


class NaN(RightMetric):
    """Undefined for ordinary samples."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {"gap": math.nan}


class Odd(RightMetric):
    """Needs what there is not."""

    needs = ("prompts",)


class NoHeadline(RightMetric):
    """No direction."""

    values = {"gap": Value(label="gap", direction=None)}


class RefusesAll(RightMetric):
    """Refuses any count."""

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        raise ValueError("never")


class Thumbnails(nn.Module):
    def __init__(self, layers: list[str]) -> None:
        super().__init__()
        self.layers = layers
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(nn.functional.adaptive_avg_pool2d(images.float() / 255, 4).flatten(1) for _ in self.layers)


class RightExtractor(Extractor):
    """Thumbnails."""

    registered_name, feature_layer, dimension, channels = "inception-v3-compat", "grid", 48, 3

    def sha256(self) -> str:
        return "a" * 64

    def build(self, layers: list[str]) -> nn.Module:
        return Thumbnails(layers)


class Unhashed(RightExtractor):
    """No identity."""

    def sha256(self) -> str:
        return "v1"


class OtherDimension(RightExtractor):
    """Declares another dimension."""

    dimension = 64


class Training(RightExtractor):
    """In training mode."""

    def build(self, layers: list[str]) -> nn.Module:
        return Thumbnails(layers).train()


class BatchCentred(Thumbnails):
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(x - x.mean(0) for x in super().forward(images))


class Centred(RightExtractor):
    """Features relative to their batch."""

    def build(self, layers: list[str]) -> nn.Module:
        return BatchCentred(layers)


class RandomNetwork(Thumbnails):
    def __init__(self, layers: list[str]) -> None:
        super().__init__(layers)
        self.weight = nn.Parameter(torch.randn(48, 48))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(x @ self.weight for x in super().forward(images))


class Random(RightExtractor):
    """Weights drawn anew."""

    def build(self, layers: list[str]) -> nn.Module:
        return RandomNetwork(layers)


class ConstantNetwork(Thumbnails):
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(x * 0 + 1 for x in super().forward(images))


class Blind(RightExtractor):
    """The same for every image."""

    def build(self, layers: list[str]) -> nn.Module:
        return ConstantNetwork(layers)


class Unregistered(RightExtractor):
    """Unknown to torch-fidelity."""

    registered_name = "never-registered"


class HalfAnExecutor(Executor):
    """Cannot cancel."""

    def submit(self, jobs: Any) -> None: ...

    def states(self, timeout: float = 0.0) -> dict[str, Any]:
        return {}


class RightTracker(Tracker):
    """Counts trials."""

    count = 0

    def trial_started(self, trial: Tracked) -> None:
        self.count += 1


class NeedsMetrics(RightTracker):
    """Takes for granted that a trial has metrics."""

    def trial_finished(self, trial: Tracked, status: str, result: Any) -> None:
        result["metrics"]["modes"]


class OtherWords(RightTracker):
    """Other names for what it is told."""

    def trial_finished(self, name: str) -> None:  # type: ignore[override]
        ...


class TellsOnce(RightTracker):
    """Fails where a trial is told again."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.seen: set[str] = set()

    def trial_started(self, trial: Tracked) -> None:
        if trial.trial_id in self.seen:
            raise FileExistsError(trial.trial_id)
        self.seen.add(trial.trial_id)


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
    (WrongWay, "severity", "the best row of a table would not be the best generator"),
    (OtherName, "values", "returns ['gap'] and declares ['distance']"),
    (Hundredfold, "values", "return a share from 0 to 1"),
    (FirstSample, "repeatable", "with the same samples in another order"),
    (Centres, "repeatable", "would score other samples"),
    (Unsteady, "repeatable", "a result could not be repeated"),
    (NaN, "values", "every row of a table would be empty"),
    (Odd, "declaration", "it needs prompts"),
    (NoHeadline, "declaration", "which row is best"),
    (RefusesAll, "counts", "every run would be refused"),
    (Unhashed, "identity", "not 64 hexadecimal digits"),
    (OtherDimension, "outputs", "gives 48 features and declares 64"),
    (Training, "outputs", "in training mode"),
    (Centred, "batch-size", "would depend on the batch size"),
    (Random, "repeatable", "no two scores could be compared"),
    (Blind, "severity", "would not see bad samples"),
    (Unregistered, "registered", "torch-fidelity does not know 'never-registered'"),
    (HalfAnExecutor, "contract", "does not implement cancel"),
    (NeedsMetrics, "events", "without a result, makes it raise KeyError"),
    (OtherWords, "contract", "trial_finished() does not take trial, status, result"),
    (TellsOnce, "again", "told a second time makes it raise FileExistsError"),
]
RIGHT: list[type] = [RightData, RightMetric, RightExtractor, RightTracker]
SKIP = {HalfAnExecutor: {"idle": "abstract", "runs": "abstract", "cancels": "abstract"}}


def failed(outcomes: list[Outcome]) -> dict[str, str]:
    return {outcome.check: outcome.message for outcome in outcomes if outcome.status == "failed"}


@pytest.mark.parametrize(("component", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_component_is_caught_by_name(component: type, name: str, words: str) -> None:
    found = failed(check(component, skip=SKIP.get(component, {})))
    assert name in found, found
    assert words in found[name]
    assert "\n" not in found[name]


@pytest.mark.parametrize("component", RIGHT)
def test_a_right_component_passes(component: type) -> None:
    assert failed(check(component)) == {}


def test_what_an_author_knows_is_held() -> None:
    zeros, ones = evidence(features=torch.zeros(4, 9)), evidence(features=torch.ones(4, 9))
    assert failed(check(RightMetric, known=[(ones, zeros, {"gap": 3.0})])) == {}
    wrong = failed(check(RightMetric, known=[(ones, zeros, {"gap": 4.0})]))
    assert wrong == {"known-values": "'gap' is 3 where 4 is known"}
    assert "expected (2,)" in failed(check(RightData, shape=(2,)))["samples"]
    white = torch.full((2, 3, 8, 8), 255, dtype=torch.uint8)
    assert failed(check(RightExtractor, known=[(white, torch.ones(2, 48))])) == {}
    assert "known-values" in failed(check(RightExtractor, known=[(white, torch.zeros(2, 48))]))


def test_evidence_needs_something() -> None:
    with pytest.raises(ValueError, match="samples or features"):
        evidence()


def test_a_flaw_is_an_assertion() -> None:
    """So that an author's own test that calls the kit's functions fails, and does not merely err."""
    assert issubclass(Flaw, AssertionError)
