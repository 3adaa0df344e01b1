"""What a table shows: which columns, in which order, in how many parts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ganbench.errors import UsageError, did_you_mean
from ganbench.spec import Frozen
from ganbench.store.values import ValueInfo
from ganbench.tables.grouping import Group, Table
from ganbench.tables.ranking import ALPHA, rank, require_level, sign

TEXTS: dict[str, Callable[[Group], str]] = {
    "loss": lambda group: group.first.loss,
    "architecture": lambda group: group.first.architecture,
    "dataset": lambda group: group.first.dataset,
    "recipe": lambda group: group.recipe,
    "status": lambda group: group.status,
}
COSTS = {
    "images/s": "images_per_second",
    "time": "seconds",
    "train-time": "train_seconds",
    "memory": "peak_memory",
    "energy": "energy_joules",
}
SETS = {"cost": tuple(COSTS), "all": ("all",)}
PARTS = ("loss", "architecture", "dataset")
HEADINGS = {"ci": "{} 95 %", "median": "{} median", "best": "best {}", "group": "{} group"}
"""What there is of a metric besides its mean (``fid:ci``, ``fid:best``), and how its column is headed."""
KINDS = tuple(HEADINGS)


class Layout(Frozen):
    """What a table shows.

    Attributes:
        columns: names in the order they are to stand; one with ``+`` is added to the default ones. A name is one of
            ``loss``, ``architecture``, ``dataset``, ``recipe``, ``seeds``, ``group``, ``status``, a metric, a metric
            with ``:ci``, ``:median``, ``:best`` or ``:group``, a cost (``images/s``, ``time``, ``train-time``,
            ``memory``, ``energy``), ``cost`` for all of these, or ``all``.
        sort: a column; with ``-`` before it the other way round. Scores stand best first, rows without one last.
        group: columns (loss, architecture, dataset) whose values have a table each, with tie groups of its own.
        wide: losses down, datasets across, one metric in the cells; a table per part by loss or architecture.
        metric: the metric that ranks, and that a wide table shows; by default each table's headline.
        alpha: the level of the tests behind tie groups.
    """

    columns: tuple[str, ...] = ()
    sort: str = ""
    group: tuple[str, ...] = ()
    wide: bool = False
    metric: str = ""
    alpha: float = ALPHA


def arrange(tables: Sequence[Table], layout: Layout) -> list[Table]:
    """Split and sort tables as the layout says.

    Raises:
        UsageError: a column that no table has, or that cannot split; columns of a wide table, which has its own; a
            level that is none.
    """
    _validate(tables, layout)
    parts = [part for table in tables for part in _split(table, layout.group)]
    return [replace(part, groups=_sorted(part, layout)) for part in parts] if layout.sort else parts


def named(tables: Sequence[Table], layout: Layout) -> Layout:
    """The layout with columns by their names where it was given their headings: ``best FID`` is ``fid:best``.

    Capitals and the arrows do not matter. A heading that two metrics share is left as it is, as is what is no heading.
    """
    values = {name: info for table in tables for name, info in table.values.items()}
    own = (*TEXTS, *COSTS, *SETS, "seeds", "group", *values)
    headings: dict[str, set[str]] = {}
    for heading, name in [*((name, name) for name in own), *_headings(values)]:
        headings.setdefault(heading.lower(), set()).add(name)

    def name_of(given: str) -> str:
        sign = given[: len(given) - len(given.lstrip("+-"))]
        asked = given.removeprefix(sign).strip(" ↓↑")
        metric, kind = metric_of(asked)
        if asked in own or metric in own:
            return f"{sign}{asked}"
        found = headings.get(asked.lower()) or {f"{one}:{kind}" for one in headings.get(metric.lower(), ()) if kind}
        return f"{sign}{next(iter(found))}" if len(found) == 1 else given

    columns = tuple(name_of(given) for given in layout.columns)
    return layout.model_copy(
        update={"columns": columns, "sort": name_of(layout.sort), "metric": name_of(layout.metric)}
    )


def _headings(values: Mapping[str, ValueInfo]) -> Iterator[tuple[str, str]]:
    """The headings of each metric's columns, with their names."""
    for name, info in values.items():
        yield info.label, name
        yield from ((heading.format(info.label), f"{name}:{kind}") for kind, heading in HEADINGS.items())


