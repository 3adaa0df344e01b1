"""``ganbench leaderboard``."""

from pathlib import Path

import click

from ganbench.cleaning import clean
from ganbench.cli.options import jobs_option, quiet_option, train_device_option
from ganbench.cli.outputs import print_written
from ganbench.cli.values import ALPHA, PATH, TEXT, Whole


@click.group()
def leaderboard() -> None:
    """Build leaderboards from results, and use them to judge a change.

    \b
    Examples:
      ganbench leaderboard make leaderboards/digits.toml
      ganbench leaderboard compare leaderboards/digits.json runs
    """


@leaderboard.command(short_help="Write a leaderboard and its pages from results.")
@click.argument("sources", nargs=-1, type=PATH, metavar="[RUNS | BOARD]...")
@click.option("--out", type=PATH, required=True, metavar="DIR/NAME", help="The leaderboard, without a suffix.")
@click.option("--suite", type=PATH, metavar="FILE.toml", help="The suite to name on the pages.  [default: a source's]")
@click.option("--partial", is_flag=True, help="Include unfinished trials.")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if the files differ from the results.")
def build(sources: tuple[Path, ...], out: Path, suite: Path | None, partial: bool, check: bool) -> int:
    """Write a leaderboard from trials and other leaderboards.

    The files are NAME.json and its pages NAME.md, NAME.csv and NAME.html. RUNS are folders of trials; a BOARD is named
    by any of its files or without a suffix. The same sources give the same bytes. A trial that is in several sources
    counts once: the first one is ranked, and the others are re-runs, which are checked and shown. --check without
    sources compares the pages with NAME.json, and NAME.json with its own hash.

    \b
    Examples:
      ganbench leaderboard build runs --out leaderboards/digits
      ganbench leaderboard build leaderboards/digits.json runs --out leaderboards/digits
      ganbench leaderboard build --check --out leaderboards/digits
    """
    from ganbench.errors import UsageError
    from ganbench.leaderboard import build as making
    from ganbench.planning.suite import load

    for option, is_given in (("--suite", suite is not None), ("--partial", partial)):
        if check and is_given and not sources:
            raise UsageError(
                f"{option} is about what is built from sources, but --check has none here, and compares the pages with "
                "the leaderboard; leave it out, or name the sources"
            )
    making.require_file(out)
    named = ""
    if suite is not None:
        load(suite)  # the pages tell their reader to run it
        named = _as_published(suite)
    if check:
        problems = making.check(out, sources, suite=named, partial=partial)
        for problem in problems:
            click.echo(f"ganbench: {clean(problem)}", err=True)
        return 1 if problems else 0
    if not sources:
        raise UsageError(
            "no results; name folders of trials or leaderboards, e.g. ganbench leaderboard build runs --out NAME"
        )
    for path in making.write(making.assemble(sources, out, suite=named, partial=partial), out):
        print_written(path)
    return 0


@leaderboard.command(short_help="Judge new results by older ones: pass, fail or inconclusive.")
@click.argument("base", type=PATH)
@click.argument("new", type=PATH)
@click.option("--margin", type=TEXT, default="10%", show_default=True, metavar="X | P%",
              help="How much worse is accepted: X in the unit of the table, or P% of BASE's mean.")  # fmt: skip
@click.option(
    "--alpha",
    default=0.05,
    show_default=True,
    type=ALPHA,
    metavar="A",
    help="Level of the tests: how often some row may fail by its scores although none got worse.",
)
@click.option("--metric", type=TEXT, metavar="NAME", help="The metric, e.g. fid.  [default: each table's first]")
@click.option("--subset", is_flag=True, help="Accept that NEW lacks rows of BASE, or seeds of its rows.")
@click.option("--markdown", type=PATH, metavar="FILE", help="Also write a comment for a pull request.")
@click.option("--junit", type=PATH, metavar="FILE", help="Also write JUnit XML.")
@click.option("--github", is_flag=True, help="Print GitHub annotations after the table.")
def compare(
    base: Path,
    new: Path,
    margin: str,
    alpha: float,
    metric: str | None,
    subset: bool,
    markdown: Path | None,
    junit: Path | None,
    github: bool,
) -> int:
    """Judge the results NEW by the older results BASE: pass, fail, inconclusive.

    BASE and NEW are leaderboards or folders of trials.

    \b
    Exit codes:
      0  every row passed: shown not to be worse by the margin, and its mean is
         not, or each seed as before up to a hundredth of the margin
      1  a row is worse by more than the margin, or more of its seeds diverged,
         failed or have an undefined score
      2  the request is wrong
      3  inconclusive: with a rough guess at the seeds that would settle it

    \b
    Examples:
      ganbench leaderboard compare leaderboards/digits.json runs
      ganbench leaderboard compare old.json new.json --margin 0.3 --junit gate.xml --markdown comment.md
    """
    from ganbench.cli.outputs import require_no_board, require_no_input, terminal_width
    from ganbench.errors import UsageError
    from ganbench.files import write_text
    from ganbench.leaderboard import verdicts
    from ganbench.leaderboard.compare import compare as judge
    from ganbench.leaderboard.margin import parse_margin
    from ganbench.leaderboard.sources import finished_rows_of

    for option, path in (("--markdown", markdown), ("--junit", junit)):
        if path is not None:
            require_no_input(option, path, base, new)
            require_no_board(option, path)
    if markdown is not None and junit is not None and markdown.resolve() == junit.resolve():
        raise UsageError(f"--markdown and --junit would both write {junit}; choose another file for one of them")
    verdict = judge(
        finished_rows_of(base),
        finished_rows_of(new),
        margin=parse_margin(margin),
        alpha=alpha,
        metric=metric or "",
        subset=subset,
    )
    if markdown is not None:
        write_text(markdown, verdicts.as_markdown(verdict) + "\n")
    if junit is not None:
        write_text(junit, verdicts.as_junit(verdict))
    width = terminal_width()
    text = verdicts.as_text(verdict, width=width, colour=width is not None)
    click.echo(verdicts.without_commands(text) if github else text)
    if github:
        click.echo(verdicts.as_github(verdict))
    return verdict.exit_code


