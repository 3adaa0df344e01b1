"""Tests against a margin: what is added to old scores or multiplied with them, and what stays as it is."""

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.statistics import MarginTests, decide, margin_tests, rank_test, seeds_to_settle

BASE = [1.0, 1.1, 1.2, 1.3, 1.4]
DIVERGED = math.inf


def test_an_absolute_margin_is_a_shift_and_a_relative_one_a_factor() -> None:
    new = [2.61, 2.65, 2.7, 2.72, 2.75]
    shifted = margin_tests(BASE, new, 1.2)
    assert shifted.worse == pytest.approx(1 / 252)
    assert shifted.fine == 1.0
    # The mean is as far away, but it is not known so well: of the old scores doubled one is beyond all new ones.
    doubled = margin_tests(BASE, new, 1.0, relative=True)
    assert doubled.worse == rank_test(new, [2 * value for value in BASE], "greater") == pytest.approx(19 / 252)
    assert doubled.fine == rank_test(new, [2 * value for value in BASE], "less")


def test_scores_of_which_more_is_better_get_smaller_by_a_share() -> None:
    base = [-10.0, -9.0, -8.0, -7.0, -6.0]
    halved = [-5.0, -4.5, -4.0, -3.5, -3.0]
    new = [-4.6, -3.9, -3.6, -3.4, -2.0]
    assert margin_tests(base, new, 0.5, relative=True).worse == rank_test(new, halved, "greater") < 0.5
    assert margin_tests(base, halved, 0.5, relative=True) == (*(rank_test(BASE, BASE, "greater"),) * 2, False)


