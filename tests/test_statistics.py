"""Statistics: exactness against scipy and against counting, and what the intervals and tie groups promise."""

import itertools
import math
from fractions import Fraction
from unittest.mock import Mock

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench import statistics
from ganbench.statistics import intervals, tests, ties
from tests.scores import INF, scores


@pytest.mark.parametrize(("n", "p"), [(2, 1 / 3), (3, 0.1), (4, 2 / 70), (5, 2 / 252)])
def test_smallest_p_values_are_what_counting_gives(n: int, p: float) -> None:
    low, high = list(range(n)), list(range(n, 2 * n))
    assert statistics.rank_test(low, high) == pytest.approx(p)
    assert statistics.permutation_test(low, high) == pytest.approx(p)
    assert statistics.smallest_p(n, n) == pytest.approx(p)
    assert statistics.rank_test(low, high, "less") == pytest.approx(p / 2)
    assert statistics.rank_test(low, high, "greater") == 1.0


@given(scores, scores, st.sampled_from(["less", "greater", "two-sided"]))
@settings(max_examples=60, deadline=None)
def test_the_rank_test_is_scipys_where_scipys_is_exact(a: list[float], b: list[float], alternative: str) -> None:
    if len({*a, *b}) < len(a) + len(b):  # scipy's exact method does not take ties
        ranks = scipy.stats.rankdata([*a, *b])
        observed = sum(ranks[: len(a)])
        sums = [sum(part) for part in itertools.combinations(ranks, len(a))]
        less = sum(each <= observed for each in sums) / len(sums)
        greater = sum(each >= observed for each in sums) / len(sums)
        expected = {"less": less, "greater": greater, "two-sided": min(1.0, 2 * min(less, greater))}[alternative]
    else:
        expected = scipy.stats.mannwhitneyu(a, b, alternative=alternative, method="exact").pvalue
    assert statistics.rank_test(a, b, alternative) == pytest.approx(expected)  # type: ignore[arg-type]


def test_the_rank_test_of_many_values_is_close_to_exact() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=20), rng.normal(0.6, size=20)
    exact = statistics.rank_test(a.tolist(), b.tolist())
    assert exact == pytest.approx(scipy.stats.mannwhitneyu(a, b, method="exact").pvalue)
    for n, m in ((25, 25), (2, 39), (60, 3)):  # no longer counted in Python, and still exact
        a, b = rng.normal(size=n), rng.normal(1.5, size=m)
        for alternative in ("less", "greater", "two-sided"):
            expected = scipy.stats.mannwhitneyu(a, b, alternative=alternative, method="exact").pvalue
            assert statistics.rank_test(a.tolist(), b.tolist(), alternative) == pytest.approx(expected, rel=1e-9)
    assert statistics.rank_test([0.0, 1.0], [2.0 + i for i in range(39)], "less") == pytest.approx(1 / math.comb(41, 2))
    a, b = rng.normal(size=200), rng.normal(0.2, size=200)
    assert not statistics.is_exact(200, 200)
    for alternative in ("less", "greater", "two-sided"):
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


def test_a_divergence_ranks_last_and_is_no_number_for_a_mean() -> None:
    assert statistics.rank_test([1, 2, INF], [3, 4, 5]) > statistics.rank_test([1, 2, 2.5], [3, 4, 5])
    assert statistics.rank_test([INF] * 5, [1, 2, 3, 4, 5]) == pytest.approx(2 / 252)
    assert statistics.rank_test([INF] * 5, [INF] * 5) == 1.0
    with pytest.raises(ValueError, match="finite"):
        statistics.permutation_test([1, INF], [2, 3])


@pytest.mark.parametrize(
    ("a", "b"), [([], [1.0]), ([1.0], []), ([1.0, math.nan], [1.0]), ([1.0], [math.nan, 1.0])]
)  # fmt: skip
def test_tests_refuse_what_they_cannot_place(a: list[float], b: list[float]) -> None:
    for test in (statistics.rank_test, statistics.permutation_test):
        with pytest.raises(ValueError, match=r"NaN|at least one value"):
            test(a, b)
        with pytest.raises(ValueError, match=r"^there is no alternative 'more'; choose one of: greater, less, two-"):
            test([1.0], [2.0], "more")  # type: ignore[arg-type]


def test_the_permutation_test_looks_at_sizes() -> None:
    a, b = [1.0, 2.0, 3.0, 4.0, 9.5], [5.0, 6.0, 7.0, 8.0, 9.0]
    every = [np.mean(part) - np.mean(list({*a, *b} - set(part))) for part in itertools.combinations([*a, *b], 5)]
    less = np.mean([each <= np.mean(a) - np.mean(b) + 1e-9 for each in every])
    assert statistics.permutation_test(a, b, "less") == pytest.approx(less)


@given(scores, scores, st.sampled_from(["less", "greater", "two-sided"]))
@settings(max_examples=60, deadline=None)
def test_the_permutation_test_counts_every_split_of_any_two_samples(
    a: list[float], b: list[float], alternative: str
) -> None:
    """Of a single value too, and of differences that are equal but for rounding."""
    both = [Fraction(str(value)) for value in (*a, *b)]
    sums = [sum(part) for part in itertools.combinations(both, len(a))]
    observed = sum(both[: len(a)])
    less = sum(each <= observed for each in sums) / len(sums)
    greater = sum(each >= observed for each in sums) / len(sums)
    expected = {"less": less, "greater": greater, "two-sided": min(1.0, 2 * min(less, greater))}[alternative]
    assert statistics.permutation_test(a, b, alternative) == pytest.approx(expected)  # type: ignore[arg-type]


