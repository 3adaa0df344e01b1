"""How a published table and ours are printed side by side."""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganbench.grid import split_list
from ganbench.leaderboard.reproduction import Comparison, Published, is_on
from ganbench.planning.suite import Suite
from ganbench.schedule import critic_updates_until
from ganbench.spec import Recipe
from ganbench.store.results import Row
from ganbench.store.values import ValueInfo
from ganbench.tables.fitting import blocks, longest
from ganbench.tables.sheet import Column
from ganbench.tables.wording import duration, number, spread

HEADINGS = ("dataset", "row", "value", "published ± SE", "ours", "95 % interval", "seeds", "verdict")
NAMING = 3
"""So many columns name a line."""
PLAIN = ValueInfo(label="", decimals=3)
FEW_STEPS = 10
"""Enough to learn how long one takes."""


def scale_line(whole: Suite, suite: Suite, scale: float, seeds: int, published: Published) -> str:
    """What was trained, in one line; below the published scale it says what the comparison is not."""
    counts = f"{suite.steps:,} of the published {whole.steps:,} steps per trial, {seeds} of {published.runs} seeds"
    if scale < 1:
        return (
            f"scale {scale:g}: {counts}; shorter training than published, so a difference says nothing about the paper"
        )
    return f"full scale: {counts}"


def as_text(
    published: Published, comparisons: Sequence[Comparison], line: str, form: str, width: int | None = None
) -> str:
    """The table for a terminal of ``width`` characters, or as Markdown.

    What is too wide stands in blocks that name their lines; ``None`` parts nothing.
    """
    cells = [_cells(comparison) for comparison in comparisons]
    if form == "markdown":
        rows = [HEADINGS, ("---",) * len(HEADINGS), *cells]
        return "\n".join(
            [f"**{published.title}** ({published.paper})", "", line, ""] + [f"| {' | '.join(r)} |" for r in rows]
        )
    columns = [
        Column(heading, list(found), numeric=place >= NAMING)
        for place, (heading, found) in enumerate(zip(HEADINGS, zip(*cells, strict=True), strict=True))
    ]
    parts = blocks(columns, width, 0) if width is not None else [columns]
    tables = ["\n".join(_aligned(part)) for part in parts]
    return "\n".join([f"{published.title} ({published.paper})", line, "", "\n\n".join(tables)])


def _aligned(columns: Sequence[Column]) -> Iterator[str]:
    sizes = [longest(column) for column in columns]
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


def cost(suite: Suite, seeds: int, known: Sequence[Row], *, scale: float = 1.0) -> str:
    """What the trials cost: steps, and hours where trials of the same networks were trained here before.

    ``scale`` is that of the suite's steps.
    """
    steps = suite.steps or 0
    cells = [(architecture, dataset) for dataset in suite.datasets for architecture in suite.architectures]
    cells *= len(split_list(suite.losses))
    trials = len(cells) * seeds
    text = f"cost: {trials} trial{'s' if trials != 1 else ''} of {steps:,} steps, {trials * steps:,} in all"
    found = [_seconds(known, *cell, steps) for cell in cells]
    if any(seconds is None for seconds in found):
        small = f" with --scale {scale * FEW_STEPS / steps:.1g}" if steps > FEW_STEPS else ""
        return f"{text}; how long is not known yet: run it{small} to learn it"
    whole = sum(seconds for seconds in found if seconds) * seeds
    return f"{text}; about {duration(whole)} of training one after the other, by the trials under --out"


def _seconds(known: Sequence[Row], architecture: str, dataset: str, steps: int) -> float | None:
    """The seconds of one trial of so many steps, from trials of the same networks on the same data."""
    found: list[float] = []
    for row in known:
        seconds = row.cost.get("train_seconds")
        if row.done and seconds and row.architecture == architecture and is_on(row, dataset):
            recipe = row.spec.recipe
            found.append(seconds * _updates(recipe, steps) / _updates(recipe, recipe.steps))
    return statistics.median(found) if found else None


def _updates(recipe: Recipe, steps: int) -> int:
    """Those of both players: a short trial may have more of them in each step than a long one."""
    return steps * recipe.n_generator + critic_updates_until(recipe, steps)


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
