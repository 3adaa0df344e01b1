"""The probability that one method beats another."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple


class Superiority(NamedTuple):
    """P(A beats B) for one seed of each, ties counting half, and the ends of its confidence interval."""

    probability: float
    low: float
    high: float

    @property
    def turned(self) -> "Superiority":
        """The same as P(B beats A)."""
        return Superiority(1 - self.probability, 1 - self.high, 1 - self.low)


def superiority(a: Sequence[float], b: Sequence[float], level: float = 0.95) -> Superiority:
    """Estimate the probability that a seed of ``a`` is better (lower) than a seed of ``b``.

    The interval is Newcombe's score interval (Statistics in Medicine 2006, method 5), which stays honest where all of
    one sample beats all of the other: three against three is 1.00 with an interval from 0.50 to 1.00.

    Args:
        a, b: scores, lower is better; ``math.inf`` for a seed that diverged.
        level: the confidence level of the interval.

    Raises:
        ValueError: a sample is empty.
    """
    if not a or not b:
        raise ValueError("a probability of superiority needs at least one value on each side")
    others = sorted(b)
    # Each value beats those after its equals, and its equals by half: twice the wins, so that the count is whole.
    doubled = sum(2 * len(b) - bisect_left(others, value) - bisect_right(others, value) for value in a)
    return _from_wins(doubled, len(a), len(b), level)


@lru_cache(maxsize=4096)
def _from_wins(doubled: int, n: int, m: int, level: float) -> Superiority:
    """The estimate of ``n`` seeds against ``m``. Few counts are possible, and many pairs of a table share one."""
    estimate = doubled / 2 / (n * m)
    z = NormalDist().inv_cdf((1 + level) / 2)
    return Superiority(estimate, _root(estimate, n, m, z, 0.0), _root(estimate, n, m, z, 1.0))


def _root(estimate: float, n: int, m: int, z: float, end: float) -> float:
    """The value between the estimate and ``end`` that is ``z`` of its own standard errors away from the estimate.

    An estimate that is the end is its own root.
    """
    inside, outside = estimate, end
    for _ in range(60):
        middle = (inside + outside) / 2
        if abs(middle - estimate) <= z * math.sqrt(_variance(middle, n, m)):
            inside = middle
        else:
            outside = middle
    return inside


def _variance(theta: float, n: int, m: int) -> float:
    """Hanley and McNeil's variance of the estimate, with Newcombe's symmetric sample sizes."""
    size = (n + m) / 2 - 1
    return theta * (1 - theta) * (1 + size * (1 - theta) / (2 - theta) + size * theta / (1 + theta)) / (n * m)
