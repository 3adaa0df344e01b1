"""Whether a change made scores worse by more than a margin, or not: two one-sided exact tests."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from ganbench.statistics.moments import mean
from ganbench.statistics.planning import seeds_for_power
from ganbench.statistics.superiority import superiority
from ganbench.statistics.tests import holm, rank_test

ROUNDING = 1e-12
"""The share of a score, of the margin or of a level, by which two that are equal may differ."""

Outcome = Literal["pass", "fail", "inconclusive"]


class MarginTests(NamedTuple):
    """Two one-sided p-values, and what the means say, of which the order of scores knows little.

    Attributes:
        worse: that the new scores are worse than the old by no more than the margin. Small: they got worse.
        fine: that the new scores are worse than the old by the margin at least. Small: they did not get worse.
        beyond: whether the mean of the new scores is worse than that of the old by more than the margin.
    """

    worse: float
    fine: float
    beyond: bool = False


class Decision(NamedTuple):
    """What the two tests of a row come to, and the p-value that it got worse after Holm's correction over all rows."""

    outcome: Outcome
    worse: float


def margin_tests(
    base: Sequence[float], new: Sequence[float], margin: float = 0.0, *, relative: bool = False
) -> MarginTests:
    """Test new scores against old ones made worse by the margin (lower is better), with the exact rank test.

    An absolute margin is added to every old score; the tests ask of scores that they differ by a shift. A relative one
    multiplies every old score, and the tests ask that scores differ by a factor, so that the spread grows with the
    mean. They are exact all the same: no mean of the old scores is taken for the true one. Seeds that diverged
    (``math.inf``) rank last on either side.

    Args:
        base, new: scores, lower is better.
        margin: how much worse is still fine.
        relative: whether that is a share of the old scores' mean, 0.1 for 10 %, or in their unit.

    Raises:
        ValueError: a sample is empty, or the margin is negative or not finite.
    """
    edge, tested = _at_margin(base, new, margin, relative)
    old, now = ([value for value in sample if math.isfinite(value)] for sample in (edge, tested))
    beyond = False
    if old and now:
        before, after = mean(old), mean(now)
        # The mean of scores of both signs may be next to nothing, and was rounded as they were.
        size = max(*(mean(map(abs, scores)) for scores in (old, now)), 0.0 if relative else margin)
        beyond = after > before and not _alike(after, before, size)
    return MarginTests(rank_test(tested, edge, "greater"), rank_test(tested, edge, "less"), beyond)


def decide(tests: Sequence[MarginTests], alpha: float) -> list[Decision]:
    """Decide rows that are judged together.

    A row fails where it got worse by more than the margin, corrected by Holm, so that rows of which none did fail with
    probability ``alpha`` at most; it passes where it did not get worse by the margin, unless its mean did: most seeds
    are fine then and some lie far off, as those that collapsed do. Else there are too few seeds.
    """
    found = []
    for test, worse in zip(tests, holm([test.worse for test in tests]), strict=True):
        fine = test.fine <= alpha and not test.beyond
        outcome: Outcome = "fail" if worse <= alpha * (1 + ROUNDING) else "pass" if fine else "inconclusive"
        found.append(Decision(outcome, worse))
    return found


def seeds_to_settle(
    base: Sequence[float],
    new: Sequence[float],
    margin: float = 0.0,
    alpha: float = 0.05,
    comparisons: int = 1,
    *,
    relative: bool = False,
) -> int | None:
    """At a rough guess how many seeds on either side would settle it, one way or the other; ``None``: too many.

    With a power of 80 % if what was seen is the truth, of which few seeds know little.

    Args:
        base, new, margin, relative: as for :func:`margin_tests`.
        alpha: the level of both tests.
        comparisons: how many rows share the level of the test that they got worse.
    """
    edge, tested = _at_margin(base, new, margin, relative)
    fine = superiority(tested, edge).probability
    return seeds_for_power(fine, alpha, comparisons=1 if fine > 0.5 else comparisons, sides=1)


def _at_margin(
    base: Sequence[float], new: Sequence[float], margin: float, relative: bool
) -> tuple[list[float], list[float]]:
    """The old scores made worse by the margin, and the new ones, those that are equal but for rounding made equal.

    What is worse by exactly the margin is a tie then, whichever way it was rounded.
    """
    if not 0 <= margin < math.inf:
        raise ValueError(f"a margin must be finite and not negative, not {margin}")
    finite = [value for value in base if math.isfinite(value)]
    # Worse is towards larger numbers, also where these are negative as those of which more is better are.
    factor = 1 + math.copysign(margin, mean(finite)) if relative and finite else 1.0
    shift = 0.0 if relative else margin
    edge = [value * factor + shift if math.isfinite(value) else value for value in base]
    tied: dict[float, float] = {}
    leader = math.nan
    for value in sorted({*edge, *new}):
        if not _alike(value, leader, shift):
            leader = value
        tied[value] = leader
    return [tied[value] for value in edge], [tied[value] for value in new]


def _alike(value: float, other: float, size: float) -> bool:
    """Whether two scores are equal but for rounding: by a share of them, or of what took nearly all of them away.

    Not by a share of the largest score of all: one seed that exploded must not make the others alike.
    """
    return math.isfinite(value) and abs(value - other) <= ROUNDING * max(abs(value), size)
