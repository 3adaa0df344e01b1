"""How many seeds a claim needs, and how many would probably settle it."""

import math
import random
from typing import Any, Literal

import pytest
import scipy.stats

from ganbench import statistics
from ganbench.statistics import planning


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
    found = [statistics.seeds_for_power(probability) for probability in (0.5362, 0.53617, 0.53616, 0.5)]
    assert found == [999, 1000, None, None]


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
    assert statistics.minimum_seeds() == 4
    for comparisons, least in ((1, 7), (100, 11)):
        assert statistics.minimum_seeds(0.001, comparisons) == least
        assert statistics.seeds_for_power(1.0, 0.001, comparisons=comparisons, power=0.01) == least
    assert [statistics.seeds_for_power(1.0, sides=sides, power=0.01) for sides in (1, 2)] == [3, 4]
