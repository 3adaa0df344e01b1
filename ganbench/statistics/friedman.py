"""Average ranks of methods over several data sets, and the difference that counts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.statistics.tests import double_midranks


@dataclass(frozen=True)
class AverageRanks:
    """Methods compared over data sets (Demšar, JMLR 2006).

    Attributes:
        ranks: each method's mean rank, 1 is best.
        blocks: the number of data sets.
        p: the Friedman test's p-value that all methods are alike; ``None`` for fewer than three methods or two blocks.
        critical_difference: Nemenyi's: methods whose mean ranks differ by less cannot be told apart.
        cliques: the maximal runs of methods, best first, that cannot be told apart; as indices.
        alpha: the level of both.
    """

    ranks: tuple[float, ...]
    blocks: int
    p: float | None
    critical_difference: float
    cliques: tuple[tuple[int, ...], ...]
    alpha: float


def average_ranks(
    blocks: Sequence[Sequence[Sequence[float]]], alpha: float = 0.05, *, data_sets: Sequence[str] = ()
) -> AverageRanks:
    """Rank the methods within each data set and average.

    Within a data set a method stands where the mean rank of its seeds among all seeds puts it, so that one that
    diverged (``math.inf``) has a place too. Neither seeds nor several protocols of one data set are independent
    evidence over data sets: each counts once, its methods placed by their mean place over its blocks.

    Args:
        blocks: per data set, per method, the scores over seeds; lower is better.
        alpha: the level.
        data_sets: the data set of each block, where several can be of one.

    Raises:
        ValueError: fewer than two methods, no data set, or a method without scores on one of them.
    """
    if not blocks or len(blocks[0]) < 2 or any(len(block) != len(blocks[0]) for block in blocks):
        raise ValueError("average ranks need at least one data set and the same two methods or more on each")
    if any(not scores for block in blocks for scores in block):
        raise ValueError("average ranks need a score of every method on every data set")
    methods = len(blocks[0])
    within: dict[str, list[list[float]]] = {}
    for name, block in zip(data_sets or map(str, range(len(blocks))), blocks, strict=True):
        within.setdefault(name, []).append(_places(block))
    ranked = [_ranks([sum(column) for column in zip(*places, strict=True)]) for places in within.values()]
    ranks = tuple(sum(places[method] for places in ranked) / len(ranked) for method in range(methods))
    difference = _critical_difference(methods, len(ranked), alpha)
    return AverageRanks(ranks, len(ranked), _friedman(ranked), difference, _cliques(ranks, difference), alpha)


def _places(block: Sequence[Sequence[float]]) -> list[float]:
    seeds = double_midranks([value for scores in block for value in scores])
    means, start = [], 0
    for scores in block:
        means.append(sum(seeds[start : start + len(scores)]) / len(scores))
        start += len(scores)
    return _ranks(means)


def _ranks(values: Sequence[float]) -> list[float]:
    return [rank / 2 for rank in double_midranks(values)]


def _friedman(ranked: Sequence[Sequence[float]]) -> float | None:
    if len(ranked) < 2 or len(ranked[0]) < 3:
        return None
    if all(len(set(places)) == 1 for places in ranked):  # scipy would divide by zero, and warn
        return None
    from scipy.stats import friedmanchisquare

    return float(friedmanchisquare(*zip(*ranked, strict=True)).pvalue)


def _critical_difference(methods: int, blocks: int, alpha: float) -> float:
    """Nemenyi's critical difference: the studentised range's quantile over √2, times the ranks' standard error."""
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(1 - alpha, methods, math.inf)) / math.sqrt(2)
    return quantile * math.sqrt(methods * (methods + 1) / (6 * blocks))


def _cliques(ranks: Sequence[float], difference: float) -> tuple[tuple[int, ...], ...]:
    order = sorted(range(len(ranks)), key=lambda index: ranks[index])
    cliques: list[tuple[int, ...]] = []
    reached = -1
    for start in range(len(order)):
        end = max(place for place in range(start, len(order)) if ranks[order[place]] - ranks[order[start]] < difference)
        if end > reached:
            cliques.append(tuple(order[start : end + 1]))
            reached = end
    return tuple(cliques)
