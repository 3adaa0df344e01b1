"""``ganbench run``."""

import contextlib
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganbench.cleaning import clean
from ganbench.cli.completers import complete_settings
from ganbench.cli.options import (
    batch_seeds_option,
    complete_components,
    data_root_option,
    executor_options,
    extractor_option,
    format_option,
    jobs_option,
    metrics_option,
    out_option,
    quiet_option,
    train_device_option,
)
from ganbench.cli.outputs import print_rows, require_no_table, terminal_width
from ganbench.cli.values import BYTES, PATH, SECONDS, TEXT, Choice, Whole

if TYPE_CHECKING:
    from ganbench.planning.request import RunRequest
    from ganbench.planning.suite import Suite
    from ganbench.plugins import Plugins
    from ganbench.records.folder import TrialFolder
    from ganbench.store.results import Row


@click.command()
@click.option(
    "--losses", "--loss", type=TEXT, multiple=True, metavar="A,B", shell_complete=complete_components("loss"),
    help="Losses, with penalties if wanted: hinge+r1[gamma=0.1].",
)  # fmt: skip
@click.option(
    "--architectures", "--architecture", "--arch", type=TEXT, multiple=True, metavar="X,Y",
    shell_complete=complete_components("architecture"), help="Architectures: dcgan[width=64].",
)  # fmt: skip
@click.option(
    "--datasets", "--dataset", type=TEXT, multiple=True, metavar="D,E", shell_complete=complete_components("dataset"),
    help="Datasets; folder:PATH for a folder or .zip of images.  [default: digits]",
)  # fmt: skip
@click.option("--seeds", "--seed", type=TEXT, metavar="N | I,J,...", help="How many seeds, or which.  [default: 1]")
@click.option(
    "--steps",
    type=Whole(1),
    metavar="N",
    help="Steps, of a generator update each unless n_generator says more.  [default: 2000]",
)
@click.option(
    "--images", type=Whole(1), metavar="N", help="Real images that each discriminator sees, instead of --steps."
)
@click.option("--batch-size", type=Whole(1), metavar="N", help="Samples per update.  [default: 64]")
@metrics_option
@extractor_option
@click.option(
    "--num-samples", type=Whole(2), metavar="N", help="Fakes scored.  [default: as many as reals, at most 10,000]"
)
@click.option("--reference", type=Choice(["train", "test"]), help="Split to score against.  [default: the dataset's]")
@click.option(
    "--labels", type=Choice(["balanced", "reference"]),
    help="Labels of conditional fakes: as many of each, or as in the reference.  [default: reference]",
)  # fmt: skip
@click.option(
    "--eval-every", type=Whole(0), metavar="N",
    help="Steps between evaluations; 0: only at the end.  [default: a fifth of the steps]",
)  # fmt: skip
@click.option(
    "--protocol", type=Choice(["paper", "uniform"]),
    help="paper: each loss's recommended recipe; uniform: one for all.  [default: paper]",
)  # fmt: skip
@click.option(
    "--set",
    "settings",
    type=TEXT,
    multiple=True,
    shell_complete=complete_settings,
    metavar="KEY=VALUE",
    help="A recipe setting, e.g. n_critic=1; may be repeated. 'ganbench show recipe' lists them.",
)
@click.option(
    "--baselines/--no-baselines",
    default=None,
    help="Add rows for real data and for untrained networks.  [default: no-baselines]",
)
@click.option(
    "--suite", type=PATH, metavar="FILE.toml", help="A suite file, which sets the same names; options override it."
)
@data_root_option
@train_device_option
@jobs_option
@executor_options
@batch_seeds_option
@click.option(
    "--timeout",
    type=SECONDS,
    metavar="S",
    help="End a trial that takes longer than this many seconds.  [default: no limit]",
)
@click.option(
    "--memory-limit",
    type=BYTES,
    metavar="SIZE",
    help="End a trial that uses more memory than this, e.g. 4G.  [default: no limit]",
)
@click.option(
    "--checkpoint-seconds", type=SECONDS, default=60.0, show_default=True, metavar="S",
    help="Seconds between two checkpoints of a trial.",
)  # fmt: skip
@click.option("--retry", is_flag=True, help="Run diverged trials again.")
@click.option(
    "--tracker", "--trackers", "trackers", multiple=True, metavar="NAME", shell_complete=complete_components("tracker"),
    help="Copy progress to a tracker, e.g. tensorboard or mlflow[experiment=losses]; '': none.",
)  # fmt: skip
@out_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="Check everything and print what would run (as JSON with --format json); train nothing.",
)
@format_option
@quiet_option
def run(
    settings: tuple[str, ...],
    suite: Path | None,
    device: str,
    jobs: int,
    timeout: float | None,
    memory_limit: int | None,
    checkpoint_seconds: float,
    retry: bool,
    out: Path,
    dry_run: bool,
    form: str,
    quiet: bool,
    where: dict[str, Any],
    batch_seeds: bool,
    **given: Any,
) -> int:
    """Train every loss x architecture x dataset x seed, score each, print one comparative table.

    Progress goes to stderr, the table alone to stdout. Exit code 0: all trials done; 1: some failed, their rows say
    why; 2: the request is wrong; 130: interrupted, run again to resume.

    \b
    Examples:
      ganbench run --losses vanilla,lsgan --arch dcgan
      ganbench run --losses 'wgan-gp[lambda_gp=1|10]' --arch dcgan --seeds 5
      ganbench run --losses hinge --arch resnet --dataset 'folder:photos.zip[size=32]' --device cuda
      ganbench run --suite leaderboards/digits.toml --format markdown
      ganbench run --suite grid.toml --devices 0,2 --per-device 2
      ganbench run --suite grid.toml --slurm partition=gpu,gres=gpu:1,time=4:00:00 --detach
    """
    from ganbench.planning.suite import Suite, load

    if dry_run:
        require_no_table(form)
    wanted, loaded = to_run(
        settings,
        load(suite) if suite else Suite(),
        given,
        out=out,
        device=device,
        jobs=jobs,
        timeout=timeout,
        memory_limit=memory_limit,
        checkpoint_seconds=checkpoint_seconds,
        retry=retry,
        **where,
        batch_seeds=batch_seeds,
    )
    if dry_run:
        from ganbench.cli import dry_run as dry

        found = dry.dry_run(wanted, loaded)
        click.echo(dry.as_json(found) if form == "json" else dry.as_text(found, terminal_width()))
        return 0
    return carry_out(wanted, loaded, form=form, quiet=quiet)[0]


