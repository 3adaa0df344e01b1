"""The probability that a seed of one row beats one of another, and how many seeds a claim needs."""

import math
import random
import sys
from unittest.mock import Mock

import pytest
import scipy.stats
from hypothesis import given, settings

from ganbench import statistics
from ganbench.statistics import planning
from tests.scores import INF, scores


def test_superiority_of_known_samples() -> None:
    assert statistics.superiority([1, 2, 3], [4, 5, 6]).probability == 1.0
    assert statistics.superiority([1, 2], [1, 2]).probability == 0.5
    assert statistics.superiority([1, INF], [2, INF]).probability == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    with pytest.raises(ValueError, match="at least one"):
        statistics.superiority([], [1])


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
