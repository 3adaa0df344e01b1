"""What the tests of tables share: rows without folders behind them, and how a rendered table is read again."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganbench.leaderboard.checks import Check
from ganbench.leaderboard.compare import compare
from ganbench.leaderboard.margin import Margin
from ganbench.spec import TrialSpec
from ganbench.store.results import Best, Row
from ganbench.store.values import ValueInfo
from tests.trials import make_protocol, make_spec

FID = ValueInfo(label="FID", direction="lower")
IS = ValueInfo(label="IS", direction="higher")
NONE = Margin(0.0, False)
LOW, HIGH = (1.0, 1.1, 1.2, 1.3, 1.4), (2.0, 2.1, 2.2, 2.3, 2.4)


def make_row(
    spec: TrialSpec, status: str = "done", fid: float | None = 1.5, *, result: bool = True, **changes: Any
) -> Row:
    """A row without a folder behind it."""
    done = status == "done"
    row = Row(
        trial_id=spec.trial_id,
        folder=Path("runs") / spec.trial_id,
        spec=spec,
        status=status,
        reason="" if done else "it broke",
        metrics={"fid": fid, "is": 8.0} if done else {},
        best={"fid": Best(value=fid, step=500)} if done and fid is not None else {},
        area={},
        values={"fid": FID, "is": IS},
        protocol=make_protocol(spec) if result else None,
        cost={"images_per_second": 12345.6, "seconds": 201.4} if done else {},
    )
    return replace(row, **changes)


def rows_of(
    loss: str, values: Sequence[float | None], *, architecture: str = "dcgan", dataset: str = "digits"
) -> list[Row]:
    """A row per seed; ``inf`` diverged, ``nan`` failed, ``None`` is done without the value."""
    rows = []
    for seed, value in enumerate(values):
        status = "done"
        if value is not None and not math.isfinite(value):
            status = "diverged" if value == math.inf else "failed"
        rows.append(make_row(make_spec(loss, architecture, dataset, seed), status, value))
    return rows


def judged(base: Sequence[Row], new: Sequence[Row], margin: Margin = NONE, *, subset: bool = False) -> Check:
    """What comparing a single row says."""
    (check,) = compare(base, new, margin=margin, subset=subset).checks
    return check


def cells(text: str) -> list[dict[str, str]]:
    """The first table of a Markdown text, its columns by their headings without arrows."""
    lines = [line for line in text.split("\n\n")[0].splitlines() if line.startswith("|")]
    table = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    headings = [heading.removesuffix(" ↓").removesuffix(" ↑") for heading in table[0]]
    return [dict(zip(headings, row, strict=True)) for row in table[2:]]


HOSTILE = (
    "=cmd|'/c calc'!A1 \x1b[31mred\x1b[0m \x1b]8;;http://x\x07link | a_b*c*`d` <script> [bold]x[/bold]\n\r"
    "& % $ # {z} ~^ \u202eevil\x9b5m"
)