def test_the_permutation_test_of_a_single_value_and_beside_a_huge_one() -> None:
    assert statistics.permutation_test([1.0], [2.0]) == 1.0
    assert statistics.permutation_test([1.0], [2.0, 3.0, 4.0], "less") == 0.25
    assert statistics.permutation_test([1e12, 0.9], [0.0, 1.0, 1.0, 1.0], "less") == pytest.approx(12 / 15)
    for low in ([-1.7e308, -1e308], [0.0, 1.0]):
        found = [statistics.permutation_test([1e308, 1.7e308], low, way) for way in ("greater", "less")]  # type: ignore[arg-type]
        assert found == pytest.approx([1 / 6, 1])


def test_of_many_values_the_permutation_test_draws_splits() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=20).tolist(), rng.normal(0.6, size=25).tolist()
    assert math.comb(45, 20) > tests.SPLITS
    found = statistics.permutation_test(a, b)
    assert found == statistics.permutation_test(a, b)
    assert found == pytest.approx(scipy.stats.ttest_ind(a, b).pvalue, abs=0.01)
    assert statistics.permutation_test([0.0] * 20, [1.0] * 25, "less") == 1 / (tests.SPLITS + 1)
    assert statistics.permutation_test([1.0] * 20, [0.0] * 25, "greater") == 1 / (tests.SPLITS + 1)


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


def test_intervals_of_known_numbers() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    low, high = scipy.stats.t.interval(0.95, 4, loc=3, scale=scipy.stats.sem(values))
    found = statistics.interval(values, method="t")
    assert found == (pytest.approx(low), pytest.approx(high), 0.95, "t")
    assert statistics.interval([1.0]) is None


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
    [(([1.0, INF],), "finite"), (([1.0, 2.0], 95), "between 0 and 1"), (([1.0, 2.0], 0.95, "magic"), "no interval")],
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


def test_tie_groups_of_clear_cases() -> None:
    low, high, far = [1.0, 2, 3, 4, 5], [11.0, 12, 13, 14, 15], [21.0, 22, 23, 24, INF]
    assert statistics.tie_groups([high, low, far, [1.5, 2.5, 3.5, 4.5, 5.5]]) == [2, 1, 3, 1]
    assert statistics.tie_groups([low, [], [INF] * 5]) == [1, None, 2]
    assert statistics.tie_groups([]) == []
    assert statistics.tie_groups([low]) == [1]


def test_three_seeds_separate_no_two_rows() -> None:
    assert statistics.tie_groups([[1, 2, 3], [11, 12, 13]]) == [1, 1]
    assert statistics.tie_groups([[1, 2, 3, 4], [11, 12, 13, 14]]) == [1, 2]


def test_a_p_value_of_just_the_level_sets_rows_apart_also_after_the_correction() -> None:
    """Three seeds are all below three others by chance in 1 of 20, and each of four rows has three rivals."""
    rows = [[10.0 * place + seed for seed in range(3)] for place in range(4)]
    assert 3 * 0.05 > 0.15, "by rounding"
    assert [statistics.best_set(rows, alpha) for alpha in (0.15, 0.1499)] == [[0], [0, 1, 2, 3]]
    assert [statistics.best_set(rows[:2], alpha) for alpha in (0.1, 0.0999)] == [[0], [0, 1]]


def test_rows_that_beat_each_other_in_a_circle_are_tied() -> None:
    """Three rows of many seeds, each better than the next with probability 5/9."""
    dice = [[2.0, 4, 9], [1.0, 6, 8], [3.0, 5, 7]]
    rows = [[face + seed * 1e-6 for face in die for seed in range(240)] for die in dice]
    assert statistics.best_set(rows) == [0, 1, 2]


@given(st.lists(scores, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_every_row_with_scores_has_a_group_and_the_first_is_never_empty(rows: list[list[float]]) -> None:
    groups = statistics.tie_groups(rows)
    assert None not in groups
    assert set(groups) == set(range(1, max(group or 0 for group in groups) + 1))


def test_the_same_rows_are_tested_once_for_all_places_of_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    tested = Mock(wraps=ties.rank_test)
    monkeypatch.setattr(ties, "rank_test", tested)
    rows = [[place + seed / 10 + 0.0123 for seed in range(5)] for place in range(6)]
    first = statistics.tie_groups(rows)
    once = tested.call_count
    first.clear()  # whoever changes the list that it got changes nobody else's
    assert statistics.tie_groups([tuple(row) for row in rows]) == [1, 2, 3, 4, 5, 6]
    assert (once > 0, tested.call_count) == (True, once)
    assert statistics.tie_groups(rows, 1e-9) == [1] * 6
    assert tested.call_count > once


def test_the_resamples_of_as_many_values_are_drawn_once() -> None:
    intervals._resamples.cache_clear()
    intervals._bootstrap.cache_clear()
    for shift in range(4):
        values = [shift + value for value in (1.0, 2.0, 4.0, 8.0, 9.0, 11.0)]
        assert statistics.interval(values) == statistics.interval(values[::-1])
    assert (intervals._resamples.cache_info().misses, intervals._bootstrap.cache_info().misses) == (1, 4)


def test_rows_without_scores_cost_the_others_nothing() -> None:
    rows = [[1.0, 2, 3, 4], [11.0, 12, 13, 14]]
    assert statistics.best_set([*rows, [], [], []]) == [0]
