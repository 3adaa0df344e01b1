"""Whether a row is what it was: each of its seeds ended as before, with the same number but for rounding."""

from typing import NamedTuple

from ganbench.leaderboard.margin import Margin
from ganbench.statistics import Outcome
from ganbench.store.results import SUCCESS, Row
from ganbench.store.values import ValueInfo
from ganbench.tables.grouping import Group
from ganbench.tables.ranking import DIVERGED
from ganbench.tables.wording import in_unit

NEAR = 100
"""A seed counts as unchanged where its number moved by less than the margin over this. The rounding of another library
or processor is far below; what a change of training makes of a seed comes so near by chance, see :func:`unchanged`."""


class Unchanged(NamedTuple):
    """A row that is what it was.

    Attributes:
        base: the old row's seeds that the new one has.
        scored: how many of them have a score, the same on both sides but for ``largest``.
        largest: the largest difference of one seed's scores, as they are stored; zero where none differs.
    """

    base: Group
    scored: int
    largest: float


def unchanged(
    base: Group, new: Group, score: str, info: ValueInfo | None, margin: Margin, alpha: float
) -> Unchanged | None:
    """Return what stayed of a row whose every seed ended as it did before; ``None`` where one did not.

    Seeds are paired by their number: on both sides it draws the same weights, data and noise. Their scores may differ
    by less than the margin over :data:`NEAR`; a relative margin is a share of each seed's own old score.

    That concludes nothing about other seeds, and the gate keeps its level. Let a change make seeds worse by the margin
    at least, one by more and another by less: differences with a single peak, as often above it as below. Half of them
    lie below the margin, and there they are the rarer the further they are from it, so that a stretch of two hundredths
    of the margin around zero holds less than a hundredth of all. ``n`` seeds of a row that got worse pass for unchanged
    with a probability of less than ``NEAR ** -n``. Where that is more than ``alpha``, only equal numbers do.

    That speaks of scores that can take any value. Counts, such as modes, can be equal by chance far more often; equal
    numbers pass whatever ``alpha`` is, because nothing that was measured changed.

    Args:
        base, new: an old row and the new one.
        score: the score by which rows are judged.
        info: how it is read; ``None`` where neither row has it, and only how seeds ended is compared.
        margin: how much worse is still fine.
        alpha: the level of the tests that the row would go through otherwise.
    """
    old = {row.seed: row for row in base.rows}
    same: list[Row] = []
    differences: list[float] = []
    for row in new.rows:
        before = old.get(row.seed)
        if before is None or before.status != row.status:
            return None
        same.append(before)
        one, other = before.metrics.get(score), row.metrics.get(score)
        if one is None or other is None:
            if one is not other:
                return None
            continue
        differences.append(abs(other - one))
        if one == other:
            continue
        if info is None or differences[-1] * NEAR >= margin.stored(info) * (abs(one) if margin.relative else 1.0):
            return None
    largest = max(differences, default=0.0)
    if largest and float(NEAR) ** -len(differences) > alpha:
        return None
    return Unchanged(Group(same, base.recipe), len(differences), largest)


def in_words(new: Group, stayed: Unchanged, info: ValueInfo) -> tuple[Outcome, str]:
    """What is said of a new row that is what it was: its outcome and why."""
    if not stayed.scored:
        if set(new.statuses) <= {SUCCESS, DIVERGED}:
            return "pass", f"every seed ended as before, none with a score ({new.status})"
        return "inconclusive", f"no seed has a score on either side ({new.status})"
    number = "the same number as before"
    if stayed.largest:
        moved = f"{in_unit(stayed.largest, percent=info.percent):.2g}{' %' if info.percent else ''}"
        number = f"nearly {number}: the largest difference, {moved}, is less than a hundredth of the margin"
    if stayed.scored == len(new.rows):
        return "pass", f"every seed has {number}"
    return "pass", f"every seed ended as before, and the {stayed.scored} of {len(new.rows)} with a score have {number}"
