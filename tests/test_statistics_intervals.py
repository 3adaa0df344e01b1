"""Means, spreads and intervals: against scipy, what they assume, and what they refuse."""

import math
import sys

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench import statistics
from ganbench.statistics import Method, intervals
from tests.scores import INF

VALUES = [1.0, 2.0, 4.0, 8.0, 9.0, 11.0, 12.5]


def test_intervals_of_known_numbers() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    low, high = scipy.stats.t.interval(0.95, 4, loc=3, scale=scipy.stats.sem(values))
    found = statistics.interval(values, method="t")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.level, found.method) == (0.95, "t")
    assert statistics.interval([1.0]) is None


def test_an_end_that_no_score_can_have_is_not_cut_off() -> None:
    """As docs/statistics.md says, and of which values; the bootstrap stays within them."""
    students, resampled = statistics.interval([0.98, 1.0, 1.0]), statistics.interval([0.98, *[1.0] * 5])
    assert students is not None
    assert students[:2] == pytest.approx((0.965, 1.022), abs=5e-4)
    assert resampled is not None
    assert resampled.high == 1.0


def test_the_smaller_assumption_is_taken_where_it_can_hold_the_level() -> None:
    """Below six values nothing between the smallest and the largest covers with 95 %."""
    methods = [found.method for n in range(2, 9) if (found := statistics.interval([float(i * i) for i in range(n)]))]
    assert methods == ["t"] * 4 + ["bootstrap"] * 3
    found = statistics.interval([1.0, 2.0, 4.0], level=0.75)
    assert found is not None
    assert found.method == "bootstrap"


@given(st.permutations([0.5, 1.0, 1.5, 4.0, 4.0, 7.0, 11.0]))
@settings(max_examples=10, deadline=None)
def test_the_bootstrap_gives_the_same_values_the_same_interval(values: list[float]) -> None:
    assert statistics.bootstrap_interval(values) == statistics.bootstrap_interval(sorted(values))


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95.0, math.nan])
def test_a_confidence_level_lies_between_0_and_1(level: float) -> None:
    with pytest.raises(ValueError, match="a confidence level must be between 0 and 1, not"):
        statistics.interval([1.0, 2.0, 4.0], level)


def test_the_bootstrap_interval_of_roughly_normal_values_is_about_as_wide_as_students() -> None:
    """That is what its tails are taken further out for."""
    for n in (8, 16):
        values = [float(value) for value in scipy.stats.norm.ppf((np.arange(n) + 0.5) / n)]
        found, expected = statistics.bootstrap_interval(values), statistics.t_interval(values)
        assert (found.high - found.low) / (expected.high - expected.low) == pytest.approx(1, abs=0.03)


def test_the_bootstrap_interval_is_wider_than_the_percentile_interval_and_inside_the_data() -> None:
    values = [float(i * i) for i in range(8)]
    plain = scipy.stats.bootstrap((values,), np.mean, method="percentile", random_state=np.random.default_rng(0))
    found = statistics.bootstrap_interval(values)
    assert min(values) <= found.low < plain.confidence_interval.low
    assert plain.confidence_interval.high < found.high <= max(values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(([1.0, INF],), "finite"), (([1.0, 2.0], 0.95, "magic"), "no interval")],
)
def test_intervals_refuse_nonsense(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        statistics.interval(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [[8.0, 8.0, 8.0], [8.0] * 7])
def test_equal_values_have_no_interval(values: list[float]) -> None:
    """That a count came out alike in a few seeds is no proof that it always does."""
    assert statistics.interval(values) is None


def test_summaries_pass_over_what_is_missing() -> None:
    found = statistics.summarise([1.0, None, math.nan, INF, 3.0, 8.0])
    assert found is not None
    assert (found.mean, found.median, found.n) == (4.0, 3.0, 3)
    assert found.sd == pytest.approx(math.sqrt(13))
    assert statistics.summarise([None, INF]) is None
    one = statistics.summarise([2.0])
    assert one is not None
    assert (one.sd, one.interval()) == (None, None)


def test_the_resamples_of_as_many_values_are_drawn_once() -> None:
    intervals._resamples.cache_clear()
    intervals._bootstrap.cache_clear()
    for shift in range(4):
        values = [shift + value for value in (1.0, 2.0, 4.0, 8.0, 9.0, 11.0)]
        assert statistics.interval(values) == statistics.interval(values[::-1])
    assert (intervals._resamples.cache_info().misses, intervals._bootstrap.cache_info().misses) == (1, 4)


@pytest.mark.parametrize("method", ["t", "bootstrap"])
def test_the_level_and_the_method_are_those_asked_for(method: Method) -> None:
    summary = statistics.summarise(VALUES)
    assert summary is not None
    widths = []
    for level in (0.5, 0.8, 0.95, 0.99):
        found = statistics.interval(VALUES, level, method)
        assert found is not None
        assert (found.level, found.method) == (level, method)
        assert summary.interval(level, method) == found
        widths.append(found.high - found.low)
    assert sorted(set(widths)) == widths, "the surer, the wider"


def test_students_interval_of_another_level() -> None:
    low, high = scipy.stats.t.interval(0.8, 6, loc=math.fsum(VALUES) / 7, scale=scipy.stats.sem(VALUES))
    found = statistics.t_interval(VALUES, 0.8)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.level, found.method) == (0.8, "t")


def test_the_resamples_are_the_same_whenever_they_are_drawn() -> None:
    found = statistics.bootstrap_interval(VALUES)
    intervals._resamples.cache_clear()
    intervals._bootstrap.cache_clear()
    assert statistics.bootstrap_interval(VALUES) == found


def test_of_two_values_there_is_a_spread_and_of_none_no_interval() -> None:
    two = statistics.summarise([1.0, 3.0])
    assert two is not None
    assert two.sd == pytest.approx(math.sqrt(2))
    assert statistics.interval([]) is None


@pytest.mark.parametrize("method", ["t", "bootstrap"])
def test_the_ends_of_an_interval_of_the_largest_values_are_floats(method: Method) -> None:
    values = [1.6e308, 1.7e308, 1.75e308, 1.5e308]
    found, small = (statistics.interval([value * scale for value in values], method=method) for scale in (1, 2.0**-64))
    assert found is not None
    assert small is not None
    assert found.low == small.low * 2.0**64
    assert found.high == min(sys.float_info.max, small.high * 2.0**64)
    turned = statistics.interval([-value for value in values], method=method)
    assert turned is not None
    assert turned.low == max(-sys.float_info.max, -small.high * 2.0**64)
    summary = statistics.summarise([*values, -values[0]])
    assert summary is not None
    assert math.isfinite(summary.mean)
    assert math.isfinite(summary.median)
    assert summary.sd == pytest.approx(1.44e308, rel=0.01)
