"""Rows over several datasets: average ranks, and the wide table of losses by datasets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.cleaning import clean
from ganbench.statistics import AverageRanks, average_ranks
from ganbench.tables.grouping import Group, Table
from ganbench.tables.layout import Layout
from ganbench.tables.ranking import Ranking, rank
from ganbench.tables.sheet import Column, Sheet, notes, samples
from ganbench.tables.wording import NAMED, counted, may_be_the_best, named_rows, spread

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Overall:
    """Rows compared over all tables in which each of them has scores.

    Attributes:
        keys: the rows: loss, architecture, recipe.
        names: each row's shortest name.
        tables: the names of the tables that count.
        result: the average ranks.
        left_out: how many rows have no score in some of these tables, and so no average rank.
    """

    keys: tuple[Key, ...]
    names: tuple[str, ...]
    tables: tuple[str, ...]
    result: AverageRanks
    left_out: int = 0

    def sentences(self) -> list[str]:
        """The average ranks in words, best first, and which rows may be the best by them."""
        found = self.result
        ranks = ", ".join(f"{self.names[index]} {found.ranks[index]:.2f}" for index in self._order[:NAMED])
        more = len(self.names) - NAMED
        if more > 0:
            ranks += f" and {counted(more, 'worse row')}"
        two = len(self.names) == 2
        test = (
            f"exact {'sign' if two else 'Friedman'} test"
            if found.exact
            else "Friedman test by chi-squared, approximate"
        )
        p = f"; {test}: p = {found.p:.2g}" if found.p is not None else ""
        lines = [f"Average ranks over {', '.join(self.tables)}: {ranks}{p}."]
        if self.left_out:
            who = "1 row is" if self.left_out == 1 else f"{self.left_out} rows are"
            lines.append(f"{who} left out of these, without a seed to rank in some of them.")
        way = f"{'sign test' if two else 'Nemenyi'}, {'exact' if found.exact else 'approximate'}, α = {found.alpha:g}"
        return [*lines, f"By average ranks {self._best_in_words()} ({self.difference}; {way})."]

    def _best_in_words(self) -> str:
        """Which rows may be the best, which are worse, and which of the worse ones are too close to order."""
        first, *others = self.result.cliques
        best = [self.names[index] for index in first]
        if len(first) == len(self.names):
            return may_be_the_best(best, everyone=True)
        worse = [self.names[index] for index in self._order if index not in first]
        told = f"{best[0]} is best" if len(best) == 1 else may_be_the_best(best, everyone=False)
        rest = f"{named_rows(worse, 'the other ')} {'is' if len(worse) == 1 else 'are'} worse"
        close = [" = ".join(self.names[index] for index in clique) for clique in others if len(clique) > 1]
        if len(worse) > NAMED:
            close = []  # dozens of overlapping groups; the ranks and the critical difference say the same
        return "; ".join([told, rest, *([f"too close to order: {', '.join(close)}"] if close else [])])

    @property
    def _order(self) -> list[int]:
        """The rows from the best average rank to the worst."""
        return sorted(range(len(self.names)), key=lambda index: self.result.ranks[index])

    @property
    def difference(self) -> str:
        """The critical difference in words."""
        if math.isinf(self.result.critical_difference):
            return f"with {self.result.blocks} datasets no difference would be significant"
        return f"critical difference {self.result.critical_difference:.2f}"


def overall(tables: Sequence[Table], layout: Layout) -> Overall | None:
    """Average the ranks of rows over datasets; ``None`` unless tables of two datasets share two rows with scores.

    Several protocols of one dataset count as one: they are not independent. Rows that lack scores in a table are left
    out of the average (they are in the tables): a rank among fewer rows is another number.
    """
    ranked = [(table, found) for table, found in _ranked(tables, layout) if found is not None and any(found.summaries)]
    rankings = [found for _, found in ranked]
    datasets = [", ".join(dict.fromkeys(group.first.dataset for group in found.groups)) for found in rankings]
    if len(set(datasets)) < 2:
        return None
    scored = [
        {_key(group): row for group, row in zip(found.groups, found.scores, strict=True) if row} for found in rankings
    ]
    keys = tuple(key for key in scored[0] if all(key in scores for scores in scored))
    if len(keys) < 2:
        return None
    result = average_ranks([[scores[key] for key in keys] for scores in scored], layout.alpha, datasets=datasets)
    everyone = {_key(group) for found in rankings for group in found.groups}
    return Overall(keys, tuple(_short(keys)), tuple(_headings(ranked)), result, len(everyone) - len(keys))


def wide(tables: Sequence[Table], layout: Layout, *, title: str = "") -> Sheet:
    """Lay several tables out as one: rows down, a column per table, the mean of one metric in the cells.

    ``title`` says which part of the rows these are, where it is not all.
    """
    rows: dict[Key, None] = {}
    framing: dict[Key, None] = {}
    for table in tables:
        rows |= dict.fromkeys(map(_key, table.groups))
        framing |= dict.fromkeys(map(_key, table.baselines))
    keys = [*rows, *framing]
    columns = [
        Column(heading, [clean(key[part]) for key in keys])
        for part, heading in enumerate(("loss", "architecture", "recipe"))
    ]
    everyone = [group for table in tables for group in table.all_groups]
    ranked = _ranked(tables, layout)
    for (table, ranking), heading in zip(ranked, _headings(ranked), strict=True):
        columns.append(_column(table, ranking, heading, keys, layout.metric))
    together = overall(tables, layout)
    if together is not None:
        ranks = dict(zip(together.keys, together.result.ranks, strict=True))
        cells = [f"{ranks[key]:.2f}" if key in ranks and key in rows else "-" for key in keys]
        columns.append(Column("average rank", cells, numeric=True, better="lower"))
    sentences = list(dict.fromkeys(clean(table.sentence) for table in tables))
    for table, ranking in ranked:
        sentences += [f"{clean(table.datasets)}: {line}" for line in ranking.in_words()] if ranking else []
    return Sheet(
        columns=[column for column in columns if not column.empty],
        baselines=len(framing),
        sentences=sentences + (together.sentences() if together else []),
        title=clean(title),
        samples=samples([row for group in everyone for row in group.rows]),
        notes=notes(everyone),
    )


def _column(table: Table, ranking: Ranking | None, heading: str, keys: Sequence[Key], asked: str) -> Column:
    """A table's rows by the metric that ranks them; by the one that was asked for where there is nothing to rank."""
    metric = ranking.metric if ranking else asked
    info = table.values.get(metric)
    found = {_key(group): group for group in table.all_groups}
    leading = {_key(ranking.groups[index]) for index in ranking.leaders} if ranking else set()
    cells = []
    for key in keys:
        group = found.get(key)
        summary = group.metric(metric) if group and info else None
        if group is None:
            cells.append("-")
        elif summary is None or info is None:
            cells.append(clean(group.status))
        else:
            lost = len(group.rows) - summary.n
            cells.append(spread(summary.mean, summary.sd, info) + (f" ({summary.n}/{len(group.rows)})" if lost else ""))
    strong = frozenset(i for i, key in enumerate(keys) if key in leading)
    return Column(heading, cells, True, strong, better=info.direction if info else None)


def _ranked(tables: Sequence[Table], layout: Layout) -> list[tuple[Table, Ranking | None]]:
    """The tables with their rankings; ``None`` where there is nothing to rank."""
    return [(table, rank(table, layout.metric or None, layout.alpha)) for table in tables]


def _headings(ranked: Sequence[tuple[Table, Ranking | None]]) -> list[str]:
    headings = []
    titles = [table.datasets for table, _ in ranked]
    for (table, ranking), title in zip(ranked, titles, strict=True):
        label = f" {ranking.info.label}" if ranking else ""
        key = f" [{table.protocol.key}]" if table.protocol and titles.count(title) > 1 else ""
        headings.append(clean(f"{title}{label}{key}"))
    return headings


def _key(group: Group) -> Key:
    return group.first.loss, group.first.architecture, group.recipe


def _short(keys: Sequence[Key]) -> list[str]:
    telling = [0, *(part for part in (1, 2) if len({key[part] for key in keys}) > 1)]
    return [clean(" · ".join(key[part] for part in telling if key[part] not in ("", "-"))) for key in keys]
