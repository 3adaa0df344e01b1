"""What simulations find of the statistics, promised or not, as docs/statistics.md says it."""

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from ganbench import statistics


@pytest.mark.parametrize(("seeds", "share"), [(3, 0.26), (5, 0.40), (10, 0.65), (20, 0.87)])
def test_rare_collapses_are_outside_most_intervals(seeds: int, share: float) -> None:
    """Nothing is promised here: docs/statistics.md says what was found."""
    rng = np.random.default_rng(7)
    drawn = rng.normal(4, 0.1, (500, seeds)) + 20 * (rng.random((500, seeds)) < 0.1)
    found = [found for row in drawn.tolist() if (found := statistics.interval(row)) is not None]
    assert np.mean([low <= 6 <= high for low, high, *_ in found]) == pytest.approx(share, abs=0.06)
    assert np.mean([low > 6 for low, *_ in found]) < 0.02, "it is too good, not too bad"


@pytest.mark.parametrize(("seeds", "wide", "truth", "share"), [
    (2, 1, 0.9, 0.89), (3, 1, 0.5, 0.90), (5, 1, 0.5, 0.95), (5, 1, 0.999, 0.98), (10, 1, 0.9, 0.96),
    (3, 4, 0.5, 0.84), (5, 4, 0.5, 0.93),
])  # fmt: skip
def test_how_often_the_interval_of_a_probability_holds_it(seeds: int, wide: float, truth: float, share: float) -> None:
    """With few seeds less often than it says: docs/statistics.md says what was found."""
    rng = np.random.default_rng(1)
    shift = math.sqrt(2) * scipy.stats.norm.ppf(truth)
    drawn = zip(rng.normal(0, wide, (2000, seeds)), rng.normal(shift, 1, (2000, seeds)), strict=True)
    found = [statistics.superiority(a.tolist(), b.tolist()) for a, b in drawn]
    assert np.mean([one.low <= truth <= one.high for one in found]) == pytest.approx(share, abs=0.025)


def held(rows_of: Callable[[np.random.Generator], list[list[float]]]) -> float:
    """How often the first row is among the best."""
    rng = np.random.default_rng(5)
    return float(np.mean([0 in statistics.best_set(rows_of(rng)) for _ in range(1000)]))


@pytest.mark.parametrize(("rows", "seeds", "given", "some"), [(4, 5, 0.04, 0.14), (8, 10, 0.03, 0.19)])
def test_of_equal_rows_some_row_is_set_apart_more_often_than_a_given_one(
    rows: int, seeds: int, given: float, some: float
) -> None:
    """The level is for each row: docs/statistics.md says what was found."""
    rng = np.random.default_rng(6)
    kept = [statistics.best_set(rng.normal(size=(rows, seeds)).tolist()) for _ in range(1000)]
    assert np.mean([0 not in best for best in kept]) == pytest.approx(given, abs=0.015)
    assert np.mean([len(best) < rows for best in kept]) == pytest.approx(some, abs=0.03)


@pytest.mark.parametrize(("correlation", "share"), [(0.5, 0.02), (0.0, 0.05), (-0.5, 0.08)])
def test_what_shared_seeds_do_to_the_level(correlation: float, share: float) -> None:
    """They are taken for independent: docs/statistics.md says what was found."""
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, 4000, 5))
    b = correlation * a + math.sqrt(1 - correlation**2) * b
    errs = [statistics.rank_test(one, other, "less") <= 0.05 for one, other in zip(a.tolist(), b.tolist(), strict=True)]
    assert np.mean(errs) == pytest.approx(share, abs=0.012)


@pytest.mark.parametrize("name", ["digits", "mnist", "resnet"])
def test_in_the_leaderboards_of_images_rows_rise_and_fall_together_with_the_seed(name: str) -> None:
    """On average, as docs/statistics.md says."""
    file = Path(__file__).parents[1] / "leaderboards" / f"{name}.json"
    rows: dict[tuple[str, str], dict[int, float]] = {}
    for trial in json.loads(file.read_text("utf-8"))["trials"]:
        spec = trial["spec"]
        if not spec["baseline"] and trial["metrics"].get("fid") is not None:
            key = spec["architecture"]["label"], spec["loss"]["label"]
            rows.setdefault(key, {})[spec["seed"]] = trial["metrics"]["fid"]
    found = [
        np.corrcoef(
            [one[seed] for seed in one.keys() & other.keys()], [other[seed] for seed in one.keys() & other.keys()]
        )
        for (first, one), (second, other) in itertools.combinations(rows.items(), 2)
        if first[0] == second[0]
    ]
    assert len(found) >= 6
    assert np.mean([each[0, 1] for each in found]) > 0.1


def test_with_unequal_spreads_and_seeds_the_level_is_not_held() -> None:
    """Nothing is promised here: docs/statistics.md says what was found."""
    assert held(lambda rng: [list(rng.normal(0, 4, 5)), list(rng.normal(0, 0.5, 20))]) == pytest.approx(0.89, abs=0.03)


def test_with_equally_many_seeds_the_level_is_about_held_whatever_the_shapes() -> None:
    """Even where the best row's seeds lie far to both sides of the others'."""

    def rows(rng: np.random.Generator) -> list[list[float]]:
        middling = [list(rng.normal(0, 0.1, 10)) for _ in range(3)]
        return [list(rng.choice([-9.0, 9.0], 10) + rng.normal(0, 0.1, 10)), *middling]

    assert held(rows) == pytest.approx(0.94, abs=0.02)


@pytest.mark.parametrize(("seeds", "share"), [(5, 0.55), (10, 0.18), (20, 0.02)])
def test_the_best_mean_need_not_be_among_the_best(seeds: int, share: float) -> None:
    """Nothing is promised here: docs/statistics.md says what was found."""

    def rows(rng: np.random.Generator) -> list[list[float]]:
        collapsing = np.where(rng.random(seeds) < 0.15, 20, 4) + rng.normal(0, 0.1, seeds)
        return [list(rng.normal(5, 0.1, seeds)), list(collapsing)]

    assert held(rows) == pytest.approx(share, abs=0.05)
