"""``ganbench results``."""

from pathlib import Path

import click

from ganbench.cli.options import format_option
from ganbench.cli.run import print_rows


@click.command()
@click.argument("runs", type=click.Path(path_type=Path), default=Path("runs"))
@format_option
def results(runs: Path, form: str) -> int:
    """Print the table of the trials under RUNS again.

    \b
    Examples:
      ganbench results
      ganbench results runs --format csv > results.csv
    """
    from ganbench.errors import StoreError
    from ganbench.results import read_rows

    if not runs.is_dir():
        raise StoreError(f"there is no folder {runs}; run something first, or name the folder given to --out")
    rows, problems = read_rows(runs)
    for problem in problems:
        click.echo(f"ganbench: left out: {problem}", err=True)
    if not rows:
        raise StoreError(f"there are no trials in {runs}; run something first, or name the folder given to --out")
    print_rows(rows, form)
    return 1 if problems else 0
