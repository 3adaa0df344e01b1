"""Metrics that are wrong on purpose: each is caught, in words that name the mistake."""

import math
from typing import ClassVar

import numpy as np
import pytest
import torch

from ganbench.api import Evidence, Metric, Need, Value
from ganbench.testing import check, evidence
from tests.kit import assert_caught, failed
from tests.kit.components import RightMetric


class WrongWay(RightMetric):
    """Says that more is better."""

    values = {"gap": Value(label="gap", direction="higher")}


class OtherName(RightMetric):
    """Declares one name and returns another."""

    values = {"distance": Value(label="gap", direction="lower")}


class Brightness(Metric):
    """Compares mean images; of the samples themselves, which must be images."""

    values = {"gap": Value(label="gap", direction="lower")}
    needs: ClassVar[tuple[Need, ...]] = ("images",)

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        (_, channels, height, width), kind = fake.samples.shape, fake.samples.dtype
        assert (channels, height, width, kind) == (1, 16, 16, torch.uint8)
        gap = fake.samples.float().mean(0) - reference.samples.float().mean(0)
        return {"gap": float(gap.square().mean())}


class AnySamples(Brightness):
    """Does the same without saying so."""

    needs = ()


class Hundredfold(RightMetric):
    """Multiplies by 100 what the table multiplies again."""

    values = {"gap": Value(label="gap", direction="lower", percent=True)}

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {"gap": 100 * super().compute(fake, reference)["gap"] + 2}


class HundredfoldBeside(RightMetric):
    """Its second value is the one that is multiplied by 100."""

    values = {"gap": Value(label="gap", direction="lower"), "share": Value(label="share", direction=None, percent=True)}

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {**super().compute(fake, reference), "share": 250.0}


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


class ShiftsReference(RightMetric):
    """Shifts the reference's class outputs in place."""

    needs = ("features", "logits")

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert reference.logits is not None
        reference.logits.sub_(1)
        return super().compute(fake, reference)


class ScalesTraining(RightMetric):
    """Scales the training features in place."""

    needs = ("features", "train")

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert reference.train is not None
        assert reference.train.features is not None
        reference.train.features.mul_(2)
        return super().compute(fake, reference)


class ChangesStatistics(RightMetric):
    """Adds to the statistics that every other metric is given, too."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        mean = reference.statistics()["mu"]
        mean += 1
        return super().compute(fake, reference)


class RunningMean(RightMetric):
    """Averages over all that it has scored."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        self.seen.append(super().compute(fake, reference)["gap"])
        return {"gap": sum(self.seen) / len(self.seen)}


class Undeclared(RightMetric):
    """Uses class outputs and training samples, and says so of neither."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.logits is not None
        assert reference.train is not None
        return super().compute(fake, reference)


class OfLabels(RightMetric):
    """Compares the means of each class, though most runs have no labels of fakes."""

    needs = ("features", "labels")

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        gaps = [
            fake.features[fake.labels == label].mean(0) - reference.features[reference.labels == label].mean(0)
            for label in range(4)
        ]
        return {"gap": float(torch.stack(gaps).norm(dim=1).mean())}


class OfReferenceLabels(RightMetric):
    """Right: the distance of all fakes from each class of the reference."""

    needs: ClassVar[tuple[Need, ...]] = ("features", "labels")

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        assert reference.labels is not None
        known = [label for label in range(4) if bool((reference.labels == label).any())]
        means = torch.stack([reference.features[reference.labels == label].mean(0) for label in known])
        return {"gap": float(torch.cdist(fake.features, means).min(dim=0).values.mean())}


class UndeclaredLabels(OfReferenceLabels):
    """Does the same without saying so."""

    needs = ("features",)


class Whitened(RightMetric):
    """Divides by the covariance of the fakes."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        gap = (fake.features.mean(0) - reference.features.mean(0)).double()
        return {"gap": float(gap @ torch.linalg.inv(fake.features.double().T.cov()) @ gap)}


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

    needs = ("prompts",)  # type: ignore[assignment]


