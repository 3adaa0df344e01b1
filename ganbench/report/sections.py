"""From tables to what the page shows of each: lines, differences, conditions. Text here is foreign: never markup."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from ganbench.cleaning import clean
from ganbench.records.folder import TrialFolder
from ganbench.report.conditions import Recipes, Surroundings, protocol_facts, recipes, surroundings
from ganbench.statistics.intervals import Summary
from ganbench.store.results import Row
from ganbench.store.values import ValueInfo
from ganbench.tables.code import mixed_beside
from ganbench.tables.grouping import Group, Table
from ganbench.tables.ranking import Pair, Ranking, rank, short_names
from ganbench.tables.sheet import warnings
from ganbench.tables.wording import duration, headline, number, rate, size, spread

_COSTS: tuple[tuple[str, str, str, Callable[[float], str]], ...] = (
    ("images_per_second", "images/s", "real images per second of training", rate),
    ("seconds", "time", "seconds in all", duration),
    ("peak_memory", "memory", "", size),
)
"""What a row's cost is called in a result and in the table, a hint, and how it is written."""


@dataclass(frozen=True)
class Cell:
    """A cell of the comparison: what it says, the smaller line beneath, and what it is sorted by (``""``: last)."""

    text: str
    note: str = ""
    key: str = ""


@dataclass(frozen=True)
class Trial:
    """One trial with the addresses of its files, relative to the page."""

    row: Row
    value: str
    seconds: str
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Line:
    """One row of the comparison: a loss, an architecture and a recipe, over its seeds."""

    key: str
    name: str
    group: Group
    index: int | None
    colour: int
    tie: int | None
    cells: tuple[Cell, ...]
    trials: tuple[Trial, ...]

    @property
    def baseline(self) -> str:
        """``real``, ``untrained`` or empty."""
        return self.group.first.baseline


@dataclass(frozen=True)
class Match:
    """A row against another: the probability that a seed of it is better with its interval, p and that after Holm, the
    seeds that would separate them, and whether the tie groups' test tells them apart."""

    share: str
    interval: str
    p: str
    adjusted: str
    seeds: str
    sentence: str
    level: int
    significant: bool


@dataclass(frozen=True)
class Section:
    """Everything the page says of one table, whose rows share a protocol.

    ``rankings`` and ``conclusions`` are by score, ``ranking`` is that of the headline, ``level`` that of intervals.
    """

    key: str
    title: str
    sentence: str
    protocol: tuple[tuple[str, str], ...]
    headings: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    level: float
    rankings: Mapping[str, Ranking]
    ranking: Ranking | None
    conclusions: Mapping[str, Sequence[str]]
    matches: tuple[tuple[Match | None, ...], ...]
    recipes: Recipes
    surroundings: tuple[Surroundings, ...]
    warnings: tuple[tuple[str, str], ...]
    table: Table = field(repr=False)

    @property
    def ranked(self) -> tuple[Line, ...]:
        """The lines that have a place in the ranking."""
        return tuple(line for line in self.lines if not line.baseline)

    @property
    def compared(self) -> tuple[Line, ...]:
        """The lines whose pairs are shown, in the order of :attr:`matches`."""
        return tuple(line for line in self.lines if line.tie is not None)[: len(self.matches)]

    @property
    def separated(self) -> bool:
        """Whether any row is worse than the best ones: a tie of all singles nobody out."""
        return any(line.tie is not None and line.tie > 1 for line in self.lines)

    @property
    def failures(self) -> tuple[Trial, ...]:
        """Trials that are not done."""
        return tuple(trial for line in self.lines for trial in line.trials if not trial.row.done)


def section(table: Table, key: str, *, base: Path, alpha: float) -> Section:
    """Lay out one table.

    Args:
        table: rows of one protocol.
        key: sets its elements apart from other sections'.
        base: the folder the page lies in; links are relative to it.
        alpha: the level of tests.
    """
    rankings = {name: found for name in table.scores if (found := rank(table, name, alpha)) is not None}
    best = headline(table.values)
    ranking = rankings.get(best or "")
    lines = [
        Line(
            key=f"{key}r{place}",
            name=name,
            group=group,
            index=index,
            colour=place,
            tie=ranking.ties[index] if ranking and index is not None else None,
            cells=tuple(_cells(group, table.scores, best, 1 - alpha)),
            trials=tuple(_trial(row, table.scores, best, base) for row in group.rows),
        )
        for place, (index, name, group) in enumerate(_named(table, ranking))
    ]
    return Section(
        key=key,
        title=_title(table),
        sentence=clean(table.sentence),
        protocol=tuple(protocol_facts(table.protocol)) if table.protocol else (),
        headings=tuple(_headings(table.scores, best)),
        lines=tuple(lines),
        level=1 - alpha,
        rankings=rankings,
        ranking=ranking,
        conclusions={name: [*found.conclusions(), *mixed_beside(table, name)] for name, found in rankings.items()},
        matches=_matches(ranking) if ranking else (),
        recipes=recipes({line.key: line.group for line in lines if not line.baseline}),
        surroundings=tuple(surroundings(table)),
        warnings=tuple(warnings((line.name, row) for line in lines for row in line.group.rows)),
        table=table,
    )