def to_run(
    settings: tuple[str, ...], asked: "Suite", given: dict[str, Any], **how: Any
) -> "tuple[RunRequest, Plugins]":
    """The request made of a suite and of options (``given``, as suites have them, and ``how``), and the plugins."""
    from ganbench import plugins
    from ganbench.planning.request import RunRequest
    from ganbench.planning.suite import Suite, to_request, trackers_of

    loaded = plugins.load()
    chosen = Suite.model_validate(given | {"recipe": parse_settings(settings)})
    request, seeds = to_request(asked, chosen, loaded.registry)
    trackers = trackers_of(asked, chosen, loaded.registry)
    return RunRequest(plan=request, seeds=seeds, trackers=trackers, **how), loaded


def carry_out(wanted: "RunRequest", loaded: "Plugins", *, form: str, quiet: bool) -> "tuple[int, list[TrialFolder]]":
    """Run a grid to its end and print its table; return the exit code and the trials."""
    from ganbench.running.shown import run_shown
    from ganbench.spec import FINAL

    with saying_how_to_go_on():
        outcome = run_shown(wanted, loaded, quiet=quiet)
    if outcome.detached:
        click.echo(f"ganbench: {outcome.detached}", err=True)
        return 0, outcome.folders
    rows = outcome.rows()
    print_rows(rows, form)
    if note := other_versions(rows, wanted.out_option):
        click.echo(f"ganbench: {note}", err=True)
    if outcome.interrupted:
        left = sum(row.status not in FINAL for row in rows)
        again = shlex.join(["ganbench", *sys.argv[1:]])
        click.echo(
            f"ganbench: interrupted; {left} of {len(rows)} trials are not done. The same command resumes from the "
            f"checkpoints:\n  {clean(again)}",
            err=True,
        )
    return outcome.exit_code(rows), outcome.folders


@contextlib.contextmanager
def saying_how_to_go_on() -> Iterator[None]:
    """Where Ctrl-C ends a run that has no table yet, because it plans or because somebody cannot wait, say so."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(
            "\nganbench: interrupted; the same command starts again, from the checkpoints that there are", err=True
        )
        raise


def other_versions(rows: "list[Row]", option: str = "--out") -> str:
    """A line on trials that were done before by other code or packages than are installed now; empty without any.

    ``option`` is what names the folder of trials.
    """
    from ganbench.provenance.versions import COMPUTING, versions

    here = versions()
    others: dict[str, list[str]] = {}
    for row in rows:
        if not row.done:
            continue
        differing = [name for name in COMPUTING if row.versions.get(name, here[name]) != here[name]]
        for name in differing:
            others.setdefault(f"{name} {row.versions[name]} (here {here[name]})", []).append(row.trial_id)
    if not others:
        return ""
    trials = len({trial for found in others.values() for trial in found})
    return (
        f"{trials} of {len(rows)} trials were done before, with {clean(', '.join(others))}; they are not trained "
        f"again. To train all of them with what is installed now, choose another folder with {option}"
    )


def parse_settings(settings: tuple[str, ...]) -> dict[str, Any]:
    """Read ``key=value`` pairs; one text may hold several, separated by commas."""
    from ganbench.errors import UsageError
    from ganbench.grid import parse_scalar, split_outside_brackets

    parsed: dict[str, Any] = {}
    for item in (part.strip() for text in settings for part in split_outside_brackets(text, ",")):
        key, equals, value = item.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise UsageError(f"--set '{item}' must be key=value")
        if key.strip() in parsed:
            raise UsageError(f"--set gives '{key.strip()}' twice; give it once")
        try:
            parsed[key.strip()] = parse_scalar(value)
        except UsageError as error:
            raise UsageError(f"--set {key.strip()}: {error}") from error
    return parsed
