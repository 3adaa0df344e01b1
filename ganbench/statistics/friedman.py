"""Average ranks of methods over several datasets, and the difference that counts."""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ganbench.statistics.tests import double_midranks

Ranks = tuple[int, ...]
"""Twice the ranks of the methods within one dataset, or their sums over datasets: twice, so that all are whole."""

EXACT_WORK = 400_000
"""Additions of ranks up to which the null distribution is counted: three methods on about 45 datasets, five on six.
Beyond, its approximations are better than with few."""


@dataclass(frozen=True)
class AverageRanks:
    """Methods compared over datasets (Demšar, JMLR 2006).

    Attributes:
        ranks: each method's mean rank, 1 is best.
        blocks: the number of datasets.
        p: the Friedman test's p-value that all methods are alike, which for two methods is the two-sided sign test's;
            ``None`` with fewer than two datasets, or where the methods tie on each.
        critical_difference: Nemenyi's: methods whose mean ranks differ by less cannot be told apart; ``math.inf`` where
            no difference that so few datasets can show is significant.
        cliques: the maximal runs of methods, best first, that cannot be told apart; as indices.
        alpha: the level of both.
        exact: whether both are exact, also with ties; else by chi-squared and the studentised range, which are the
            limits for many datasets.
    """

    ranks: tuple[float, ...]
    blocks: int
    p: float | None
    critical_difference: float
    cliques: tuple[tuple[int, ...], ...]
    alpha: float
    exact: bool


def average_ranks(
    blocks: Sequence[Sequence[Sequence[float]]], alpha: float = 0.05, *, datasets: Sequence[str] = ()
) -> AverageRanks:
    """Rank the methods within each dataset and average.

    Within a dataset a method stands where the mean rank of its seeds among all seeds puts it, so that one that
    diverged (``math.inf``) has a place too. Neither seeds nor several protocols of one dataset are independent
    evidence over datasets: each counts once, its methods placed by their mean place over its blocks.

    Args:
        blocks: per dataset, per method, the scores over seeds; lower is better.
        alpha: the level.
        datasets: the dataset of each block, where several can be of one.

    Raises:
        ValueError: fewer than two methods, no dataset, or a method without scores on one of them.
    """
    if not blocks or len(blocks[0]) < 2 or any(len(block) != len(blocks[0]) for block in blocks):
        raise ValueError("average ranks need at least one dataset and the same two methods or more on each")
    if any(not scores for block in blocks for scores in block):
        raise ValueError("average ranks need a score of every method on every dataset")
    within: dict[str, list[Ranks]] = {}
    for name, block in zip(datasets or map(str, range(len(blocks))), blocks, strict=True):
        within.setdefault(name, []).append(_places(block))
    ranked = [tuple(double_midranks([sum(column) for column in zip(*each, strict=True)])) for each in within.values()]
    sums = tuple(sum(column) for column in zip(*ranked, strict=True))
    # Where the order within each dataset is by chance, neither the order of datasets nor that of methods counts.
    null = _rank_sums(tuple(sorted(tuple(sorted(ranks)) for ranks in ranked)))
    critical = _critical(null, alpha) if null else _nemenyi(len(sums), len(ranked), alpha) * 2 * len(ranked)
    return AverageRanks(
        ranks=tuple(total / (2 * len(ranked)) for total in sums),
        blocks=len(ranked),
        p=_friedman(ranked, sums, null),
        critical_difference=critical / (2 * len(ranked)),
        cliques=_cliques(sums, critical),
        alpha=alpha,
        exact=null is not None,
    )


def _places(block: Sequence[Sequence[float]]) -> Ranks:
    seeds = double_midranks([value for scores in block for value in scores])
    means, start = [], 0
    for scores in block:
        means.append(sum(seeds[start : start + len(scores)]) / len(scores))
        start += len(scores)
    return tuple(double_midranks(means))


@lru_cache(maxsize=64)
def _rank_sums(blocks: tuple[Ranks, ...]) -> Counter[Ranks] | None:
    """How often which rank sums come about, sorted, if each dataset deals its ranks out at random.

    Sorted sums suffice for what is asked of them, and the next dataset's ranks come in every order anyway, so that the
    first one's need not be permuted, and of sums that differ in order only one is kept. ``None``: too many to count.
    """
    counts = Counter({blocks[0]: 1})
    orders = math.factorial(len(blocks[0]))
    work = 0
    for block in blocks[1:]:
        work += orders * len(counts)
        if work > EXACT_WORK:
            return None
        dealt = set(itertools.permutations(block))  # ties: each distinct order is met equally often
        after: Counter[Ranks] = Counter()
        for sums, count in counts.items():
            for ranks in dealt:
                after[tuple(sorted(map(int.__add__, sums, ranks)))] += count
        counts = after
    return counts


def _friedman(ranked: Sequence[Ranks], sums: Ranks, null: Counter[Ranks] | None) -> float | None:
    if len(ranked) < 2 or all(len(set(ranks)) == 1 for ranks in ranked):
        return None
    if null is not None:  # with the ranks of each dataset given, the statistic grows with the sum of squares
        observed = sum(total * total for total in sums)
        beyond = sum(count for each, count in null.items() if sum(total * total for total in each) >= observed)
        return beyond / null.total()
    from scipy.special import chdtrc

    mean = sum(sums) / len(sums)
    between = sum((total - mean) ** 2 for total in sums)
    spread = sum((rank - mean / len(ranked)) ** 2 for ranks in ranked for rank in ranks)
    return float(chdtrc(len(sums) - 1, (len(sums) - 1) * between / spread))


def _critical(null: Counter[Ranks], alpha: float) -> float:
    """The smallest range of rank sums that is reached with probability of at most ``alpha``, or infinity."""
    ranges: Counter[int] = Counter()
    for sums, count in null.items():
        ranges[sums[-1] - sums[0]] += count
    critical, beyond = math.inf, 0
    for width in sorted(ranges, reverse=True):
        beyond += ranges[width]
        if beyond > alpha * (1 + 1e-12) * null.total():
            break
        critical = width
    return critical


def _nemenyi(methods: int, blocks: int, alpha: float) -> float:
    """Nemenyi's critical difference: the studentised range's quantile over √2, times the ranks' standard error."""
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(1 - alpha, methods, math.inf)) / math.sqrt(2)
    return quantile * math.sqrt(methods * (methods + 1) / (6 * blocks))


def _cliques(sums: Ranks, critical: float) -> tuple[tuple[int, ...], ...]:
    order = sorted(range(len(sums)), key=lambda index: sums[index])
    cliques: list[tuple[int, ...]] = []
    reached = -1
    for start in range(len(order)):
        end = max(place for place in range(start, len(order)) if sums[order[place]] - sums[order[start]] < critical)
        if end > reached:
            cliques.append(tuple(order[start : end + 1]))
            reached = end
    return tuple(cliques)