def _named(table: Table, ranking: Ranking | None) -> Iterator[tuple[int | None, str, Group]]:
    """The rows with their names, the best first: those that are ranked with their index, then the baselines."""
    if ranking is not None:
        yield from ((index, ranking.names[index], table.groups[index]) for index in ranking.order)
    else:
        names = short_names(table.groups)
        yield from ((index, name, group) for index, (name, group) in enumerate(zip(names, table.groups, strict=True)))
    kinds: dict[str, list[Group]] = {}
    for group in table.baselines:
        kinds.setdefault(group.first.loss, []).append(group)
    for alike in kinds.values():  # untrained networks of two architectures are two rows
        yield from ((None, name, group) for name, group in zip(short_names(alike), alike, strict=True))


def _headings(scores: Mapping[str, ValueInfo], best: str | None) -> Iterator[tuple[str, str]]:
    """The columns after the row's name and its seeds, each with a hint."""
    for info in scores.values():
        yield clean(info.label), _better(info)
    if best is not None:
        yield f"best {clean(scores[best].label)}", f"{_better(scores[best])}; the best over a trial's evaluations"
    yield from ((heading, hint) for _, heading, hint, _ in _COSTS)


def _cells(group: Group, scores: Mapping[str, ValueInfo], best: str | None, level: float) -> Iterator[Cell]:
    """The cells beneath the headings."""
    for metric, info in scores.items():
        yield _score(group, metric, info, level)
    if best is not None:
        found = None if group.first.baseline else group.best(best)
        note = f"n={found.n}" if found and found.n < len(group.rows) else ""
        yield Cell(spread(found.mean, None, scores[best]), note, repr(found.mean)) if found else Cell("–")
    for cost, _, _, write in _COSTS:
        spent = group.cost(cost)
        yield Cell(write(spent.mean), key=repr(spent.mean)) if spent else Cell("–")


def _score(group: Group, metric: str, info: ValueInfo, level: float) -> Cell:
    """Mean and interval over the seeds that have a value; how many, where some have none."""
    summary = group.metric(metric)
    if summary is None:
        return Cell("–")
    mean, *notes = written(summary, info, level)
    if summary.n < len(group.rows):
        notes.append(f"n={summary.n}")
    return Cell(mean, " ".join(notes), repr(summary.mean))


def written(summary: Summary, info: ValueInfo, level: float) -> list[str]:
    """A mean and, where there is one, its interval, as the table and the charts both write them."""
    interval = summary.interval(level)
    ends = [f"[{number(interval.low, info)}, {number(interval.high, info)}]"] if interval else []
    return [spread(summary.mean, None, info), *ends]


def _better(info: ValueInfo) -> str:
    return f"{info.direction} is better"


def _trial(row: Row, scores: Mapping[str, ValueInfo], best: str | None, base: Path) -> Trial:
    value = row.metrics.get(best) if best else None
    files = TrialFolder(row.folder)
    names = (("log", files.log), ("result", files.result), ("spec", files.spec), ("samples", files.samples))
    links = tuple((name, address(path, base)) for name, path in names if path.is_file())
    text = spread(value, None, scores[best]) if best and value is not None else "–"
    return Trial(row, text, duration(row.cost.get("seconds")), links)


def address(path: Path, base: Path) -> str:
    """A file's address relative to the folder of the page, safe as a link whatever the file is called."""
    try:
        relative = os.path.relpath(path.resolve(), base.resolve())
    except ValueError:  # another drive
        return path.resolve().as_uri()
    return quote(relative.replace(os.sep, "/"))


def _title(table: Table) -> str:
    """What the table compares: dataset, and architecture where there is one."""
    first = table.all_groups[0].first
    architectures = list(dict.fromkeys(group.first.architecture for group in table.groups))
    parts = [first.dataset, *(architectures if len(architectures) == 1 else [])]
    return clean(" · ".join(part for part in parts if part and part != "-"))


def _matches(ranking: Ranking) -> tuple[tuple[Match | None, ...], ...]:
    """The rows whose pairs are shown against each other, best first; ``None`` for a row against itself."""
    order = ranking.paired
    known = {(pair.a, pair.b): pair for pair in ranking.pairs if pair.a in order and pair.b in order}
    return tuple(
        tuple(
            None if one == other else _match(ranking, known[min(one, other), max(one, other)], one, other)
            for other in order
        )
        for one in order
    )


def _match(ranking: Ranking, pair: Pair, one: int, other: int) -> Match:
    share, low, high = pair.superiority if pair.a == one else pair.superiority.turned
    significant = ranking.separates(pair)
    needed = "no realistic number of" if pair.seeds is None else f"about {pair.seeds}"
    shown = "They differ." if significant else f"No difference is shown; {needed} seeds per row would be needed."
    test = f"{'exact ' if ranking.exact else ''}rank test"
    return Match(
        share=f"{share:.0%}",
        interval=f"{low:.0%} to {high:.0%}",
        p=f"{pair.p:.3g}",
        adjusted=f"{pair.adjusted:.3g}",
        seeds=ranking.seeds_needed(pair, "–"),
        sentence=(
            f"A seed of {ranking.names[one]} beats one of {ranking.names[other]} with probability {share:.0%} "
            f"(95 % interval {low:.0%} to {high:.0%}). {shown} "
            f"Two-sided {test}: p = {pair.p:.3g}, {pair.adjusted:.3g} after Holm over all pairs."
        ),
        level=round(share * 10),
        significant=significant,
    )
