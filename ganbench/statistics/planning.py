"""How many seeds a claim needs: the least that could carry one, and how many would probably settle it."""

import math
from functools import lru_cache
from statistics import NormalDist
from typing import Literal

from ganbench.statistics.tests import Alternative

UNREALISTIC = 1000
"""Beyond so many seeds per row the answer is "none that anyone will train"."""


def smallest_p(n: int, m: int, alternative: Alternative = "two-sided") -> float:
    """The smallest p-value that the exact tests can give with ``n`` and ``m`` values: 0.1 with 3 and 3."""
    if n < 1 or m < 1:
        return 1.0
    return (2 if alternative == "two-sided" else 1) / math.comb(n + m, n)


def minimum_seeds(alpha: float = 0.05, comparisons: int = 1, sides: Literal[1, 2] = 2) -> int:
    """The fewest seeds per row with which the exact tests could reject at all after correcting for ``comparisons``."""
    n = 1
    while sides * comparisons > alpha * math.comb(2 * n, n) * (1 + 1e-12):
        n += 1
    return n


def seeds_for_power(
    probability: float, alpha: float = 0.05, *, comparisons: int = 1, sides: Literal[1, 2] = 2, power: float = 0.8
) -> int | None:
    """About how many seeds per row the rank test needs, by Noether (JASA 1987), and never fewer than could reject.

    Args:
        probability: the true probability that a seed of one row beats a seed of the other. An estimate from few seeds
            makes a rough answer.
        alpha: the level of the test.
        comparisons: how many tests share ``alpha`` (Bonferroni's correction, which bounds Holm's).
        sides: of the test.
        power: the wanted probability of a rejection.

    Returns:
        seeds per row; ``None`` where more than :data:`UNREALISTIC` would be needed.
    """
    return _seeds_for_power(probability, alpha, comparisons, sides, power)


@lru_cache(maxsize=4096)  # many pairs of a table share a probability
def _seeds_for_power(
    probability: float, alpha: float, comparisons: int, sides: Literal[1, 2], power: float
) -> int | None:
    effect = abs(probability - 0.5)
    if effect == 0:
        return None
    normal = NormalDist()
    z = normal.inv_cdf(1 - alpha / (sides * comparisons)) + normal.inv_cdf(power)
    n = math.ceil(z * z / (6 * effect * effect))
    n = max(n, minimum_seeds(alpha, comparisons, sides))
    return n if n <= UNREALISTIC else None
