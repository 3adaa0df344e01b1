"""Which rows of a table may be the best by a metric, which are worse, and how many seeds would settle it."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ganbench import statistics
from ganbench.cleaning import clean
from ganbench.errors import UsageError
from ganbench.spec import STATUSES
from ganbench.statistics import Summary, Superiority
from ganbench.statistics.ties import corrections, separated
from ganbench.store.results import SUCCESS
from ganbench.store.values import ValueInfo
from ganbench.tables.code import mixed_code
from ganbench.tables.grouping import Group, Table
from ganbench.tables.wording import counted, headline, may_be_the_best, named_rows

ALPHA = 0.05
DIVERGED = "diverged"
PAIRED = 30
"""Rows whose pairs a page shows. The pairs of 300 rows are 45,000, which no browser shows and nobody reads."""


@dataclass(frozen=True)
class Pair:
    """Two rows (indices into :attr:`Ranking.groups`) compared.

    Attributes:
        a, b: the rows, ``a`` the one with the smaller index.
        p: two-sided p-value of the exact rank test.
        adjusted: ``p`` after Holm's correction over all pairs of the table.
        superiority: the probability that a seed of ``a`` beats one of ``b``, with its interval.
        seeds: about how many seeds per row the pair needs at the observed probability; ``None``: no realistic number.
    """

    a: int
    b: int
    p: float
    adjusted: float
    superiority: Superiority
    seeds: int | None


@dataclass(frozen=True)
class Ranking:
    """The rows of a table by one metric. Everything is computed when it is asked for.

    Attributes:
        metric: the metric's name, a score.
        info: how it is read.
        groups: the rows; baselines have no place in a ranking.
        alpha: the level of every test.
    """

    metric: str
    info: ValueInfo
    groups: tuple[Group, ...]
    alpha: float = ALPHA

    @cached_property
    def scores(self) -> tuple[tuple[float, ...], ...]:
        """Per row the scores over seeds, turned so that lower is better.

        A seed that diverged, or for whose samples the metric is undefined, is ``math.inf``: both are what the method
        came to, and a row is not the better for its useless seeds being left out. Trials that failed for other reasons
        (crash, timeout, memory) say nothing of the method: they are not in here, and :meth:`conclusions` names them.
        """
        return tuple(tuple(oriented_scores(group, self.metric, self.info)) for group in self.groups)

    @cached_property
    def summaries(self) -> tuple[Summary | None, ...]:
        """Per row mean, spread and so on of the finite scores, not turned."""
        return tuple(group.metric(self.metric) for group in self.groups)

    @cached_property
    def ties(self) -> tuple[int | None, ...]:
        """Per row the number of its tie group, see :func:`ganbench.statistics.tie_groups`; ``None`` without scores."""
        if not any(self.summaries):
            return (None,) * len(self.groups)
        return tuple(statistics.tie_groups(self.scores, self.alpha))

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The rows from best to worst: by tie group, then by mean; those without a score last."""

        def place(index: int) -> tuple[float, float, int]:
            summary, tie = self.summaries[index], self.ties[index]
            mean = sign(self.info) * summary.mean if summary else math.inf
            return (math.inf if tie is None else tie, mean, index)

        return tuple(sorted(range(len(self.groups)), key=place))

    @property
    def leaders(self) -> frozenset[int]:
        """The rows that may be the best, if some other row may not; else none: a tie of all says nothing."""
        if not any(tie is not None and tie > 1 for tie in self.ties):
            return frozenset()
        return frozenset(index for index, tie in enumerate(self.ties) if tie == 1)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Per row the shortest name that tells it apart in this table."""
        return tuple(short_names(self.groups))

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Every two rows with scores, tested against each other; none where every seed of every row was lost."""
        if not any(self.summaries):
            return ()
        found = list(itertools.combinations([index for index, row in enumerate(self.scores) if row], 2))
        p_values = [statistics.rank_test(self.scores[a], self.scores[b]) for a, b in found]
        wins = [statistics.superiority(self.scores[a], self.scores[b]) for a, b in found]
        return tuple(
            Pair(a, b, p, adjusted, win, self._needed(win))
            for (a, b), p, adjusted, win in zip(found, p_values, statistics.holm(p_values), wins, strict=True)
        )

    @property
    def paired(self) -> tuple[int, ...]:
        """The rows with scores whose pairs a page shows, best first: all of them, or the best :data:`PAIRED`."""
        return tuple(index for index in self.order if self.ties[index] is not None)[:PAIRED]

    def unpaired_in_words(self) -> str:
        """A sentence on the pairs that a page leaves out; empty where it has all."""
        if not self.pairs or self._ranked <= len(self.paired):
            return ""
        return (
            f"These are the pairs of the best {PAIRED} of {self._ranked} rows; 'ganbench results --format json' prints "
            "all of them."
        )

    def separates(self, pair: Pair) -> bool:
        """Whether the tests behind the tie groups tell the two apart with the seeds there are."""
        ranked = self._ranked
        return separated(self.scores, pair.a, pair.b, ranked, self.alpha) or separated(
            self.scores, pair.b, pair.a, ranked, self.alpha
        )

    def seeds_needed(self, pair: Pair, unknown: str) -> str:
        """A cell's text: the seeds per row that would tell the two apart, ``enough`` or ``unknown``."""
        return "enough" if self.separates(pair) else str(pair.seeds or unknown)

    def conclusions(self) -> list[str]:
        """What can and cannot be concluded, in sentences; a line for each row with seeds that did not end well."""
        lines = self.in_words()
        for name, group in zip(self.names, self.groups, strict=True):
            counts, seeds = group.statuses, counted(len(group.rows), "seed")
            if counts[DIVERGED]:
                lines.append(f"{name}: {counts[DIVERGED]} of {seeds} diverged, ranked below every score.")
            rest = [f"{status} {counts[status]}" for status in STATUSES if status not in (SUCCESS, DIVERGED)]
            rest = [text for text in rest if not text.endswith(" 0")]
            if rest:
                lines.append(f"{name}: {', '.join(rest)} of {seeds}, with no score to rank.")
        return lines

    @property
    def exact(self) -> bool:
        """Whether all tests are exact; else there are so many seeds that some are normal approximations."""
        sizes = {len(row) for row in self.scores if row}
        return all(statistics.is_exact(n, m) for n in sizes for m in sizes)

    @property
    def _could_separate(self) -> bool:
        """Whether any two rows have seeds enough to be told apart, however far apart they were."""
        pairs = itertools.combinations([len(row) for row in self.scores if row], 2)
        least = self.alpha * (1 + 1e-12) / corrections(self._ranked)
        return any(statistics.smallest_p(n, m, "less") <= least for n, m in pairs)

    @cached_property  # asked for by every pair
    def _ranked(self) -> int:
        return sum(bool(row) for row in self.scores)

    def _needed(self, win: Superiority) -> int | None:
        return statistics.seeds_for_power(win.probability, self.alpha, comparisons=corrections(self._ranked), sides=1)

    def in_words(self) -> list[str]:
        """What is not said elsewhere in a table: its ties, and which rows have seeds whose score is undefined."""
        label, named = clean(self.info.label), zip(self.names, self.groups, strict=True)
        lost = ((name, undefined(group, self.metric), counted(len(group.rows), "seed")) for name, group in named)
        missing = [
            f"{name}: {label} is undefined for {count} of {seeds}, ranked below every score."
            for name, count, seeds in lost
            if count
        ]
        code = mixed_code(self.groups, {self.metric: self.info})
        return self._ties_in_words() + self._means_in_words() + code + missing

    def _means_in_words(self) -> list[str]:
        """That means and tie groups order the rows differently, where they do."""
        known = ((index, summary) for index in self.order if (summary := self.summaries[index]) is not None)
        means = [(self.ties[index] or 0, sign(self.info) * summary.mean, self.names[index]) for index, summary in known]
        ahead = [name for tie, mean, name in means if any(better < tie and mean < worse for better, worse, _ in means)]
        why = (
            "Groups count which seeds win, and a seed without a score loses; "
            "a mean goes by the size of the scores and leaves such seeds out."
        )
        if not ahead:
            return []
        who = f"{named_rows(ahead)} {'has' if len(ahead) == 1 else 'have'}"
        return [f"{clean(self.info.label)}: {who} a better mean than a row of a better group. {why}"]

    def _ties_in_words(self) -> list[str]:
        """Which rows may be the best, and how many seeds would tell two of them apart; nothing for fewer than two rows.

        The best is what :func:`ganbench.statistics.best_set` means by it, which is not the best mean.
        """
        if self._ranked < 2 or not any(self.summaries):
            return []
        label = clean(self.info.label)
        tied = [index for index in self.order if self.ties[index] == 1]
        worse = [index for index in self.order if (self.ties[index] or 0) > 1]
        sizes = sorted({len(row) for row in self.scores if row})
        seeds = counted(sizes[0], "seed") if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]} seeds"
        test = f"{'exact ' if self.exact else ''}rank tests, {seeds}, α = {self.alpha:g}"
        names = self.names
        # Rows whose every seed failed for reasons of its own are not ranked, and nothing here is said of them.
        everyone = self._ranked == len(self.groups)
        ranked = "" if everyone else "ranked "
        if not worse and not self._could_separate:
            fewest = statistics.minimum_seeds(self.alpha, corrections(self._ranked), 1)
            needed = f"at least {fewest} per row would be needed for a claim"
            return [f"{label}: the {len(tied)} {ranked}rows cannot be separated with {seeds}: {needed}."]
        if len(tied) == 1:
            return [f"{label}: {names[tied[0]]} is best; every other {ranked}row is worse than some row ({test})."]
        best = may_be_the_best([names[index] for index in tied], everyone=not worse and everyone)
        if not worse:
            line = f"{label}: {best} ({test})."
        else:
            beaten = "is worse" if len(worse) == 1 else "are worse"
            rest = named_rows([names[index] for index in worse], "the other " if everyone else "")
            # Of several rows that are alike, one or another is set apart more often than any given one of them.
            line = f"{label}: {best}; {rest} {beaten} ({test} for each row)."
        return [line, self._settled_in_words(*tied[:2])]

    def _settled_in_words(self, first: int, second: int) -> str:
        """How many seeds would tell two rows apart."""
        win = statistics.superiority(self.scores[first], self.scores[second])
        wanted = self._needed(win)
        enough = "No realistic number of seeds" if wanted is None else f"About {wanted} seeds per row"
        seen = f"if one beats the other as often as seen ({max(win.probability, 1 - win.probability):.0%})"
        return f"{enough} would tell {self.names[first]} and {self.names[second]} apart {seen}."


