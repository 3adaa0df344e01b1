"""What a comparison comes to: a check of each row, and the verdict of all."""

from collections.abc import Iterable
from dataclasses import dataclass

from ganbench.leaderboard.margin import Margin
from ganbench.statistics import Outcome

EXIT_CODES: dict[Outcome, int] = {"pass": 0, "fail": 1, "inconclusive": 3}


@dataclass(frozen=True)
class Check:
    """One row of the comparison.

    Attributes:
        name: the row.
        metric: the metric's heading; empty where nothing could be compared.
        outcome: what came of it.
        reason: why, in a sentence.
        base, new: the two sides as ``1.20 ± 0.10``; ``-`` without a score.
        effect: the difference of the means, turned so that positive is worse; ``None`` without.
        margin: as the metric's values are stored.
        percent: whether these are shares that tables show as percentages.
        worse: p-value, corrected by Holm, that it did not get worse by more than the margin.
        fine: p-value that it got worse by the margin at least.
        seeds: at a rough guess how many seeds on either side would settle an inconclusive row.
    """

    name: str
    outcome: Outcome
    reason: str
    metric: str = ""
    base: str = "-"
    new: str = "-"
    effect: float | None = None
    margin: float | None = None
    percent: bool = False
    worse: float | None = None
    fine: float | None = None
    seeds: int | None = None


@dataclass(frozen=True)
class Verdict:
    """The rows, and what they come to: a failure wherever one failed, a pass only where all passed.

    ``exact`` says whether all tests were, or some were normal approximations, as there are so many seeds. ``caveats``
    are what it must be read with, a line each.
    """

    checks: tuple[Check, ...]
    margin: Margin
    alpha: float
    exact: bool = True
    caveats: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """What the rows come to."""
        return overall(check.outcome for check in self.checks)

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 inconclusive."""
        return EXIT_CODES[self.outcome]

    def sentence(self) -> str:
        """The verdict in a line."""
        counts = [(sum(check.outcome == kind for check in self.checks), kind) for kind in EXIT_CODES]
        told = ", ".join(f"{count} {kind}" for count, kind in counts if count) or "nothing to compare"
        test = "exact rank tests, Holm" if self.exact else "rank tests, Holm"
        if all(check.worse is None for check in self.checks):
            test = "no row was tested"
        return f"{self.outcome}: {told} (margin {self.margin}, α = {self.alpha:g}, {test})"


def overall(outcomes: Iterable[Outcome]) -> Outcome:
    """What rows come to: a failure wherever one failed, a pass only where there are some and all passed."""
    found = set(outcomes)
    if "fail" in found:
        return "fail"
    return "pass" if found == {"pass"} else "inconclusive"
