"""The comparison with what was printed: exact against scipy, and calibrated."""

import math
import sys

import numpy as np
import pytest
from scipy import stats

from ganbench.statistics.published import difference_interval, prediction_interval


def test_it_is_welch_of_the_two_samples() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(1, 2, 6), rng.normal(0, 1, 10)
    error = float(theirs.std(ddof=1) / math.sqrt(10))
    found = difference_interval(list(ours), float(theirs.mean()), error, 10)
    wanted = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


def test_it_holds_its_level() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        ours, theirs = rng.normal(0, 1, 5), rng.normal(0, 1, 10)
        found = difference_interval(list(ours), float(theirs.mean()), float(theirs.std(ddof=1)) / math.sqrt(10), 10)
        assert found is not None
        held += found.low <= 0 <= found.high
    assert 0.93 < held / 2000 < 0.975


def test_no_spread_and_single_runs() -> None:
    assert difference_interval([8.0], 7.8, 0.1, 10) is None
    assert difference_interval([8.0, 8.0], 7.8, 0.1, 1) is None
    for mean, error in ((8.0, 0.0), (7.9, 0.0), (8.8, 0.2)):
        assert difference_interval([8.0, 8.0, 8.0], mean, error, 10) is None
    assert difference_interval([8.0, 8.0, 7.0], 7.9, 0.0, 10) is not None
    assert difference_interval([8.0, 7.0], 7.8, 0.1, 1) is None
    for ours, error in (([math.nan, 1.0], 0.1), ([1.0, 2.0], math.inf), ([1.0, 2.0], -0.1)):
        with pytest.raises(ValueError, match="values must be finite, and a standard error not negative"):
            difference_interval(ours, 1.0, error, 10)


@pytest.mark.parametrize("unit", [1e-200, 1e-90, 1e90, 1e200])
def test_the_unit_does_not_matter_however_small_or_large(unit: float) -> None:
    plain = difference_interval([1.0, 2.0, 4.0], 3.0, 0.5, 10)
    found = difference_interval([unit, 2 * unit, 4 * unit], 3 * unit, 0.5 * unit, 10)
    assert plain is not None
    assert found is not None
    assert (found.low / unit, found.high / unit) == pytest.approx((plain.low, plain.high))


def test_the_largest_values_are_compared_as_smaller_ones_are() -> None:
    """Ours, the printed mean and its error, each as large as a float can be."""
    for ours, mean, error in (
        ([1.6e308, 1.7e308, 1.5e308], -1.7e308, 1e300),
        ([1.0, 2.0, 4.0], 1.7e308, 0.0),
        ([1.0, 2.0, 4.0], 1.0, 1.7e308),
    ):
        found = difference_interval(ours, mean, error, 10)
        small = difference_interval([value / 2**64 for value in ours], mean / 2**64, error / 2**64, 10)
        assert found is not None
        assert small is not None
        largest = sys.float_info.max / 2**64
        within = [max(-largest, min(largest, end)) for end in (small.low, small.high)]
        assert [found.low / 2**64, found.high / 2**64] == pytest.approx(within)


def test_a_spread_that_is_nothing_beside_the_mean_is_not_known() -> None:
    assert difference_interval([1e-310, 2e-310], 1e308, 0.0, 5) is None
    assert difference_interval([1e-310, 2e-310], 1e308, 1e300, 5) is not None


@pytest.mark.parametrize("runs", [1, 3, 10])
def test_of_a_number_alone_it_is_the_prediction_interval(runs: int) -> None:
    """Of a mean over as many runs as there are values more, whose spread is that of the values."""
    ours, printed = [2.0, 3.0, 7.0, 4.0, 4.0], 9.0
    found = prediction_interval(ours, printed, runs)
    scale = float(np.std(ours, ddof=1)) * math.sqrt(1 / runs + 1 / 5)
    low, high = stats.t.interval(0.95, 4, loc=4.0 - printed, scale=scale)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.level, found.method) == (0.95, "prediction")
    wider = prediction_interval(ours, printed, runs, 0.99)
    assert wider is not None
    assert (wider.low, wider.high) == pytest.approx(stats.t.interval(0.99, 4, loc=4.0 - printed, scale=scale))
    # Of very many runs it is that of a number without an error.
    exact = difference_interval(ours, printed, 0.0, 10)
    many = prediction_interval(ours, printed, 10**12)
    assert exact is not None
    assert many is not None
    assert many[:2] == pytest.approx(exact[:2])


@pytest.mark.parametrize(("seeds", "runs"), [(2, 1), (5, 1), (5, 10)])
def test_a_training_of_the_same_distribution_agrees_as_often_as_the_level_says(seeds: int, runs: int) -> None:
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(4000):
        found = prediction_interval(list(rng.normal(30, 2, seeds)), float(rng.normal(30, 2, runs).mean()), runs)
        assert found is not None
        held += found.low <= 0 <= found.high
    assert held / 4000 == pytest.approx(0.95, abs=0.0105)  # three standard errors


def test_without_a_spread_of_ours_a_number_alone_has_no_interval() -> None:
    for ours in ([], [8.0], [8.0, 8.0, 8.0], [1e-320, 2e-320]):
        assert prediction_interval(ours, 1e308, 1) is None
    assert prediction_interval([8.0, 8.0, 7.0], 7.9, 1) is not None
    for ours, mean, runs in (([math.nan, 1.0], 1.0, 1), ([1.0, 2.0], math.inf, 1), ([1.0, 2.0], 1.0, 0)):
        with pytest.raises(ValueError, match="values must be finite, and a printed number is of one run at least"):
            prediction_interval(ours, mean, runs)


def test_the_largest_numbers_alone_are_compared_as_smaller_ones_are() -> None:
    ours, mean = [1.6e308, 1.7e308, 1.5e308], 1.55e308
    found = prediction_interval(ours, mean, 1)
    small = prediction_interval([value / 2**64 for value in ours], mean / 2**64, 1)
    assert found is not None
    assert small is not None
    assert [end / 2**64 for end in found[:2]] == pytest.approx(small[:2])
