"""``ganbench status``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.inputs import no_trials
from ganbench.cli.values import PATH

if TYPE_CHECKING:
    from ganbench.store.monitor import Standing

WATCH_SECONDS = 2.0


@click.command()
@click.argument("runs", type=PATH, default=Path("runs"))
@click.option("--watch", is_flag=True, help="Repeat every two seconds, until no trial runs or waits.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(runs: Path, watch: bool, as_json: bool) -> int:
    """Show which trials run where, since when, how fast, and how long they will take.

    This reads only the trials' files, so it works on any machine that sees the folder RUNS (default: runs),
    whoever runs the trials. With --watch on a terminal it shows as many trials as fit, running ones first.

    \b
    Examples:
      ganbench status
      ganbench status runs --watch
      ganbench status runs --json
    """
    import json
    import time
    from dataclasses import asdict

    from ganbench.cli.outputs import terminal_height, terminal_width
    from ganbench.errors import UsageError
    from ganbench.store.monitor import Monitor

    if watch and as_json:
        raise UsageError("--watch and --json cannot be used together; leave one of them out")
    monitor = Monitor(runs)
    standings = monitor.look()
    if not standings:
        raise no_trials(runs)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in standings], indent=2))
        return 0
    while True:
        width = terminal_width()
        text = _render(standings, width, terminal_height() if watch else None)
        if watch and width is not None:
            click.clear()
        click.echo(text)
        if not watch or not any(one.alive or one.waits for one in standings):
            return 0
        time.sleep(WATCH_SECONDS)
        standings = monitor.look()


def _render(standings: "list[Standing]", width: int | None, height: int | None) -> str:
    """The table and its summary; on a terminal each line is cut to its width, and what does not fit is counted.

    The last line of the terminal is left to the cursor, and a heading, an empty line and the summary need three more.
    """
    from ganbench.store.monitor import lines, summary

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
