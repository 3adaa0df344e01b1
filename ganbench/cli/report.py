"""``ganbench report``."""

from pathlib import Path

import click

from ganbench.cli.inputs import no_trials, read_trials, require_no_leaderboard
from ganbench.cli.values import ALPHA, PATH, TEXT


@click.command()
@click.argument("runs", type=PATH, default=Path("runs"))
@click.option(
    "--out", type=PATH, default=Path("report.html"), show_default=True,
    metavar="FILE.html", help="The page to write.",
)  # fmt: skip
@click.option("--title", type=TEXT, metavar="TEXT", help="The page's title.  [default: what the trials compare]")
@click.option(
    "--alpha", type=ALPHA, default=0.05, show_default=True, metavar="A",
    help="Significance level of tests and tie groups; intervals have confidence 1 - A.",
)  # fmt: skip
def report(runs: Path, out: Path, title: str | None, alpha: float) -> int:
    """Write an HTML report of the trials under RUNS (default: runs): one file that loads nothing else.

    It holds the table with intervals and tie groups, what can be concluded, score and loss curves, samples at the same
    latent points, the training as an animation, the protocol, recipe differences, environments and links to logs.

    \b
    Examples:
      ganbench report runs
      ganbench report runs --out public/index.html --title "Losses on digits"
    """
    from ganbench.cli.outputs import print_written, require_no_board, require_suffix
    from ganbench.errors import StoreError
    from ganbench.files import write_text
    from ganbench.report import render_report
    from ganbench.tables.wording import counted

    if out.is_dir():
        raise StoreError(f"{out} is a folder; name a file, e.g. --out {out / 'report.html'}")
    require_suffix("--out", out, ".html", ".htm")
    require_no_board("--out", out)
    require_no_leaderboard(runs)
    rows, incomplete = read_trials(runs)
    if not rows:
        raise no_trials(runs)
    write_text(out, render_report(rows, base=out.parent, title=title, alpha=alpha))
    print_written(out, f" ({out.stat().st_size / 1e6:.1f} MB, {counted(len(rows), 'trial')})")
    return int(incomplete)
