"""``ganbench track``."""

from pathlib import Path

import click

from ganbench.cleaning import clean
from ganbench.cli.inputs import no_trials, read_trials
from ganbench.cli.options import complete_components
from ganbench.cli.values import PATH, TEXT


@click.command()
@click.argument("runs", type=PATH, default=Path("runs"))
@click.option(
    "--tracker", "--trackers", "trackers", type=TEXT, multiple=True, required=True, metavar="NAME",
    shell_complete=complete_components("tracker"), help="Where to, e.g. tensorboard or mlflow[experiment=losses].",
)  # fmt: skip
def track(runs: Path, trackers: tuple[str, ...]) -> int:
    """Copy the trials under RUNS (default: runs) to a tracker, as if it had followed them from the start.

    For trials that ran without the tracker; 'ganbench run --tracker NAME' copies them while they run. Exit code 1:
    something was left out; a line says why.

    \b
    Examples:
      ganbench track runs --tracker tensorboard && tensorboard --logdir runs/tensorboard
    """
    from ganbench import plugins
    from ganbench.grid import parse_axis
    from ganbench.tables.wording import counted
    from ganbench.trackers.following import copy, make_trackers

    rows, incomplete = read_trials(runs)
    ended = [row for row in rows if row.status not in ("pending", "running")]
    if not ended:
        raise no_trials(runs, "that have ended")
    registry = plugins.load().registry
    made = make_trackers(parse_axis("tracker", trackers, registry), registry, runs)
    count, took = copy(ended, made, note=lambda line: click.echo(f"ganbench: {clean(line)}", err=True))
    if took:
        click.echo(f"{counted(count, 'trial')} to {', '.join(took)}")
    return 0 if count == len(ended) and len(took) == len(made) and not incomplete else 1
