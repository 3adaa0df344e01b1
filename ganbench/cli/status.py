"""``ganbench status``."""

from pathlib import Path

import click

from ganbench.cli.inputs import no_trials
from ganbench.cli.values import PATH

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
    from ganbench.display.monitor import Monitor
    from ganbench.display.standings import table
    from ganbench.errors import UsageError

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
        text = table(standings, width, terminal_height() if watch else None)
        if watch and width is not None:
            click.clear()
        click.echo(text)
        if not watch or not any(one.alive or one.waits for one in standings):
            return 0
        time.sleep(WATCH_SECONDS)
        standings = monitor.look()
