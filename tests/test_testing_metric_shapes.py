"""Metrics that score with a later value or with none, and those of samples of one shape, are held as the others are."""

import pytest
import torch

from ganbench.api import Evidence, Metric, Value
from ganbench.testing import check
from tests.kit import assert_caught, failed
from tests.kit.components import RightMetric


class NoScore(RightMetric):
    """Right: a number without a direction, which ranks nothing."""

    values = {"gap": Value(label="gap", direction=None)}


class ScoreSecond(RightMetric):
    """Right: says how large features are, and then by how much that is wrong, which is its score."""

    values = {"level": Value(label="level", direction=None), "gap": Value(label="gap", direction="lower")}

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        return {"level": float(fake.features.mean()), **super().compute(fake, reference)}


class ScoreSecondWrongWay(ScoreSecond):
    """Says that more is better."""

    values = {"level": Value(label="level", direction=None), "gap": Value(label="gap", direction="higher")}


class Colour(Metric):
    """Compares red minus blue, which grey images have not."""

    values = {"gap": Value(label="gap", direction="lower")}
    needs = ("images",)

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        found, wanted = (
            torch.histc(side.samples[:, 0].float() - side.samples[:, 2].float(), 64, -255, 255) / side.n
            for side in (fake, reference)
        )
        return {"gap": float((found - wanted).abs().sum())}


class ColourAlone(Colour):
    """Right: it refuses what has not three channels."""

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        if dimension % 3:
            raise ValueError("colours are of images of three channels")
        return None


class Line(Metric):
    """Right: the distance between the distributions of single numbers, and of nothing else."""

    values = {"gap": Value(label="gap", direction="lower")}
    needs = ("mixture",)
    dimension = 1

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        if dimension != self.dimension:
            raise ValueError(f"samples must be {self.dimension} numbers")
        return None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.mixture is not None
        assert fake.samples.shape[1] == fake.mixture.means.shape[1] == self.dimension
        shares = torch.linspace(0, 1, 100)
        found, wanted = (torch.quantile(side.samples, shares, dim=0) for side in (fake, reference))
        return {"gap": float((found - wanted).abs().mean())}


class Plane(Line):
    """Right: points of the plane."""

    dimension = 2


class Space(Line):
    """Right: points of space."""

    dimension = 3


class Twelve(Line):
    """Right: of a dimension that the kit does not try by itself."""

    dimension = 12


WRONG: list[tuple[type, str, str]] = [
    (ScoreSecondWrongWay, "severity", "'gap' is declared as better when higher"),
    (Colour, "values", "with samples of 1x16x16 it raises IndexError: index 2 is out of bounds"),
    (Colour, "values", "with 3x16x16 it works; let check() raise a ValueError for a dimension of 256"),
    (Twelve, "counts", "on each side of every shape tried (8, 2, 3, 1; others by expected = {'shape': ...})"),
]


@pytest.mark.parametrize(("component", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_component_is_caught_by_name(component: type, name: str, words: str) -> None:
    assert_caught(component, name, words)


@pytest.mark.parametrize("component", [NoScore, ScoreSecond])
def test_a_value_without_a_direction_is_no_score(component: type) -> None:
    outcomes = {outcome.check: outcome for outcome in check(component)}
    assert failed(list(outcomes.values())) == {}
    assert outcomes["severity"].status == ("skipped" if component is NoScore else "ok")


@pytest.mark.parametrize("component", [ColourAlone, Line, Plane, Space])
def test_a_metric_is_shown_samples_of_a_shape_that_it_takes(component: type) -> None:
    outcomes = {outcome.check: outcome for outcome in check(component)}
    assert failed(list(outcomes.values())) == {}
    assert outcomes["severity"].status == "ok"


@pytest.mark.parametrize(("component", "shape"), [(Colour, (3, 8, 12)), (Twelve, (12,))])
def test_an_author_says_which_shape_a_metric_is_shown(component: type, shape: tuple[int, ...]) -> None:
    assert failed(check(component, shape=shape)) == {}


@pytest.mark.parametrize(
    ("component", "shape", "words"),
    [
        (Colour, (2,), "of vectors, and it needs images"),
        (Plane, (3, 8, 8), "of images, and needs does not name images"),
    ],
)
def test_a_shape_of_the_other_kind_is_told(component: type, shape: tuple[int, ...], words: str) -> None:
    assert_caught(component, "declaration", words, shape=shape)
