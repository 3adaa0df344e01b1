"""How a published table and ours are printed side by side."""

import itertools
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import ROUND_CEILING, Context, Decimal
from typing import Any

from ganbench.cleaning import clean
from ganbench.cli.planned import STATUS, numbered
from ganbench.errors import TooFewSteps, UsageError
from ganbench.grid import split_list
from ganbench.leaderboard.reproduction import Comparison, Published
from ganbench.leaderboard.scaling import of_any_length
from ganbench.plan import PlanRequest
from ganbench.planning.suite import Suite
from ganbench.planning.trials import trains, work
from ganbench.records.locations import shown_of
from ganbench.schedule import steps_to_replay
from ganbench.spec import TrialFile
from ganbench.store.results import Row, dataset_name
from ganbench.store.values import ValueInfo
from ganbench.tables.fitting import blocks, full_width
from ganbench.tables.markdown import escape
from ganbench.tables.sheet import Column
from ganbench.tables.wording import counted, duration, listed, number, spread

WITH_ERROR = "published ± SE"
HEADINGS = ("dataset", "row", "value", WITH_ERROR, "ours", "95 % interval", "seeds", "verdict")
WITHOUT_ERROR = "Numbers without an error were compared by a prediction interval, which is wider than that of our mean."
NAMING = 3
"""The number of columns that name a line."""
PLAIN = ValueInfo(label="", decimals=3)
FEW_STEPS = 10
"""Steps enough to learn how long one takes."""


def scale_line(whole: Suite, suite: Suite, scale: float, seeds: int, published: Published) -> str:
    """What was trained, in one line; below full scale also what a difference does not mean.

    It names the settings that differ from the published ones because there are fewer steps.
    """
    theirs, ours = whole.settings(), suite.settings()
    few = seeds <= published.runs and published.runs > 1
    own = counted(seeds, "seed")
    of_seeds = f"{seeds} of {published.runs} seeds" if few else f"{own} (published: {published.runs})"
    counts = f"{ours['steps']:,} of the published {theirs['steps']:,} steps per trial, {of_seeds}"
    if scale < 1:
        others = [
            f"{key}={value} (published: {theirs[key]})"
            for key, value in ours.items()
            if key != "steps" and value != theirs[key]
        ]
        with_it = f"; for so few steps {', '.join(others)}" if others else ""
        return (
            f"scale {scale:g}: {counts}{with_it}; shorter training than published, so a difference says nothing about "
            "the paper"
        )
    return f"full scale: {counts}"


def as_text(
    published: Published, comparisons: Sequence[Comparison], line: str, form: str, width: int | None = None
) -> str:
    """The table for a terminal of ``width`` characters, or as Markdown.

    A value is called as in other tables, by its label, or by its name where no trial and no metric says one. What is
    too wide stands in blocks that name their lines; ``None`` parts nothing. Below it stands how numbers without an
    error were compared, if any were.
    """
    cells = [_cells(comparison) for comparison in comparisons]
    headings: tuple[str, ...] = HEADINGS
    if all(comparison.printed[1] is None for comparison in comparisons):
        headings = tuple("published" if heading == WITH_ERROR else heading for heading in HEADINGS)
    predicted = any(one.difference and one.difference.method == "prediction" for one in comparisons)
    note = ["", WITHOUT_ERROR] if predicted else []
    if form == "markdown":
        rows = [headings, ("---",) * len(headings), *(tuple(map(escape, found)) for found in cells)]
        return "\n".join(
            [f"**{published.title}** ({published.paper})", "", line, ""] + [f"| {' | '.join(r)} |" for r in rows] + note
        )
    columns = [
        Column(heading, list(found), numeric=place >= NAMING)
        for place, (heading, found) in enumerate(zip(headings, zip(*cells, strict=True), strict=True))
    ]
    parts = blocks(columns, width, 0) if width is not None else [columns]
    tables = ["\n".join(_aligned(part)) for part in parts]
    return "\n".join([f"{published.title} ({published.paper})", line, "", "\n\n".join(tables), *note])


def _aligned(columns: Sequence[Column]) -> Iterator[str]:
    sizes = [full_width(column) for column in columns]
    lines = [[column.heading for column in columns], ["─" * size for size in sizes]]
    lines += map(list, zip(*(column.cells for column in columns), strict=True))
    for line in lines:
        yield "   ".join(cell.ljust(size) for cell, size in zip(line, sizes, strict=True)).rstrip()


def as_json(
    published: Published,
    comparisons: Sequence[Comparison],
    line: str,
    *,
    scale: float,
    seeds: Sequence[int],
    rows: Sequence[Row],
    **more: Any,
) -> str:
    """Everything, each seed's value included, and whatever ``more`` there is to say."""
    content: dict[str, Any] = {
        "title": published.title,
        "paper": published.paper,
        "scale": scale,
        "note": line,
        "seeds": list(seeds),
        "train_seconds": sum(row.cost.get("train_seconds") or 0.0 for row in rows),
        "protocols": sorted({row.protocol.sentence(row.dataset) for row in rows if row.protocol}),
        "values": [_record(comparison) for comparison in comparisons],
        **more,
    }
    return json.dumps(content, indent=2)


