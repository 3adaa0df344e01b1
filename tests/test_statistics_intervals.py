"""Intervals of the mean: that they are those asked for, and the same on every day."""

import math

import pytest
import scipy.stats

from ganbench import statistics
from ganbench.statistics import Method, intervals

VALUES = [1.0, 2.0, 4.0, 8.0, 9.0, 11.0, 12.5]


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
    assert statistics.t_interval(VALUES, 0.8) == (pytest.approx(low), pytest.approx(high), 0.8, "t")


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
