"""How a published table and ours are printed side by side."""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import ROUND_CEILING, Context, Decimal
from typing import Any

from ganbench.errors import TooFewSteps, UsageError
from ganbench.leaderboard.reproduction import Comparison, Published
from ganbench.planning.suite import Suite
from ganbench.planning.trials import trains
from ganbench.schedule import critic_updates_until, steps_to_replay
from ganbench.spec import Recipe, TrialFile
from ganbench.store.results import Row, dataset_name
from ganbench.store.values import ValueInfo
from ganbench.tables.fitting import blocks, full_width
from ganbench.tables.sheet import Column
from ganbench.tables.wording import counted, duration, number, spread

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

    What is too wide stands in blocks that name their lines; ``None`` parts nothing. Below it stands how numbers without
    an error were compared, if any were.
    """
    cells = [_cells(comparison) for comparison in comparisons]
    headings: tuple[str, ...] = HEADINGS
    if all(comparison.printed[1] is None for comparison in comparisons):
        headings = tuple("published" if heading == WITH_ERROR else heading for heading in HEADINGS)
    predicted = any(one.difference and one.difference.method == "prediction" for one in comparisons)
    note = ["", WITHOUT_ERROR] if predicted else []
    if form == "markdown":
        rows = [headings, ("---",) * len(headings), *cells]
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
    """What the trials of a table cost: steps, and hours where trials of the same networks were trained here before.

    ``published_steps`` are those of ``--scale 1``.
    """
    trained = [trial for trial in trials if trains(trial)]
    count, steps = len(trained), trained[0].spec.recipe.steps
    text = f"cost: {counted(count, 'trial')} of {steps:,} steps, {count * steps:,} in all"
    found = [_seconds(known, trial) for trial in trained]
    if any(seconds is None for seconds in found):
        few = max(FEW_STEPS, *(steps_to_replay(trial.spec.recipe) for trial in trained))
        small = f" with --scale {scale_of(few, published_steps):g}" if steps > few else ""
        return f"{text}; how long is not known yet: run it{small} to learn it"
    whole = sum(seconds for seconds in found if seconds)
    return f"{text}; about {duration(whole)} of training one after the other, by the trials under --out"


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


def _seconds(known: Sequence[Row], trial: TrialFile) -> float | None:
    """The seconds that a trial takes, from trials of the same networks on the same data."""
    found: list[float] = []
    for row in known:
        seconds = row.cost.get("train_seconds")
        same = row.architecture == trial.spec.architecture_label and row.dataset == dataset_name(trial)
        if row.done and seconds and same:
            found.append(seconds * _updates(trial.spec.recipe) / _updates(row.spec.recipe))
    return statistics.median(found) if found else None


def _updates(recipe: Recipe) -> int:
    """Those of both players: a short trial may have more of them in each step than a long one."""
    return recipe.steps * recipe.n_generator + critic_updates_until(recipe, recipe.steps)


def _cells(comparison: Comparison) -> tuple[str, ...]:
    info = comparison.info or PLAIN
    mean, error = comparison.printed
    interval = comparison.interval
    return (
        comparison.cell.dataset,
        comparison.cell.name,
        comparison.value,
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