def cost(trials: Sequence[TrialFile], known: Sequence[Row], published_steps: int) -> str:
    """What the trials of a table cost: steps, and hours where shorter or longer ones of each row were trained before.

    ``published_steps`` are those of ``--scale 1``.
    """
    trained = [trial for trial in trials if trains(trial)]
    text = _steps(len(trained), steps := trained[0].spec.recipe.steps)
    timed = [_timed(known, trial) for trial in trained]
    if not all(timed):
        few = max(FEW_STEPS, *(steps_to_replay(trial.spec.recipe) for trial in trained))
        small = f" with --scale {scale_of(few, published_steps):g}" if steps > few else ""
        return f"{text}; how long is not known yet: run it{small} to learn it"
    whole = sum(map(_seconds, trained, timed))
    devices = [clean(name) for name in dict.fromkeys(row.device for rows in timed for row in rows) if name]
    on = f" on {listed(devices)}" if devices else ""
    return f"{text}; about {duration(whole)} of training one after the other, by the trials under --out{on}"


def without_data(suite: Suite, request: PlanRequest, seeds: Sequence[int], reason: str) -> tuple[list[str], str]:
    """What is known of the trials of a table, in lines, and of their cost where samples or weights cannot be read.

    Args:
        suite: what is trained, with its steps.
        request: the same as its components, of which one name in a suite may be several.
        seeds: of each row.
        reason: what is missing or wrong, and how to have it.
    """
    axes = (suite.datasets, suite.architectures, suite.losses)
    rows = [
        f"{'row':{STATUS}}  {loss} · {architecture} · {shown_of(dataset)} · {numbered(seeds)}"
        for dataset, architecture, loss in itertools.product(*map(split_list, axes))
    ]
    told = f"{'data':{STATUS}}  cannot be read here, so neither settings nor time are told: {reason}"
    count = len(request.losses) * len(request.architectures) * len(request.datasets) * len(seeds)
    return [*rows, told], _steps(count, suite.settings()["steps"])


def _steps(count: int, steps: int) -> str:
    return f"cost: {counted(count, 'trial')} of {steps:,} steps, {count * steps:,} in all"


@contextmanager
def at_scale(scale: float, published_steps: int) -> Iterator[None]:
    """Around planning: if the steps were scaled down to too few for the recipe, say which ``--scale`` is enough."""
    try:
        yield
    except TooFewSteps as error:
        if scale == 1 or error.needed > published_steps:
            raise
        raise UsageError(
            f"--scale {scale:g} leaves too few steps: {error}; use --scale {scale_of(error.needed, published_steps):g} "
            "or more"
        ) from error


def scale_of(steps: int, published_steps: int) -> float:
    """The share of the published steps that gives at least so many, in two digits."""
    return float(Context(prec=2, rounding=ROUND_CEILING).divide(Decimal(steps), Decimal(published_steps)))


def _timed(known: Sequence[Row], trial: TrialFile) -> list[Row]:
    """The trials that differ from one in how long they are, and in their seed, and so have updates of the same kind."""
    spec = trial.spec
    alike = (spec.loss_label, spec.architecture_label, dataset_name(trial), of_any_length(spec.recipe))
    return [
        row
        for row in known
        if row.done
        and row.cost.get("train_seconds")
        and (row.loss, row.architecture, row.dataset, of_any_length(row.spec.recipe)) == alike
    ]


def _seconds(trial: TrialFile, timed: Sequence[Row]) -> float:
    """The seconds that a trial takes, by those of :func:`_timed`."""
    whole = work(trial.spec.recipe, trial.execution)
    return statistics.median(
        (row.cost["train_seconds"] or 0.0) * whole / work(row.spec.recipe, trial.execution) for row in timed
    )


def _cells(comparison: Comparison) -> tuple[str, ...]:
    info = comparison.info or PLAIN
    mean, error = comparison.printed
    interval = comparison.interval
    return (
        comparison.cell.dataset,
        comparison.cell.name,
        clean(info.label) or comparison.value,
        spread(mean, error, info),
        "-" if comparison.mean is None else _write(comparison.mean, info),
        "-" if interval is None else f"{_write(interval.low, info)} to {_write(interval.high, info)}",
        f"{len(comparison.ours)}/{comparison.trials}" if comparison.trials else "-",
        comparison.verdict if comparison.trials else "-",
    )


def _write(value: float, info: ValueInfo) -> str:
    return f"{number(value, info)} %" if info.percent else number(value, info)


def _record(comparison: Comparison) -> Mapping[str, Any]:
    return {
        "dataset": comparison.cell.dataset,
        "row": comparison.cell.name,
        "value": comparison.value,
        "published": {"mean": comparison.printed[0], "standard_error": comparison.printed[1]},
        "ours": list(comparison.ours),
        "mean": comparison.mean,
        "interval": comparison.interval._asdict() if comparison.interval else None,
        "difference": comparison.difference._asdict() if comparison.difference else None,
        "trials": comparison.trials,
        "verdict": comparison.verdict,
    }