def require_level(alpha: float) -> None:
    """Refuse an ``alpha`` that is no level of a test, or so small that intervals would hold 100 %.

    Raises:
        UsageError: it is not between 0 and 1, or too close to 0.
    """
    if not 0 < 1 - alpha < 1:
        wrong = "is too small to compute with; choose one such as" if 0 < alpha < 1 else "must be between 0 and 1, e.g."
        raise UsageError(f"--alpha {alpha:g} {wrong} 0.05")


def rank(table: Table, metric: str | None = None, alpha: float = ALPHA) -> Ranking | None:
    """Rank a table's rows by a metric, by default its headline; ``None`` where it has no such score."""
    chosen = metric if metric is not None else headline(table.values)
    info = table.scores.get(chosen) if chosen else None
    if chosen is None or info is None or not table.groups:
        return None
    return Ranking(chosen, info, tuple(table.groups), alpha)


def sign(info: ValueInfo) -> float:
    """What a score is multiplied by so that lower is better: -1 where more is."""
    return -1.0 if info.direction == "higher" else 1.0


def oriented_scores(group: Group, metric: str, info: ValueInfo) -> list[float]:
    """A row's scores over seeds, turned so that lower is better; ``math.inf`` for one that diverged or is undefined."""
    scores: list[float] = []
    for row in group.rows:
        value = row.metrics.get(metric)
        if row.status == DIVERGED:
            scores.append(math.inf)
        elif row.done:
            scores.append(math.inf if value is None else sign(info) * value)
    return scores


def undefined(group: Group, metric: str) -> int:
    """How many of a row's seeds are done, and have no value of the metric: it is undefined for their samples."""
    return sum(row.done and row.metrics.get(metric) is None for row in group.rows)


def short_names(groups: Sequence[Group]) -> list[str]:
    """Name each row by its loss, and by architecture, dataset and recipe where these differ among the rows."""
    columns = [[clean(getattr(group.first, part)) for group in groups] for part in ("loss", "architecture", "dataset")]
    columns.append([clean(group.recipe) for group in groups])
    telling = columns[:1] + [column for column in columns[1:] if len(set(column)) > 1]
    return [" · ".join(part for part in parts if part and part != "-") for parts in zip(*telling, strict=True)]
