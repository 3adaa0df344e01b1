"""Mean, deviation and median: the standard library's, also where its sums are too large."""

import math
import statistics
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.statistics.moments import LARGEST, deviation, mean, median, within_floats

FINITE = st.floats(allow_nan=False, allow_infinity=False)
LARGE = st.one_of(FINITE, st.sampled_from([LARGEST, -LARGEST, 1e308, -1e308, 9e307, 1.0]))


def close(found: float, exact: Fraction, size: float) -> bool:
    return abs(Fraction(found) - exact) <= Fraction(size) / 2**50 + Fraction(sys.float_info.min)


@given(st.lists(LARGE, min_size=1, max_size=9))
def test_mean_and_median_of_whatever_is_finite(values: list[float]) -> None:
    exact = [Fraction(value) for value in values]
    size = max(map(abs, values))
    assert close(mean(iter(values)), statistics.mean(exact), size)
    assert close(median(values), statistics.median(exact), size)
    assert min(values) <= median(values) <= max(values)


@given(st.lists(LARGE, min_size=2, max_size=9))
def test_a_deviation_is_finite_and_right_where_a_float_can_hold_it(values: list[float]) -> None:
    found = deviation(values)
    variance = statistics.variance([Fraction(value) for value in values])
    if variance > Fraction(LARGEST) ** 2:
        assert found == LARGEST
    else:
        assert abs(Fraction(found) ** 2 - variance) <= variance / 2**40 + Fraction(sys.float_info.min)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9))
def test_usual_values_have_the_numbers_of_the_standard_library(values: list[float]) -> None:
    assert mean(values) == statistics.fmean(values)
    assert deviation(values) == statistics.stdev(values)
    assert median(values) == statistics.median(values)


@pytest.mark.parametrize(
    ("value", "within"), [(math.inf, LARGEST), (-math.inf, -LARGEST), (LARGEST, LARGEST), (1.5, 1.5)]
)
def test_what_is_beyond_all_floats_is_the_largest(value: float, within: float) -> None:
    assert within_floats(value) == within
