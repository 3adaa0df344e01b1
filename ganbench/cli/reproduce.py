"""``ganbench reproduce``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganbench.cleaning import clean
from ganbench.cli.completers import complete_words, published_tables
from ganbench.cli.options import (
    batch_seeds_option,
    data_root_option,
    jobs_option,
    out_option,
    quiet_option,
    train_device_option,
)
from ganbench.cli.values import SHARE, TEXT, Choice

if TYPE_CHECKING:
    from ganbench.plan import PlanRequest
    from ganbench.planning.request import RunRequest
    from ganbench.planning.suite import Suite
    from ganbench.plugins import Plugins
    from ganbench.store.results import Row
    from ganbench.store.values import ValueInfo


@click.command()
@click.argument("name", type=TEXT, required=False, metavar="NAME", shell_complete=complete_words(published_tables))
@click.option("--scale", type=SHARE, default=1.0, show_default=True, metavar="SHARE",
              help="Share of the published training steps.")  # fmt: skip
@click.option(
    "--seeds", "--seed", type=TEXT, metavar="N | I,J,...", help="How many seeds, or which.  [default: the suite's]"
)
@click.option(
    "--row", "rows", type=TEXT, multiple=True, metavar="NAME", help="Only this row of the table; may be repeated."
)
@click.option(
    "--dataset", "datasets", type=TEXT, multiple=True, metavar="NAME", help="Only this dataset; may be repeated."
)
@click.option("--dry-run", is_flag=True, help="Print the published values, the trials and their cost; train nothing.")
@data_root_option
@train_device_option
@jobs_option
@batch_seeds_option
@out_option
@click.option("--format", "form", type=Choice(["table", "markdown", "json"]), default="table", show_default=True,
              help="Format of the table.")  # fmt: skip
@quiet_option
def reproduce(
    name: str | None,
    scale: float,
    seeds: str | None,
    rows: tuple[str, ...],
    datasets: tuple[str, ...],
    dry_run: bool,
    data_root: str | None,
    device: str,
    jobs: int,
    batch_seeds: bool,
    out: Path,
    form: str,
    quiet: bool,
) -> int:
    """Train the trials of a published table, and say value by value whether they agree with what was printed.

    NAME is a suite with a table [published], such as pacgan-table1, or its path. Two values agree if the 95 % interval
    of their difference contains 0: by Welch's t over our seeds and the published runs where a standard error was
    printed, else by a prediction interval, which takes their trainings to vary as ours do. Few seeds make it wide, so
    look at our interval as well; seeds with equal values have no spread to compare by. Below --scale 1 the trials are
    shorter than the published ones, and a difference says nothing about the paper. Exit code 0: all trials done; 1:
    some failed.

    \b
    Examples:
      ganbench reproduce pacgan-table1 --dry-run
      ganbench reproduce pacgan-table1 --scale 0.1
      ganbench reproduce pacgan-table1 --device cuda --batch-seeds
      ganbench reproduce pacgan-table1 --row GAN --row PacGAN2 --dataset ring --seeds 5 --format markdown
    """
    from ganbench import plugins
    from ganbench.cli.outputs import require_no_table, terminal_width
    from ganbench.cli.published import as_json, as_text, at_scale, scale_line
    from ganbench.cli.run import saying_how_to_go_on
    from ganbench.leaderboard import locating, reproduction
    from ganbench.planning.request import RunRequest
    from ganbench.planning.suite import parse, to_request
    from ganbench.running.shown import run_shown

    if dry_run:
        require_no_table(form)
    path = locating.find(name)
    whole, printed = reproduction.read(path)
    suite, printed = reproduction.restrict(whole, printed, rows=rows, datasets=datasets, scale=scale)
    loaded = plugins.load()
    given: dict[str, Any] = {"seeds": seeds, "data_root": data_root}
    request, chosen = to_request(suite, parse(given, "reproduce"), loaded.registry)
    values = tuple(dict.fromkeys(value for cell in printed.cells for value in cell.values))
    request = request.model_copy(update={"values": values})
    wanted = RunRequest(plan=request, seeds=chosen, out=out, device=device, jobs=jobs, batch_seeds=batch_seeds)
    width = terminal_width()
    published_steps: int = whole.settings()["steps"]
    line = scale_line(whole, suite, scale, len(chosen), printed)

    def show(found: "list[Row]", declared: "dict[str, ValueInfo] | None" = None, **more: Any) -> None:
        comparisons = reproduction.compare(printed, found, declared)
        if form == "json":
            click.echo(as_json(printed, comparisons, line, scale=scale, seeds=chosen, rows=found, **more))
        else:
            click.echo(as_text(printed, comparisons, line, form, width))

    if dry_run:
        with at_scale(scale, published_steps):
            text, declared, record = _planned(wanted, loaded, suite, request, published_steps, width)
        if form == "json":
            show([], **record)
        else:
            show([], declared)
            click.echo("\n".join(["", *text]))
        return 0
    with saying_how_to_go_on(), at_scale(scale, published_steps):
        outcome = run_shown(wanted, loaded, quiet=quiet)
    found = outcome.rows()
    show(found)
    for row in found:
        if not row.done:
            click.echo(f"ganbench: {clean(f'{row.name}: {row.status}: {row.reason}')}", err=True)
    if outcome.interrupted:
        click.echo("ganbench: interrupted; the same command resumes from the checkpoints", err=True)
    return outcome.exit_code(found)


def _planned(
    wanted: "RunRequest",
    loaded: "Plugins",
    suite: "Suite",
    request: "PlanRequest",
    published_steps: int,
    width: int | None,
) -> "tuple[list[str], dict[str, ValueInfo], dict[str, Any]]":
    """What would be trained and what that costs, in lines and for programs; between them, how the values are read.

    Where samples or weights cannot be read here, the trials are told as far as the suite alone says them.
    """
    from ganbench.cli import dry_run as dry
    from ganbench.cli.planned import folded
    from ganbench.cli.published import cost, without_data
    from ganbench.errors import NotAtHand
    from ganbench.store.results import read_rows
    from ganbench.store.values import ValueInfo

    known = read_rows(wanted.out)[0] if wanted.out.is_dir() else []
    record: dict[str, Any] | None = None
    missing: str | None = None
    try:
        planned = dry.dry_run(wanted, loaded)
    except NotAtHand as error:
        trials, costs = without_data(suite, request, wanted.seeds, str(error))
        declared = {name: ValueInfo(**fields) for name, fields in error.values.items()}
        missing, text = str(error), [part for each in trials for part in folded(each, width)]
    else:
        costs, declared = cost(planned.trials, known, published_steps), planned.values
        record, text = dry.as_record(planned), [dry.as_text(planned, width)]
    return [*text, *folded(costs, width)], declared, {"cost": costs, "dry_run": record, "missing": missing}