@pytest.mark.parametrize("share", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_seed_that_diverged_stays_the_worst_whatever_the_factor(share: float, sign: float) -> None:
    base = [sign * value for value in BASE]
    found = margin_tests([*base, DIVERGED], [-100.0] * 5 + [DIVERGED], share, relative=True)
    edge = [value * (1 + sign * share) for value in base]
    assert found.fine == rank_test([-100.0] * 5 + [DIVERGED], [*edge, DIVERGED], "less")
    assert margin_tests([DIVERGED] * 5, BASE, share, relative=True).fine == pytest.approx(1 / 252)


def test_what_is_worse_by_exactly_the_margin_is_a_tie_also_at_zero() -> None:
    assert 0.1 + 0.2 != 0.3
    assert margin_tests([0.1] * 5, [0.3] * 5, 0.2) == (1.0, 1.0, False)
    assert margin_tests([-0.3] * 5, [0.1 + 0.2 - 0.3] * 5, 0.3) == (1.0, 1.0, False)
    assert margin_tests([1e-9] * 5, [3e-9] * 5, 2e-9) == (1.0, 1.0, False)
    assert margin_tests([1.1] * 5, [1.21] * 5, 0.1, relative=True) == (1.0, 1.0, False)
    assert margin_tests([-1.1] * 5, [-0.99] * 5, 0.1, relative=True) == (1.0, 1.0, False)
    assert margin_tests([0.0] * 5, [0.0] * 5, 0.1, relative=True) == (1.0, 1.0, False)


def test_the_seeds_that_would_settle_it_are_those_of_the_same_test() -> None:
    new = [2.61, 2.65, 2.7, 2.72, 2.75]
    doubled = [2 * value for value in BASE]
    assert seeds_to_settle(BASE, new, 1.0, relative=True) == seeds_to_settle(doubled, new)
    assert seeds_to_settle(BASE, new, 1.0, relative=True) != seeds_to_settle(BASE, new, 1.0)


def test_rows_share_the_level_of_the_test_that_they_got_worse_alone() -> None:
    worse, better = ([value + change for value in BASE] for change in (0.3, -0.3))
    alone, among = ([seeds_to_settle(BASE, new, comparisons=rows) for new in (worse, better)] for rows in (1, 10))
    assert alone[0] == alone[1] == among[1]
    assert among[0] is not None
    assert alone[0] is not None
    assert among[0] > alone[0]


def test_the_seeds_that_would_settle_it_are_those_of_a_one_sided_test() -> None:
    """Noether's numbers for a probability of 0.8: 12, and 19 where five rows share the level."""
    worse, fine = [4.5], [1.5]  # behind four of the five, and ahead of four
    assert [seeds_to_settle([1, 2, 3, 4, 5], new) for new in (worse, fine)] == [12, 12]
    assert [seeds_to_settle([1, 2, 3, 4, 5], new, comparisons=5) for new in (worse, fine)] == [19, 12]


@pytest.mark.parametrize("margin", [-0.1, math.inf, math.nan])
def test_margins_that_are_none(margin: float) -> None:
    with pytest.raises(ValueError, match="a margin must be finite and not negative"):
        margin_tests(BASE, BASE, margin)


def test_rows_are_decided_together() -> None:
    """By Holm for getting worse, each for itself for not getting worse; both may be small only by mistake."""
    tests = [MarginTests(0.02, 0.9), MarginTests(0.03, 0.9), MarginTests(0.9, 0.05), MarginTests(0.9, 0.051)]
    assert [decision.outcome for decision in decide(tests, 0.05)] == ["inconclusive"] * 2 + ["pass", "inconclusive"]
    assert decide(tests, 0.05)[0].worse == pytest.approx(0.08)
    assert [decision.outcome for decision in decide(tests[:2], 0.05)] == ["fail", "fail"]
    assert decide([MarginTests(0.05, 0.9)], 0.05)[0].outcome == "fail", "of just the level"
    assert 3 * 0.05 > 0.15, "by rounding"
    assert {decision.outcome for decision in decide([MarginTests(0.05, 0.9)] * 3, 0.15)} == {"fail"}
    assert decide([], 0.05) == []


def test_a_mean_that_is_worse_by_more_than_the_margin_does_not_pass() -> None:
    """Of ten seeds two collapsed: the order of the scores alone says that they did not get worse."""
    base, new = [4 + seed / 100 for seed in range(10)], [*(4.005 + seed / 100 for seed in range(8)), 20.0, 25.0]
    far = margin_tests(base, new, 0.3, relative=True)
    assert far.fine < 0.05
    assert far.beyond
    assert decide([far], 0.05)[0].outcome == "inconclusive"
    near = margin_tests(base, new[:8], 0.3, relative=True)
    assert (near.beyond, decide([near], 0.05)[0].outcome) == (False, "pass")
    # What diverged has no part in a mean, and where more is better it is turned.
    assert not margin_tests([*base, DIVERGED], [*new[:8], DIVERGED], 0.3, relative=True).beyond
    assert not margin_tests(base, [*new[:8], DIVERGED], 0.3, relative=True).beyond
    assert not margin_tests([DIVERGED], [1.0], 0.3).beyond
    assert margin_tests([-score for score in (9.0, 9.1)], [-9.2, -0.1], 0.3, relative=True).beyond


@pytest.mark.parametrize("exploded", [1e12, 1e16, 1e300])
def test_one_seed_that_exploded_makes_no_ties_of_the_others(exploded: float) -> None:
    """The rank test looks at its place alone, and so does what is equal but for rounding."""
    new = [value + 0.5 for value in BASE]
    for margin, relative in ((0.0, False), (0.05, False), (0.05, True)):
        expected = margin_tests([*BASE, 10.0], [*new, 10.6], margin, relative=relative)
        found = margin_tests([*BASE, exploded], [*new, exploded * 1.06], margin, relative=relative)
        assert found[:2] == expected[:2]
        assert found.worse < 0.5
        assert margin_tests(BASE, [*new[:4], exploded], margin, relative=relative).worse < 0.5


def test_a_mean_that_is_worse_by_exactly_the_margin_is_not_beyond_it_whatever_the_rounding() -> None:
    for third in (0.1, 0.7, 1.1, 3.3):
        base = [0.1, 0.2, third]
        assert not margin_tests(base, [value + 0.3 for value in base[::-1]], 0.3).beyond
        assert not margin_tests(base, [value * 1.1 for value in base[::-1]], 0.1, relative=True).beyond
        assert margin_tests(base, [value + 0.3001 for value in base], 0.3).beyond
    # Of other scores with the mean 5.15, or 5.5125, which no float is.
    assert not margin_tests([1.6, 8.6, 2.4, 7.2], [1.8, 9.6, 1.8, 7.4], 0.2).beyond
    assert not margin_tests([4.3, 1.1, 5.3, 4.0], [6.75, 1.65, 7.95, 5.7], 0.5, relative=True).beyond


tenths = st.lists(st.integers(-5, 5), min_size=1, max_size=3)


@given(tenths, tenths, st.integers(0, 6), st.booleans())
@settings(max_examples=300, deadline=None)
def test_means_are_compared_as_the_numbers_are_written(
    base: list[int], new: list[int], margin: int, relative: bool
) -> None:
    """In whole tenths, of which the floating-point numbers know about sixteen digits."""
    before, after = Fraction(sum(base), len(base)), Fraction(sum(new), len(new))
    edge = before + abs(before) * Fraction(margin, 10) if relative else before + margin
    was, now = ([value / 10 for value in side] for side in (base, new))
    assert margin_tests(was, now, margin / 10, relative=relative).beyond == (after > edge)


@pytest.mark.parametrize(
    ("before", "spread", "share"), [(5, 0.25, 0.05), (5, 4.0, 0.05), (20, 0.25, 0.01), (20, 2.0, 0.09), (20, 4.0, 0.13)]
)
def test_what_another_spread_does_to_the_level(before: int, spread: float, share: float) -> None:
    """Nothing is promised with unequal numbers of seeds: docs/statistics.md says what was found."""
    rng = random.Random(8)
    worse = fine = 0
    for _ in range(2000):
        base = [rng.gauss(0, 1) for _ in range(before)]
        tests = margin_tests(base, [2 + rng.gauss(0, spread) for _ in range(5)], 2.0)
        worse += tests.worse <= 0.05
        fine += tests.fine <= 0.05
    assert worse / 2000 == pytest.approx(share, abs=0.02)
    assert fine / 2000 == pytest.approx(share, abs=0.02)