class NoTuple(RightMetric):
    """Forgets the comma."""

    needs = "features"  # type: ignore[assignment]


class RefusesAll(RightMetric):
    """Refuses any count."""

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        raise ValueError("never")


class Says(RightMetric):
    """Answers yes or no."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {name: value > 0.5 for name, value in super().compute(fake, reference).items()}


class InATensor(RightMetric):
    """Leaves its value where it was computed."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {name: torch.tensor(value) for name, value in super().compute(fake, reference).items()}  # type: ignore[misc]


class Worded(RightMetric):
    """Calls its value by two words."""

    values = {"the gap": Value(label="gap", direction="lower")}


class Unvalued(RightMetric):
    """Gives nothing."""

    values: ClassVar[dict[str, Value]] = {}


class Sometimes(RightMetric):
    """Is to be computed now and then."""

    when = "sometimes"  # type: ignore[assignment]


WRONG: list[tuple[type, str, str]] = [
    (WrongWay, "severity", "the best row of a table would not be the best generator"),
    (OtherName, "values", "returns ['gap'] but declares ['distance']"),
    (Hundredfold, "values", "return a share from 0 to 1"),
    (HundredfoldBeside, "values", "'share' is 250, but it is shown in percent"),
    (FirstSample, "repeatable", "with the same samples in another order"),
    (Centres, "repeatable", "it changes the samples and features of the fakes"),
    (ShiftsReference, "repeatable", "it changes the logits of the reference"),
    (ScalesTraining, "repeatable", "it changes the training samples and training features of the reference"),
    (ChangesStatistics, "repeatable", "it changes the statistics (mu) of the reference"),
    (RunningMean, "repeatable", "keeps something of earlier samples"),
    (Undeclared, "values", "it uses logits and train, but needs names only features"),
    (OfLabels, "values", "it uses fake_labels, but needs names only features, labels"),
    (UndeclaredLabels, "values", "it uses labels, but needs names only features"),
    (Whitened, "collapsed", "for fakes that are all the same it raises"),
    (AnySamples, "values", "it uses images, but needs names nothing"),
    (Unsteady, "repeatable", "a result could not be repeated"),
    (NaN, "values", "it would be empty in every row of a table"),
    (
        Odd,
        "declaration",
        "metric 'odd' needs 'prompts', which no evaluation offers; choose one of: classes, fake_labels,",
    ),
    (NoTuple, "declaration", "declares needs = 'features'; it must be a tuple of words, such as ('features',)"),
    (RefusesAll, "counts", "check() refuses 100,000 samples on each side; every run would be refused"),
    (Says, "values", "compute() returns bool for 'gap', but must return a float"),
    (InATensor, "values", "compute() returns Tensor for 'gap', but must return a float"),
    (Worded, "declaration", "'the gap' must consist of letters, digits and underscores"),
    (Unvalued, "declaration", "it declares no values; a table would have no column for it"),
    (Sometimes, "declaration", "when is 'sometimes', not 'always' or 'final'; it would never be computed"),
]


@pytest.mark.parametrize(("component", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_component_is_caught_by_name(component: type, name: str, words: str) -> None:
    assert_caught(component, name, words)


@pytest.mark.parametrize("component", [Brightness, OfReferenceLabels])
def test_a_metric_is_given_what_it_says_it_needs(component: type) -> None:
    assert failed(check(component)) == {}


@pytest.mark.parametrize(("found", "known"), [(math.nan, 0.0), (7.0, math.nan)])
def test_a_known_value_is_no_other_where_one_of_the_two_is_undefined(found: float, known: float) -> None:
    class Says(RightMetric):
        def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
            return {"gap": found}

    sides = evidence(features=torch.zeros(3, 8)), evidence(features=torch.zeros(3, 8))
    words = f"'gap' is {found:.9g}, but {known:.9g} is the known value"
    assert_caught(Says, "known-values", words, known=[(*sides, {"gap": known})])