@leaderboard.command(short_help="Say which changes compare would notice.")
@click.argument("base", type=PATH)
@click.option("--margin", type=TEXT, default="10%", show_default=True, metavar="X | P%",
              help="As for compare.")  # fmt: skip
@click.option("--alpha", default=0.05, show_default=True, type=ALPHA, metavar="A", help="As for compare.")
@click.option("--metric", type=TEXT, metavar="NAME", help="The metric, e.g. fid.  [default: each table's first]")
@click.option("--seeds", type=Whole(2), metavar="N", help="Seeds on either side.  [default: the row's]")
@click.option("--draws", type=Whole(1), default=500, show_default=True, metavar="N", help="Pairs of results per line.")
def power(base: Path, margin: str, alpha: float, metric: str | None, seeds: int | None, draws: int) -> int:
    """Say which changes to BASE compare would notice.

    Choose a margin by it. BASE is a leaderboard or a folder of trials. Results like BASE's are drawn, as they are and
    with one row worse by one, two and three margins, and judged.

    \b
    Examples:
      ganbench leaderboard power leaderboards/smoke --margin 30%
      ganbench leaderboard power leaderboards/digits --margin 0.3 --seeds 10
    """
    from ganbench.cli.outputs import terminal_width
    from ganbench.leaderboard.margin import parse_margin
    from ganbench.leaderboard.power import power as measure
    from ganbench.leaderboard.power import sheet
    from ganbench.leaderboard.sources import finished_rows_of
    from ganbench.tables.terminal import terminal

    allowed = parse_margin(margin)
    chances, caveats = measure(
        finished_rows_of(base), margin=allowed, alpha=alpha, metric=metric or "", seeds=seeds or 0, draws=draws
    )
    width = terminal_width()
    table = sheet(chances, caveats, margin=allowed, alpha=alpha)
    click.echo(terminal([table], width=width, colour=width is not None))
    return 0


@leaderboard.command(short_help="Train a suite and build its leaderboard.")
@click.argument("suite", type=PATH, metavar="SUITE.toml")
@click.option("--runs", type=PATH, metavar="DIR", help="Folder of trials.  [default: runs/NAME]")
@click.option("--out", type=PATH, metavar="DIR/NAME", help="The leaderboard.  [default: SUITE without .toml]")
@click.option("--data-root", type=TEXT, metavar="DIR", help="Folder of data files.  [default: the suite's, else data]")
@train_device_option
@jobs_option
@quiet_option
def make(
    suite: Path,
    runs: Path | None,
    out: Path | None,
    data_root: str | None,
    device: str,
    jobs: int,
    quiet: bool,
) -> int:
    """Train a suite and build its leaderboard beside it.

    The board contains the trials of SUITE.toml alone. What is trained already is not trained again. Exit code 0: all
    trials done; 1: some diverged or failed, their rows say why; 2: the request is wrong; 130: interrupted, run again to
    resume.

    \b
    Examples:
      ganbench leaderboard make leaderboards/digits.toml
      ganbench leaderboard make leaderboards/mnist.toml --device cuda --data-root data
    """
    from ganbench.cli.run import carry_out, to_run
    from ganbench.leaderboard import build as making
    from ganbench.planning.suite import load

    asked = load(suite)
    stem = suite.with_suffix("")
    folder, target = runs or Path("runs") / stem.name, out or stem
    making.require_file(target)  # before anything trains
    given = {"data_root": data_root} if data_root else {}
    wanted, loaded = to_run((), asked, given, out=folder, out_option="--runs", device=device, jobs=jobs)
    code, trials = carry_out(wanted, loaded, form="table", quiet=quiet)
    if code not in (0, 1):
        return code
    # Not the whole folder: trials of an earlier version of the suite or of the code may lie there too.
    sources = [trial.path for trial in trials]
    for path in making.write(making.assemble(sources, target, suite=_as_published(suite)), target):
        print_written(path)
    return code


def _as_published(suite: Path) -> str:
    """Return how a board names its suite: below the working folder, else by its name. No folder of this machine."""
    if suite.is_absolute():
        suite = suite.relative_to(Path.cwd()) if suite.is_relative_to(Path.cwd()) else Path(suite.name)
    return suite.as_posix()
