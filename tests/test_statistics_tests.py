"""Exact tests against scipy and against counting, and Holm's correction."""

import itertools
import math
from typing import get_args

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench import statistics
from ganbench.statistics import tests
from ganbench.statistics.tests import Alternative
from tests.scores import INF, scores

ALTERNATIVES: tuple[Alternative, ...] = get_args(Alternative)


@pytest.mark.parametrize(
    ("n", "m", "p"),
    [(1, 1, 1.0), (2, 2, 1 / 3), (3, 3, 0.1), (4, 4, 2 / 70), (5, 5, 2 / 252), (2, 5, 2 / 21), (5, 2, 2 / 21)],
)
def test_smallest_p_values_are_what_counting_gives(n: int, m: int, p: float) -> None:
    low, high = list(range(n)), list(range(n, n + m))
    assert statistics.rank_test(low, high) == pytest.approx(p)
    assert statistics.smallest_p(n, m) == pytest.approx(p)
    assert statistics.smallest_p(n, m, "less") == statistics.smallest_p(n, m, "greater") == pytest.approx(p / 2)
    assert statistics.rank_test(low, high, "less") == pytest.approx(p / 2)
    assert statistics.rank_test(low, high, "greater") == 1.0


@given(scores, scores, st.sampled_from(ALTERNATIVES))
@settings(max_examples=60, deadline=None)
def test_the_rank_test_is_scipys_where_scipys_is_exact(
    a: list[float], b: list[float], alternative: Alternative
) -> None:
    if len({*a, *b}) < len(a) + len(b):  # scipy's exact method does not take ties
        ranks = scipy.stats.rankdata([*a, *b])
        observed = sum(ranks[: len(a)])
        sums = [sum(part) for part in itertools.combinations(ranks, len(a))]
        less = sum(each <= observed for each in sums) / len(sums)
        greater = sum(each >= observed for each in sums) / len(sums)
        expected = {"less": less, "greater": greater, "two-sided": min(1.0, 2 * min(less, greater))}[alternative]
    else:
        expected = scipy.stats.mannwhitneyu(a, b, alternative=alternative, method="exact").pvalue
    assert statistics.rank_test(a, b, alternative) == pytest.approx(expected)


def test_the_rank_test_of_many_values_is_close_to_exact() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=20), rng.normal(0.6, size=20)
    exact = statistics.rank_test(a.tolist(), b.tolist())
    assert exact == pytest.approx(scipy.stats.mannwhitneyu(a, b, method="exact").pvalue)
    for n, m in ((25, 25), (2, 39), (60, 3)):  # no longer counted in Python, and still exact
        a, b = rng.normal(size=n), rng.normal(1.5, size=m)
        for alternative in ALTERNATIVES:
            expected = scipy.stats.mannwhitneyu(a, b, alternative=alternative, method="exact").pvalue
            assert statistics.rank_test(a.tolist(), b.tolist(), alternative) == pytest.approx(expected, rel=1e-9)
    assert statistics.rank_test([0.0, 1.0], [2.0 + i for i in range(39)], "less") == pytest.approx(1 / math.comb(41, 2))
    a, b = rng.normal(size=200), rng.normal(0.2, size=200)
    assert not statistics.is_exact(200, 200)
    for alternative in ALTERNATIVES:
        expected = scipy.stats.mannwhitneyu(a, b, alternative=alternative).pvalue
        assert statistics.rank_test(a.tolist(), b.tolist(), alternative) == pytest.approx(expected)


@given(st.lists(st.integers(0, 9), min_size=4, max_size=12), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_both_ways_to_count_give_the_same(values: list[int], n: int) -> None:
    ranks = tuple(sorted(tests.double_midranks(values)))
    count = tests._tails.__wrapped__
    for observed in {sum(part) for part in itertools.combinations(ranks, n)}:
        with pytest.MonkeyPatch.context() as patch:
            plain = count(ranks, n, observed)
            patch.setattr(tests, "SMALL", 0)
            assert count(ranks, n, observed) == pytest.approx(plain)


def test_a_divergence_ranks_last() -> None:
    assert statistics.rank_test([1, 2, INF], [3, 4, 5]) > statistics.rank_test([1, 2, 2.5], [3, 4, 5])
    assert statistics.rank_test([INF] * 5, [1, 2, 3, 4, 5]) == pytest.approx(2 / 252)
    assert statistics.rank_test([INF] * 5, [INF] * 5) == 1.0


@pytest.mark.parametrize(
    ("a", "b"), [([], [1.0]), ([1.0], []), ([1.0, math.nan], [1.0]), ([1.0], [math.nan, 1.0])]
)  # fmt: skip
def test_tests_refuse_what_they_cannot_place(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match=r"NaN|at least one value"):
        statistics.rank_test(a, b)


def test_there_are_three_alternatives() -> None:
    with pytest.raises(ValueError, match=r"^there is no alternative 'more'; choose one of: greater, less, two-"):
        statistics.rank_test([1.0], [2.0], "more")  # type: ignore[arg-type]


def test_holm() -> None:
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([]) == []
    assert statistics.holm([0.9, 0.8]) == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_only_raises_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = statistics.holm(p_values)
    assert all(after >= before for before, after in zip(p_values, adjusted, strict=True))
    by_p = sorted(range(len(p_values)), key=lambda i: p_values[i])
    assert sorted(adjusted) == [adjusted[i] for i in by_p]
    assert min(adjusted) == pytest.approx(min(1, len(p_values) * min(p_values)))
