"""From tables to what the page shows of each: lines, differences, conditions. Text here is foreign: never markup."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from ganbench.cleaning import clean
from ganbench.records.folder import TrialFolder
from ganbench.report.conditions import Surroundings, protocol_facts, recipes, surroundings
from ganbench.statistics import Interval
from ganbench.store.results import Row
from ganbench.store.values import ValueInfo
from ganbench.tables.code import mixed_beside
from ganbench.tables.grouping import Group, Table
from ganbench.tables.ranking import Ranking, rank
from ganbench.tables.sheet import warnings
from ganbench.tables.wording import duration, headline, number, rate, size


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
    """Everything the page says of one table, whose rows share a protocol."""

    key: str
    title: str
    sentence: str
    protocol: tuple[tuple[str, str], ...]
    headings: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    conclusions: tuple[str, ...]
    matches: tuple[tuple[Match | None, ...], ...]
    rankings: Mapping[str, Ranking]
    ranking: Ranking | None
    settings: tuple[str, ...]
    differences: tuple[tuple[str, tuple[str, ...]], ...]
    common: tuple[tuple[str, str], ...]
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
    rankings = {name: found for name in table.values if (found := rank(table, name, alpha)) is not None}
    ranking = rankings.get(headline(table.values) or "")
    order = list(ranking.order) if ranking else list(range(len(table.groups)))
    names = list(ranking.names) if ranking else [clean(group.first.loss) for group in table.groups]
    scores = table.scores
    best = headline(table.values)
    lines = []
    for place, index in enumerate(order):
        group, tie = table.groups[index], ranking.ties[index] if ranking else None
        lines.append(_line(f"{key}r{place}", names[index], group, index, place, tie, scores, best, base, 1 - alpha))
    for place, group in enumerate(table.baselines, start=len(order)):
        name = " ".join(part for part in (clean(group.first.loss), clean(group.recipe)) if part)
        lines.append(_line(f"{key}r{place}", name, group, None, place, None, scores, best, base, 1 - alpha))
    settings, differences, common = recipes({line.key: line.group for line in lines if not line.baseline})
    return Section(
        key=key,
        title=_title(table),
        sentence=clean(table.sentence),
        protocol=tuple(protocol_facts(table.protocol)) if table.protocol else (),
        headings=(*((clean(info.label), _better(info)) for info in scores.values()), *_extra_headings(scores, best)),
        lines=tuple(lines),
        conclusions=(*ranking.conclusions(), *mixed_beside(table, ranking.metric)) if ranking else (),
        matches=_matches(ranking) if ranking else (),
        rankings=rankings,
        ranking=ranking,
        settings=settings,
        differences=differences,
        common=common,
        surroundings=tuple(surroundings(table)),
        warnings=tuple(warnings((line.name, row) for line in lines for row in line.group.rows)),
        table=table,
    )


def _line(
    key: str,
    name: str,
    group: Group,
    index: int | None,
    colour: int,
    tie: int | None,
    scores: Mapping[str, ValueInfo],
    best: str | None,
    base: Path,
    level: float,
) -> Line:
    cells = [_score(group, metric, info, level) for metric, info in scores.items()]
    if best is not None:
        found = None if group.first.baseline else group.best(best)
        note = f"n={found.n}" if found and found.n < len(group.rows) else ""
        text = _percent(number(found.mean, scores[best]), scores[best]) if found else "–"
        cells.append(Cell(text, note, key=repr(found.mean) if found else ""))
    for cost, write in (("images_per_second", rate), ("seconds", duration), ("peak_memory", size)):
        spent = group.cost(cost)
        cells.append(Cell(write(spent.mean), key=repr(spent.mean)) if spent else Cell("–"))
    return Line(
        key=key,
        name=name,
        group=group,
        index=index,
        colour=colour,
        tie=tie,
        cells=tuple(cells),
        trials=tuple(_trial(row, best, base) for row in group.rows),
    )


def _extra_headings(scores: Mapping[str, ValueInfo], best: str | None) -> list[tuple[str, str]]:
    headings = (
        [(f"best {clean(scores[best].label)}", f"{_better(scores[best])}; the best over a trial's evaluations")]
        if best
        else []
    )
    return [*headings, ("images/s", "real images per second of training"), ("time", "seconds in all"), ("memory", "")]


def _score(group: Group, metric: str, info: ValueInfo, level: float) -> Cell:
    """Mean and interval over the seeds that have a value; how many, where some have none."""
    summary = group.metric(metric)
    if summary is None:
        return Cell("–")
    interval = summary.interval(level)
    notes = [f"[{range_text(interval, info)}]"] if interval else []
    if summary.n < len(group.rows):
        notes.append(f"n={summary.n}")
    return Cell(_percent(number(summary.mean, info), info), " ".join(notes), repr(summary.mean))


def range_text(interval: Interval, info: ValueInfo) -> str:
    """``1.41, 1.64``."""
    return f"{number(interval.low, info)}, {number(interval.high, info)}"


def _percent(text: str, info: ValueInfo) -> str:
    return f"{text} %" if info.percent else text


def _better(info: ValueInfo) -> str:
    return f"{info.direction} is better"


def _trial(row: Row, best: str | None, base: Path) -> Trial:
    value = row.metrics.get(best) if best else None
    files = TrialFolder(row.folder)
    names = (("log", files.log), ("result", files.result), ("spec", files.spec), ("samples", files.samples))
    links = tuple((name, address(path, base)) for name, path in names if path.is_file())
    text = _percent(number(value, row.values[best]), row.values[best]) if best and value is not None else "–"
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
    order = ranking.paired
    known = {(pair.a, pair.b): pair for pair in ranking.pairs if pair.a in order and pair.b in order}
    test = f"{'exact ' if ranking.exact else ''}rank test"
    found: list[tuple[Match | None, ...]] = []
    for one in order:
        line: list[Match | None] = []
        for other in order:
            pair = known.get((one, other)) or known.get((other, one))
            if pair is None or one == other:
                line.append(None)
                continue
            share, low, high = pair.superiority if pair.a == one else pair.superiority.turned
            significant = ranking.separates(pair)
            needed = "no realistic number of" if pair.seeds is None else f"about {pair.seeds}"
            sentence = (
                f"A seed of {ranking.names[one]} beats one of {ranking.names[other]} with probability {share:.0%} "
                f"(95 % interval {low:.0%} to {high:.0%}). "
                + (
                    "They differ."
                    if significant
                    else f"No difference is shown; {needed} seeds per row would be needed."
                )
                + f" Two-sided {test}: p = {pair.p:.3g}, {pair.adjusted:.3g} after Holm over all pairs."
            )
            match = Match(
                share=f"{share:.0%}",
                interval=f"{low:.0%} to {high:.0%}",
                p=f"{pair.p:.3g}",
                adjusted=f"{pair.adjusted:.3g}",
                seeds=ranking.seeds_needed(pair, "–"),
                sentence=sentence,
                level=round(share * 10),
                significant=significant,
            )
            line.append(match)
        found.append(tuple(line))
    return tuple(found)
