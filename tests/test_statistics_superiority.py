"""The probability that a seed of one row beats one of another, with its interval."""

import sys
from unittest.mock import Mock

import pytest
from hypothesis import given

from ganbench import statistics
from ganbench.statistics import Superiority, planning
from tests.scores import INF, scores


def test_superiority_of_known_samples() -> None:
    assert statistics.superiority([1, 2, 3], [4, 5, 6]).probability == 1.0
    assert statistics.superiority([1, 2], [1, 2]).probability == 0.5
    assert statistics.superiority([1, INF], [2, INF]).probability == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    empty: list[float] = []
    for one, other in ((empty, [1.0]), ([1.0], empty)):
        with pytest.raises(ValueError, match=r"^a probability of superiority needs at least one value on each side$"):
            statistics.superiority(one, other)


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