def metric_of(name: str) -> tuple[str, str]:
    """``fid:ci`` is the kind ``ci`` of ``fid``; ``fid`` has none."""
    metric, _, kind = name.rpartition(":")
    return (metric, kind) if metric and kind in KINDS else (name, "")


def _validate(tables: Sequence[Table], layout: Layout) -> None:
    metrics = list(dict.fromkeys(name for table in tables for name in table.values))
    scores = list(dict.fromkeys(name for table in tables for name in table.scores))
    known = [*TEXTS, "seeds", "group", *metrics, *COSTS]
    require_level(layout.alpha)
    for part in layout.group:
        if part not in PARTS:
            raise UsageError(f"--group '{part}' cannot split a table{did_you_mean(part, PARTS)}")
    if layout.wide and layout.columns:
        raise UsageError("--columns has no effect with --wide, which shows one metric: choose it with --rank-by")
    if not tables or not metrics:
        return
    if layout.metric and layout.metric not in scores:
        raise UsageError(f"no table has a score '{layout.metric}'{did_you_mean(layout.metric, scores)}")
    by = layout.sort.removeprefix("-")
    if by in SETS:
        raise UsageError(
            f"--sort '{by}' names several columns; choose one, e.g. {'time' if by == 'cost' else metrics[0]}"
        )
    wanted = [name.removeprefix("+") for name in layout.columns] + [by] * bool(layout.sort)
    for name in wanted:
        if name not in known and name not in SETS and metric_of(name)[0] not in metrics:
            raise UsageError(f"no table has a column '{name}'{did_you_mean(name, [*known, *SETS])}")


def _split(table: Table, by: Sequence[str]) -> list[Table]:
    if not by or not table.groups:
        return [table]
    parts: dict[tuple[str, ...], list[Group]] = {}
    for group in table.groups:
        parts.setdefault(tuple(TEXTS[name](group) for name in by), []).append(group)
    # Rows that would read the same are in one part, and are told apart already.
    return [replace(table, groups=groups, part=part_of(groups, by)) for groups in parts.values()]


def part_of(groups: Sequence[Group], by: Sequence[str]) -> str:
    """What the rows of a part share: ``loss: hinge, dataset: digits``; ``""`` without rows."""
    return ", ".join(f"{name}: {TEXTS[name](groups[0])}" for name in by) if groups else ""


def _sorted(table: Table, layout: Layout) -> list[Group]:
    name, reverse = layout.sort.removeprefix("-"), layout.sort.startswith("-")
    keys = _keys(table, name, layout)
    have = [index for index, key in enumerate(keys) if key is not None]
    # Sorting is stable both ways, and rows without a value stay last both ways.
    have.sort(key=lambda index: keys[index], reverse=reverse)
    return [table.groups[index] for index in [*have, *(i for i, key in enumerate(keys) if key is None)]]


def _keys(table: Table, name: str, layout: Layout) -> list[Any]:
    groups = table.groups
    if name in TEXTS:
        return [TEXTS[name](group) for group in groups]
    if name == "seeds":
        return [len(group.done) for group in groups]
    if name in COSTS:
        costs = [group.cost(COSTS[name]) for group in groups]
        return [None if cost is None else cost.mean for cost in costs]
    metric, kind = (layout.metric, "group") if name == "group" else metric_of(name)
    if kind == "group":
        ranking = rank(table, metric or None, layout.alpha)
        return [ranking.order.index(index) if ranking else None for index in range(len(groups))]
    info = table.values.get(metric)
    turn = sign(info) if info else 1.0
    found = [group.best(metric) if kind == "best" else group.metric(metric) for group in groups]
    return [None if one is None else turn * (one.median if kind == "median" else one.mean) for one in found]
