"""Metrics that are right for one number of samples or one reference alone: each is caught, in words that say so."""

from typing import ClassVar

import pytest
import torch

from ganbench.api import Evidence, Value
from ganbench.testing import check
from tests.kit import assert_caught, failed
from tests.kit.components import RightMetric


class Paired(RightMetric):
    """Compares each fake with the real sample at its place."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        return {"gap": float((fake.features - reference.features).norm(dim=1).mean())}


class Sum(RightMetric):
    """Adds up over the fakes where it should average."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        return {"gap": float((fake.features - reference.features.mean(0)).norm(dim=1).sum())}


class Pairs(RightMetric):
    """Multiplies by the number of pairs, as some statistics of tests are."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {"gap": super().compute(fake, reference)["gap"] * min(fake.n, reference.n)}


class FirstReference(RightMetric):
    """Keeps the first reference's mean for ever."""

    mean: torch.Tensor | None = None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        if self.mean is None:
            self.mean = reference.features.mean(0)
        return {"gap": float((fake.features.mean(0) - self.mean).norm())}


class FirstRows(FirstReference):
    """Keeps them in a form that does not fit another number."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert reference.features is not None
        if self.mean is None:
            self.mean = reference.features
        assert len(self.mean) == reference.n, "another number"
        return RightMetric.compute(self, fake, reference)


class OfAllInstances(FirstReference):
    """Keeps the first reference's mean for all instances."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert reference.features is not None
        if OfAllInstances.mean is None:
            OfAllInstances.mean = reference.features.mean(0)
        return super().compute(fake, reference)


MEANS: dict[int, torch.Tensor] = {}


class ByNumber(FirstReference):
    """Keeps means in its module, and tells references apart by their number of samples alone."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert reference.features is not None
        self.mean = MEANS.setdefault(reference.n, reference.features.mean(0))
        return super().compute(fake, reference)


class LastNumber(FirstReference):
    """Computes a mean anew where there is another number of real samples."""

    n = 0

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        if self.n != reference.n:
            self.n, self.mean = reference.n, None
        return super().compute(fake, reference)


class PerClass(RightMetric):
    """Divides by the number of classes."""

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        return "few for each class" if fakes / classes < 10 else None


class Surplus(RightMetric):
    """Divides by how many fakes there are beyond the reference."""

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        return "few" if fakes != reference and 1000 / max(0, fakes - reference) > 1 else None


class OfClasses(RightMetric):
    """Right: compares mean features and the shares of classes that were asked for."""

    needs = ("features", "logits", "labels", "fake_labels")

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.labels is not None
        assert fake.logits is not None
        assert reference.labels is not None
        agree = float((fake.logits.argmax(1) == fake.labels).double().mean())
        return {"gap": super().compute(fake, reference)["gap"] + 1 - agree}


class OfEachReference(FirstReference):
    """Right: keeps the means of all references, each by its own content."""

    means: ClassVar[dict[bytes, torch.Tensor]] = {}

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert reference.features is not None
        key = reference.features.numpy().tobytes()
        self.mean = self.means.setdefault(key, reference.features.mean(0))
        return super().compute(fake, reference)


class Counts(RightMetric):
    """Right: says beside its score how many fakes it has seen, which is no score."""

    values = {"gap": Value(label="gap", direction="lower"), "seen": Value(label="seen", direction=None)}

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {**super().compute(fake, reference), "seen": float(fake.n)}


class Matched(Paired):
    """Right: pairs samples, and says so before anything trains."""

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        if fakes != reference:
            raise ValueError("as many fakes as real samples are needed")
        return None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.n == reference.n
        return RightMetric.compute(self, fake, reference)


class PerValue(RightMetric):
    """Right: divides by the number of values in a sample, of which there is at least one."""

    needs = ("mixture",)

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        return "few for each value" if fakes / dimension < 10 else None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {"gap": float((fake.samples.mean(0) - reference.samples.mean(0)).norm())}


class BetweenValues(PerValue):
    """Divides by what vectors of one number have not."""

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        return "few for each pair of values" if fakes / (dimension - 1) < 10 else None


WRONG: list[tuple[type, str, str]] = [
    (Paired, "sizes", "with 300 fakes against 240 real samples it raises RuntimeError"),
    (Sum, "sizes", "'gap' doubles with twice as many fakes from the same distribution"),
    (Pairs, "sizes", "'gap' doubles with twice as many samples on both sides"),
    (FirstReference, "references", "it keeps something of its first reference"),
    (OfAllInstances, "references", "it keeps something of its first reference in its class or module"),
    (ByNumber, "references", "it keeps something of its first reference in its class or module"),
    (LastNumber, "references", "an instance that has scored against another reference before gives 'gap' as"),
    (FirstRows, "sizes", "it raises AssertionError: another number"),
    (
        PerClass,
        "counts",
        "raises ZeroDivisionError: division by zero for 1,000 fakes, 1,000 real samples, 64 features and 0",
    ),
    (Surplus, "counts", "for 1,000 fakes, 100,000 real samples"),
    (BetweenValues, "counts", "for 1,000 fakes, 1,000 real samples, 1 values in a sample and 10 classes"),
]


@pytest.mark.parametrize(("component", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_component_is_caught_by_name(component: type, name: str, words: str) -> None:
    assert_caught(component, name, words)


@pytest.mark.parametrize("component", [OfClasses, OfEachReference, Counts, Matched, PerValue])
def test_a_right_component_passes(component: type) -> None:
    assert failed(check(component)) == {}
