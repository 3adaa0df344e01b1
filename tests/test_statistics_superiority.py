"""The probability that a seed of one row beats one of another, and how many seeds a claim needs."""

import math
import random
import sys
from typing import Any, Literal
from unittest.mock import Mock

import pytest
import scipy.stats
from hypothesis import given, settings

from ganbench import statistics
from ganbench.statistics import Superiority, planning
from tests.scores import INF, scores


def test_superiority_of_known_samples() -> None:
    assert statistics.superiority([1, 2, 3], [4, 5, 6]).probability == 1.0
    assert statistics.superiority([1, 2], [1, 2]).probability == 0.5
    assert statistics.superiority([1, INF], [2, INF]).probability == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    for sides in (([], [1]), ([1], [])):
        with pytest.raises(ValueError, match=r"^a probability of superiority needs at least one value on each side$"):
            statistics.superiority(*sides)


def test_superiority_turned_is_that_of_the_other() -> None:
    one, other = statistics.superiority([1, 2, 6], [4, 5, 7, 8]), statistics.superiority([4, 5, 7, 8], [1, 2, 6])
    assert one.turned == pytest.approx(other)
    assert Superiority(0.75, 0.5, 0.875).turned == (0.25, 0.125, 0.5)


def test_an_estimate_of_none_or_of_all_is_an_end_of_its_interval() -> None:
    none = statistics.superiority([5, 6], [1, 2])
    assert (none.probability, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(0.6143642955)
    every = statistics.superiority([1, 2], [5, 6])
    assert (every.probability, every.high) == (1.0, 1.0)
    assert every.low == pytest.approx(1 - none.high)


def test_a_higher_level_has_a_wider_interval() -> None:
    wide, narrow = (statistics.superiority([1, 3], [2, 4], level) for level in (0.99, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert statistics.superiority([1, 3], [2, 4]) == statistics.superiority([1, 3], [2, 4], 0.95)


@pytest.mark.parametrize(
    ("a", "b", "level", "probability", "low", "high"),
    [
        ([1, 2, 3], [4, 5, 6], 0.95, 1.0, 0.5010187607, 1.0),
        ([1, 2, 3, 4, 5], [2.5, 4.5, 6, 7, 8], 0.95, 0.84, 0.4657208339, 0.9656522178),
        ([0] * 5, [0] * 5, 0.95, 0.5, 0.2056130573, 0.7943869427),
        ([0] * 4, [1] * 7 + [0] + [-1] * 2, 0.9, 0.75, 0.4603083601, 0.9074364540),
        ([0] * 20, [1] * 24 + [-1] * 6, 0.95, 0.8, 0.6433456145, 0.8941462417),
    ],
)
def test_the_interval_of_superiority_is_newcombes(
    a: list[float], b: list[float], level: float, probability: float, low: float, high: float
) -> None:
    """The ends are roots of (estimate - t)^2 = z^2 V(t), a quartic in t, found by another program."""
    found = statistics.superiority(a, b, level)
    assert found == pytest.approx((probability, low, high), abs=1e-9)


@given(scores, scores)
@settings(max_examples=50, deadline=None)
def test_superiority_is_symmetric_and_inside_its_interval(a: list[float], b: list[float]) -> None:
    one, other = statistics.superiority(a, b), statistics.superiority(b, a)
    assert one.probability == pytest.approx(1 - other.probability)
    assert one.low == pytest.approx(1 - other.high, abs=1e-9)
    assert 0 <= one.low <= one.probability <= one.high <= 1
    assert one.low < one.high


@pytest.mark.parametrize(
    ("n", "m", "least"), [(3, 3, 0.1), (5, 5, 2 / 252), (1, 1, 1.0), (2, 5, 2 / 21), (5, 2, 2 / 21)]
)
def test_the_smallest_p_value_is_that_of_rows_far_apart(n: int, m: int, least: float) -> None:
    assert statistics.smallest_p(n, m) == pytest.approx(least)
    low, high = [float(i) for i in range(n)], [100.0 + i for i in range(m)]
    assert statistics.rank_test(low, high) == pytest.approx(least)
    for alternative in ("less", "greater"):
        assert statistics.smallest_p(n, m, alternative) == pytest.approx(least / 2)  # type: ignore[arg-type]


def test_without_a_value_on_either_side_nothing_is_significant() -> None:
    assert [statistics.smallest_p(*sizes) for sizes in ((0, 3), (3, 0), (0, 0))] == [1.0] * 3


@pytest.mark.parametrize(
    ("alpha", "comparisons", "sides", "least"),
    [(0.05, 1, 2, 4), (0.05, 6, 2, 5), (0.05, 1, 1, 3), (0.05, 2, 1, 4), (0.05, 12, 1, 5), (0.05, 13, 1, 6),
     (0.1, 1, 2, 3), (0.5, 1, 1, 1), (0.4, 1, 1, 2)],
)  # fmt: skip
def test_the_fewest_seeds_that_could_reject(alpha: float, comparisons: int, sides: Literal[1, 2], least: int) -> None:
    """As the table of docs/statistics.md says; a p-value of just the level rejects."""
    assert statistics.minimum_seeds(alpha, comparisons, sides) == least
    p = statistics.smallest_p(least, least, "two-sided" if sides == 2 else "less")
    assert p * comparisons <= alpha * (1 + 1e-9)


@pytest.mark.parametrize(
    ("probability", "options", "seeds"),
    [
        (0.8, {}, 15),  # (1.960 + 0.842)^2 / (6 * 0.3^2) = 14.5
        (0.2, {}, 15),
        (0.7, {}, 33),
        (1.0, {}, 6),
        (0.8, {"alpha": 0.01}, 22),
        (0.8, {"power": 0.9}, 20),
        (0.8, {"sides": 1}, 12),
        (0.8, {"sides": 1, "comparisons": 5}, 19),
    ],
)
def test_the_seeds_for_power_are_noethers(probability: float, options: dict[str, Any], seeds: int) -> None:
    assert statistics.seeds_for_power(probability, **options) == seeds


def test_a_thousand_seeds_are_the_most_that_anyone_will_train() -> None:
    assert planning.UNREALISTIC == 1000
    assert [statistics.seeds_for_power(probability) for probability in (0.5362, 0.53617, 0.53616)] == [999, 1000, None]


def test_how_many_seeds_a_claim_needs() -> None:
    assert statistics.minimum_seeds() == 4
    assert statistics.minimum_seeds(comparisons=6) == 5
    assert statistics.minimum_seeds(alpha=0.1) == 3
    assert statistics.minimum_seeds(sides=1) == 3
    assert statistics.seeds_for_power(0.5) is None
    assert statistics.seeds_for_power(0.501) is None
    assert statistics.seeds_for_power(1.0) == statistics.seeds_for_power(0.0)
    assert (statistics.seeds_for_power(0.8) or 0) > (statistics.seeds_for_power(0.9) or 0) > 4


def test_the_seeds_asked_for_have_the_power_promised() -> None:
    probability = 0.85
    n = statistics.seeds_for_power(probability)
    assert n is not None
    rng = random.Random(3)
    shift = math.sqrt(2) * scipy.stats.norm.ppf(probability)
    found = 0
    for _ in range(400):
        a, b = [rng.gauss(0, 1) for _ in range(n)], [rng.gauss(shift, 1) for _ in range(n)]
        found += statistics.rank_test(a, b) <= 0.05
    assert 0.7 < found / 400 < 0.92


def test_no_fewer_seeds_are_planned_than_could_reject() -> None:
    """Noether's number does not know that, where little power is asked for."""
    for comparisons, least in ((1, 7), (100, 11)):
        assert statistics.minimum_seeds(0.001, comparisons) == least
        assert statistics.seeds_for_power(1.0, 0.001, comparisons=comparisons, power=0.01) == least
    assert [statistics.seeds_for_power(1.0, sides=sides, power=0.01) for sides in (1, 2)] == [3, 4]  # type: ignore[arg-type]


def test_pairs_that_win_alike_share_their_interval_and_their_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["ganbench.statistics.superiority"]  # the package's name of it is the function
    module._from_wins.cache_clear()
    planning._seeds_for_power.cache_clear()
    searched, planned = Mock(wraps=module._root), Mock(wraps=planning.minimum_seeds)
    monkeypatch.setattr(module, "_root", searched)
    monkeypatch.setattr(planning, "minimum_seeds", planned)
    for shift in range(50):
        one, other = [shift + value for value in (1, 2, 5)], [shift + value for value in (3, 4, 6)]
        win = statistics.superiority(one, other)
        assert win.probability == pytest.approx(7 / 9)
        assert statistics.seeds_for_power(win.probability) == 17
    assert (searched.call_count, planned.call_count) == (2, 1)


@given(scores, scores)
def test_wins_are_counted_as_by_comparing_every_two(a: list[float], b: list[float]) -> None:
    wins = sum((x < y) + 0.5 * (x == y) for x in a for y in b)
    assert statistics.superiority(a, b).probability == wins / (len(a) * len(b))
