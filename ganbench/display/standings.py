"""Where trials stand, as ``ganbench status`` prints it: a table, a summary, and how long all will take."""

import heapq
import time
from collections import Counter
from collections.abc import Sequence

from ganbench.display.monitor import DAMAGED, Standing
from ganbench.display.watching import roughly
from ganbench.spec import STATUSES
from ganbench.tables.wording import counted, duration, rate


def table(standings: Sequence[Standing], width: int | None, height: int | None) -> str:
    """Write the table and, below it, its summary.

    Args:
        standings: in the order of the lines.
        width: of the terminal, to which each line is cut; ``None`` cuts none.
        height: of the terminal; trials that do not fit are counted. ``None`` shows all.
    """
    # The last line of the terminal is left to the cursor; a heading, an empty line and the summary need three more.
    room = len(standings) if height is None else max(1, height - 4)
    # The line that counts the others needs a place too.
    shown = standings if len(standings) <= room else standings[: max(1, room - 1)]
    rows = lines(shown)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    filled = [column for column, size in enumerate(widths) if size]
    text = ["  ".join(f"{row[column]:{widths[column]}}" for column in filled).rstrip() for row in rows]
    if more := len(standings) - len(shown):
        text.append(f"and {more:,} more; without --watch all of them are listed")
    text = [line if width is None or len(line) <= width else f"{line[: width - 1]}…" for line in text]
    return "\n".join([*text, "", summary(standings)])


def summary(standings: Sequence[Standing]) -> str:
    """One line: how many there are of each status, and how long the running ones will take."""
    counts = Counter(one.status for one in standings)
    parts = [f"{counts[status]} {status}" for status in (*STATUSES[2:], DAMAGED, *STATUSES[:2]) if counts[status]]
    text = f"{counted(len(standings), 'trial')}: {', '.join(parts) or 'none'}"
    left = time_left(standings)
    return text if left is None else f"{text}; {roughly(left)} left"


def time_left(standings: Sequence[Standing]) -> float | None:
    """Seconds until all that runs or waits has ended, if as many run at once as now; ``None`` where unknown.

    A waiting trial takes as long as the running ones take in all, measured over their steps.
    """
    running = [one for one in standings if one.alive]
    waiting = [one for one in standings if one.waits or one.status == "interrupted"]
    ahead = [one.seconds_left for one in running if one.seconds_left is not None]
    if not running or len(ahead) < len([one for one in running if one.steps]):
        return None
    whole = [
        one.seconds_left * one.steps / max(1, one.steps - one.step)
        for one in running
        if one.seconds_left is not None and one.steps > one.step
    ]
    if waiting and not whole:
        return None
    slots = ahead or [0.0]
    heapq.heapify(slots)
    for one in waiting:
        if one.steps:
            heapq.heapreplace(slots, slots[0] + sum(whole) / len(whole))
    return max(slots)


def lines(standings: Sequence[Standing]) -> list[tuple[str, ...]]:
    """The table, its heading first: status, trial, where, since, step, images/s, left, and what is odd or why."""
    now = time.time()
    rows: list[tuple[str, ...]] = [("status", "trial", "where", "since", "step", "images/s", "left", "")]
    for one in standings:
        under_way = one.status == "running"
        rows.append(
            (
                one.status,
                one.label,
                one.where,
                f"{duration(now - one.since)} ago" if one.since else "",
                f"{one.step:,}/{one.steps:,}" if one.steps and (under_way or one.step) else "",
                rate(one.images_per_second) if one.images_per_second is not None else "",
                roughly(one.seconds_left).removeprefix("about ") if one.seconds_left is not None else "",
                one.note or one.reason,
            )
        )
    return rows
