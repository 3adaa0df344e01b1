"""Whether a change made scores worse by more than a margin, or not: two one-sided exact tests."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from ganbench.statistics.planning import seeds_for_power
from ganbench.statistics.superiority import superiority
from ganbench.statistics.tests import rank_test


class MarginTests(NamedTuple):
    """Two one-sided p-values.

    Attributes:
        worse: that the new scores are worse than the old by no more than the margin. Small: they got worse.
        fine: that the new scores are worse than the old by the margin at least. Small: they did not get worse.
    """

    worse: float
    fine: float


def margin_tests(base: Sequence[float], new: Sequence[float], margin: float = 0.0) -> MarginTests:
    """Test new scores against old ones (lower is better), moved by the margin, with the exact rank test.

    The tests ask of scores that they differ by a shift; seeds that diverged (``math.inf``) rank last on either side.

    Raises:
        ValueError: a sample is empty, or the margin is negative or not finite.
    """
    if not 0 <= margin < float("inf"):
        raise ValueError(f"a margin is zero or more and finite, not {margin}")
    moved, still = _snapped([value - margin for value in new], base, margin)
    return MarginTests(rank_test(moved, still, "greater"), rank_test(moved, still, "less"))


def _snapped(moved: Sequence[float], still: Sequence[float], margin: float) -> tuple[list[float], list[float]]:
    """Both samples on one fine grid: what is worse by exactly the margin is a tie, whichever way it was rounded."""
    largest = max([margin, *(abs(value) for value in (*moved, *still) if math.isfinite(value))])
    step = largest * 1e-12 or 1.0
    first, second = ([round(one / step) if math.isfinite(one) else one for one in sample] for sample in (moved, still))
    return first, second


def seeds_to_settle(
    base: Sequence[float], new: Sequence[float], margin: float = 0.0, alpha: float = 0.05, comparisons: int = 1
) -> int | None:
    """About how many seeds on either side would settle it one way or the other, at what was seen; ``None``: too many.

    Args:
        base, new, margin: as for :func:`margin_tests`.
        alpha: the level of both tests.
        comparisons: how many rows share the level of the test that they got worse.
    """
    fine = superiority(*_snapped([value - margin for value in new], base, margin)).probability
    return seeds_for_power(fine, alpha, comparisons=1 if fine > 0.5 else comparisons, sides=1)
