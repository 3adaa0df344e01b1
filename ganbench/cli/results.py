"""``ganbench results``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cleaning import clean
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
    """Print the table of the trials under RUNS (default: runs) again.

    \b
    Examples:
      ganbench results
      ganbench results runs --format csv > results.csv
      ganbench results runs --columns +fid:ci,+cost --sort fid
      ganbench results runs --wide --format latex
    """
    from ganbench.errors import StoreError
    from ganbench.store.results import read_rows

    rows, problems = read_rows(runs)
    for problem in problems:
        click.echo(f"ganbench: left out: {clean(problem)}", err=True)
    if not rows:
        raise StoreError(f"there are no trials in {runs}; run something first, or name the folder given to --out")
    print_rows(rows, form, layout)
    return 1 if problems else 0
