"""The long table: a row per question, its columns by name."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

from ganbench.cleaning import clean
from ganbench.statistics import Summary
from ganbench.store.values import ValueInfo
from ganbench.tables.code import mixed_beside
from ganbench.tables.fitting import spare
from ganbench.tables.grouping import Group, Table
from ganbench.tables.layout import COSTS, HEADINGS, SETS, TEXTS, Layout, metric_of
from ganbench.tables.ranking import Ranking, rank
from ganbench.tables.sheet import Column, Sheet, notes, samples
from ganbench.tables.wording import duration, energy, headline, number, rate, size, spread

_WRITERS: dict[str, Callable[[float], str]] = {
    "images/s": rate,
    "time": duration,
    "train-time": duration,
    "memory": size,
    "energy": energy,
}


def sheet(table: Table, layout: Layout) -> Sheet:
    """Lay a table out. Columns that hold nothing are left out; text is cleaned, not yet escaped for its format."""
    view = _View(table, layout)
    found = [(name, view.column(name)) for name in view.names()]
    columns = [replace(column, name=name) for name, column in found if column is not None and not column.empty]
    return Sheet(
        columns=columns,
        baselines=len(table.baselines),
        sentences=[clean(table.sentence), *view.conclusions],
        title=clean(table.part),
        samples=samples([row for group in view.groups for row in group.rows]),
        notes=notes(view.groups),
        spare=spare(columns, table, layout),
    )


class _View:
    """One table while it is laid out."""

    def __init__(self, table: Table, layout: Layout) -> None:
        self.table = table
        self.layout = layout
        self.groups = table.all_groups
        self._rankings: dict[str, Ranking | None] = {}

    def names(self) -> list[str]:
        """The columns to show, in order."""
        chosen = self.layout.columns
        names = self._default() if not chosen or any(name.startswith("+") for name in chosen) else []
        for asked in chosen:
            name = asked.removeprefix("+")
            added = self._everything() if name == "all" else SETS.get(name, (name,))
            metric, kind = metric_of(name)
            # What is added of a metric stands beside it; names without a plus stand as they were given.
            beside = asked.startswith("+") and kind and metric in names
            place = names.index(metric) + 1 if beside else len(names)
            names[place:place] = [one for one in added if one not in names]
        return list(dict.fromkeys(names))

    def _default(self) -> list[str]:
        names = ["loss", "architecture", "dataset", "recipe"]
        best = headline(self.table.values)
        if any(len(group.rows) > 1 for group in self.groups):
            names.append("seeds")
        if self._ranked:
            names.append("group")
        for name in self.table.scores:
            # An interval of one seed is none, and an empty column is left out.
            names += [name, f"{name}:ci"] if name == best else [name]
        return [*names, *([f"{best}:best"] if best else []), "status", "images/s", "time"]

    def _everything(self) -> list[str]:
        kinds = [f"{name}:{kind}" for name in self.table.scores for kind in ("ci", "median", "best", "group")]
        return [*TEXTS, "seeds", "group", *self.table.values, *kinds, *COSTS]

    @property
    def _ranked(self) -> bool:
        """Whether there is something to rank: two rows of which one has several seeds."""
        ranking = self.ranking(self.layout.metric)
        return ranking is not None and len(ranking.scores) > 1 and any(len(row) > 1 for row in ranking.scores)

    @cached_property
    def conclusions(self) -> list[str]:
        """What can and cannot be concluded from this table, and which columns mix the code of metrics."""
        ranking = self.ranking(self.layout.metric)
        shown = [metric_of(name)[0] for name in self.names()]
        beside = mixed_beside(self.table, ranking.metric if ranking else "", shown)
        return [*(ranking.in_words() if ranking else []), *beside]

    def ranking(self, metric: str) -> Ranking | None:
        """The ranking by a metric; by the headline where it is empty."""
        if metric not in self._rankings:
            self._rankings[metric] = rank(self.table, metric or None, self.layout.alpha)
        return self._rankings[metric]

    def column(self, name: str) -> Column | None:
        """Build a column; ``None`` where this table has none of that name."""
        if name in TEXTS:
            return Column(name, [clean(TEXTS[name](group)) for group in self.groups])
        if name == "seeds":
            return Column("seeds", [_seeds(group) for group in self.groups], numeric=True)
        if name in COSTS:
            return Column(name, [_cost(group, COSTS[name], _WRITERS[name]) for group in self.groups], numeric=True)
        if name == "group":
            return self._ties(self.layout.metric, "group")
        metric, kind = metric_of(name)
        info = self.table.values.get(metric)
        if info is None:
            return None
        heading = HEADINGS.get(kind, "{}").format(clean(info.label))
        if kind == "group":
            return self._ties(metric, heading)
        summaries = [group.metric(metric) for group in self.groups]
        if kind == "ci":
            return Column(heading, [_interval(summary, info) for summary in summaries], numeric=True)
        if kind == "median":
            cells = [spread(summary.median, None, info) if summary else "-" for summary in summaries]
            return Column(heading, cells, numeric=True, better=info.direction)
        if kind == "best":
            # Baselines are scored once: a best over one evaluation says nothing new.
            bests = [None if group.first.baseline else group.best(metric) for group in self.groups]
            return _numbers(heading, info, self.groups, bests)
        ranking = self.ranking(metric)
        return _numbers(heading, info, self.groups, summaries, ranking.leaders if ranking else frozenset())

    def _ties(self, metric: str, heading: str) -> Column | None:
        ranking = self.ranking(metric)
        if ranking is None:
            return None
        cells = ["-" if tie is None else str(tie) for tie in ranking.ties]
        return Column(heading, cells + ["-"] * len(self.table.baselines), numeric=True)


def _numbers(
    label: str,
    info: ValueInfo,
    groups: list[Group],
    summaries: list[Summary | None],
    strong: frozenset[int] = frozenset(),
) -> Column:
    cells = []
    for group, summary in zip(groups, summaries, strict=True):
        if summary is None:
            cells.append("-")
            continue
        missing = summary.n < len(group.done)
        cells.append(spread(summary.mean, summary.sd, info) + (f" (n={summary.n})" if missing else ""))
    return Column(label, cells, numeric=True, strong=strong, better=info.direction)


def _interval(summary: Summary | None, info: ValueInfo) -> str:
    """``[1.20, 1.84]``, with ``(t)`` where it assumes normality, for there are few seeds."""
    found = summary.interval() if summary else None
    if found is None:
        return "-"
    unit = " %" if info.percent else ""
    return f"[{number(found.low, info)}, {number(found.high, info)}]{unit}{' (t)' if found.method == 't' else ''}"


def _seeds(group: Group) -> str:
    done = len(group.done)
    return str(done) if done == len(group.rows) else f"{done}/{len(group.rows)}"


def _cost(group: Group, name: str, write: Callable[[float], str]) -> str:
    summary = group.cost(name)
    return write(summary.mean) if summary else "-"
