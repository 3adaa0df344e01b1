"""Statistics of scores over training seeds, on plain numbers: intervals, exact tests, ties, average ranks.

Nothing here knows of trials or tables; :mod:`ganbench.tables.ranking` brings the two together. In everything that
compares rows, **lower is better** (negate scores of which more is better) and a seed that diverged, or whose score is
undefined, is ``math.inf``: it ranks below every score instead of being dropped. numpy and scipy are imported by the
functions that use them.
"""

from ganbench.statistics.friedman import AverageRanks, average_ranks
from ganbench.statistics.intervals import Interval, Method, Summary, bootstrap_interval, interval, summarise, t_interval
from ganbench.statistics.margin import Decision, MarginTests, Outcome, decide, margin_tests, seeds_to_settle
from ganbench.statistics.planning import minimum_seeds, seeds_for_power, smallest_p
from ganbench.statistics.superiority import Superiority, superiority
from ganbench.statistics.tests import holm, is_exact, rank_test
from ganbench.statistics.ties import best_set, tie_groups

__all__ = [
    "AverageRanks",
    "Decision",
    "Interval",
    "MarginTests",
    "Method",
    "Outcome",
    "Summary",
    "Superiority",
    "average_ranks",
    "best_set",
    "bootstrap_interval",
    "decide",
    "holm",
    "interval",
    "is_exact",
    "margin_tests",
    "minimum_seeds",
    "rank_test",
    "seeds_for_power",
    "seeds_to_settle",
    "smallest_p",
    "summarise",
    "superiority",
    "t_interval",
    "tie_groups",
]
