"""``ganbench results``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.inputs import no_trials, read_trials_or_board
from ganbench.cli.options import format_option, layout_options
from ganbench.cli.outputs import print_rows
from ganbench.cli.values import PATH

if TYPE_CHECKING:
    from ganbench.tables.layout import Layout


@click.command()
@click.argument("runs", type=PATH, default=Path("runs"))
@format_option
@layout_options
def results(runs: Path, form: str, layout: "Layout") -> int:
    """Print the table of the trials under RUNS (default: runs) again, or that of a leaderboard.

    \b
    Examples:
      ganbench results
      ganbench results runs --format csv > results.csv
      ganbench results runs --columns +fid:ci,+cost --sort fid
      ganbench results runs --wide --format latex
      ganbench results leaderboards/digits.json --format json
    """
    rows, incomplete = read_trials_or_board(runs)
    if not rows:
        raise no_trials(runs)
    print_rows(rows, form, layout)
    return int(incomplete)
