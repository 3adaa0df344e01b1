"""Which rows can be the best: ties instead of bare ranks."""

from collections.abc import Sequence
from functools import lru_cache

from ganbench.statistics.tests import rank_test

Scores = Sequence[Sequence[float]]


def best_set(rows: Scores, alpha: float = 0.05) -> list[int]:
    """Return the rows of which it cannot be excluded that they are the best.

    A confidence set by inverting a test: row i leaves it where some row is better than i by the exact rank test, with
    Bonferroni's correction for the ``k - 1`` rows that could be. Only the test of the true best must not err, so there
    is no correction over i (the reasoning of Hsu's comparisons with the best, 1984, without normality). No separation
    is made that a two-sided test of the pair alone would not make: three seeds never separate two rows.

    The best is a row that is ahead of each other one at least as often as behind it when a seed of each is drawn; it
    need not have the best mean. The set holds it with probability of at least ``1 - alpha`` where its score is at least
    as likely as any other's to be below whatever value, as with distributions of one shape. With other shapes it does
    about that where rows have equally many seeds, and nothing is promised where they have not.

    Args:
        rows: the scores of each row over its seeds, lower is better, ``math.inf`` for a seed that diverged. Rows
            without any are passed over.
        alpha: how often the set may miss the best.

    Returns:
        indices into ``rows``, ascending.
    """
    present = [index for index, row in enumerate(rows) if row]
    kept = [one for one in present if not any(separated(rows, other, one, len(present), alpha) for other in present)]
    # "Significantly better" can run in a circle, as with intransitive dice: then nothing can be excluded.
    return kept or present


def separated(rows: Scores, better: int, worse: int, among: int, alpha: float = 0.05) -> bool:
    """Whether row ``better`` beats row ``worse`` in a table of ``among`` rows that could have."""
    if better == worse or not rows[better] or not rows[worse]:
        return False
    return rank_test(rows[better], rows[worse], "less") * corrections(among) <= alpha * (1 + 1e-12)


def corrections(rows: int) -> int:
    """By how much one-sided p-values are multiplied among so many rows: one per rival, and at least two sides."""
    return max(2, rows - 1)


def tie_groups(rows: Scores, alpha: float = 0.05) -> list[int | None]:
    """Number the rows by ties: 1 for the :func:`best_set`, 2 for the best set of the remaining ones, and so on.

    What is promised of the first group stands there. The later ones are chosen after looking at the earlier, and order
    the rest without a promise.

    Returns:
        a group's number for each row; ``None`` for rows without scores.
    """
    return list(_tie_groups(tuple(map(tuple, rows)), alpha))


# A page asks for the same table's groups many times, for its order, its marks and its sentences.
@lru_cache(maxsize=32)
def _tie_groups(rows: tuple[tuple[float, ...], ...], alpha: float) -> tuple[int | None, ...]:
    groups: list[int | None] = [None] * len(rows)
    remaining = [index for index, row in enumerate(rows) if row]
    number = 0
    while remaining:
        number += 1
        best = [remaining[place] for place in best_set([rows[index] for index in remaining], alpha)]
        for index in best:
            groups[index] = number
        remaining = [index for index in remaining if groups[index] is None]
    return tuple(groups)
