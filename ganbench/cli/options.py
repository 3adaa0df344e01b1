"""Options and completions that several commands share."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from ganbench.cli.completers import Completer
from ganbench.cli.values import ALPHA, PATH, PER_DEVICE, TEXT, Choice, Whole

FORMATS = ("table", "markdown", "csv", "json", "latex", "html")

Command = Callable[..., Any]


def complete_components(kind: str) -> Completer:
    """Complete the last item of a comma-separated list of components."""

    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from ganbench import plugins

        done, comma, last = incomplete.rpartition(",")
        head, plus, last = last.rpartition("+")
        wanted = "penalty" if plus else kind
        before = f"{done}{comma}{head}{plus}"
        entries = plugins.load().registry.entries(wanted)
        return [
            CompletionItem(before + entry.name, help=entry.summary) for entry in entries if entry.name.startswith(last)
        ]

    return complete


def complete_any(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of any component."""
    from ganbench import plugins
    from ganbench.registry import KINDS

    registry = plugins.load().registry
    return [
        CompletionItem(entry.name, help=f"{kind}: {entry.summary}")
        for kind in KINDS
        for entry in registry.entries(kind)
        if entry.name.startswith(incomplete)
    ]


# Each has the same help in every command; one whose option means something else has an option of its own.
batch_seeds_option = click.option(
    "--batch-seeds", is_flag=True,
    help="Train the seeds of a row as one batched model; results stay the same up to rounding.",
)  # fmt: skip
data_root_option = click.option("--data-root", type=TEXT, metavar="DIR", help="Folder of data files.  [default: data]")
extractor_option = click.option(
    "--extractor", type=TEXT, metavar="NAME", shell_complete=complete_components("extractor"),
    help="Feature network.  [default: the dataset's]",
)  # fmt: skip
format_option = click.option(
    "--format", "form", type=Choice(FORMATS), default="table", show_default=True, help="Format of the table."
)
jobs_option = click.option(
    "--jobs", "-j", type=Whole(0), default=0, show_default=True, metavar="N", help="Trials at once; 0 chooses."
)
metrics_option = click.option(
    "--metrics", "--metric", type=TEXT, multiple=True, metavar="M,N", shell_complete=complete_components("metric"),
    help="Metrics.  [default: the dataset's, e.g. fid,is]",
)  # fmt: skip
out_option = click.option(
    "--out", type=PATH, default=Path("runs"), show_default=True, metavar="DIR",
    help="Folder of trials; what is done there is not trained again.",
)  # fmt: skip
quiet_option = click.option("--quiet", "-q", is_flag=True, help="Show no progress on stderr.")
train_device_option = click.option(
    "--device", type=TEXT, default="auto", show_default=True, metavar="auto|cpu|cuda[:i]", help="Where to train."
)


def _with_options(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    """Decorate a command with options, which its help shows in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def layout_options(function: Command) -> Command:
    """``--columns``, ``--sort``, ``--group``, ``--wide``, ``--rank-by`` and ``--alpha``, passed as one ``layout``."""

    @functools.wraps(function)
    def with_layout(*args: Any, **options: Any) -> Any:
        from ganbench.grid import split_list
        from ganbench.tables.layout import Layout

        names = ("columns", "group", "sort", "wide", "rank_by", "alpha")
        columns, group, sort, wide, metric, alpha = (options.pop(name) for name in names)
        chosen = Layout(
            columns=tuple(split_list(columns)),
            group=tuple(split_list(group)),
            sort=sort or "",
            wide=wide,
            metric=metric or "",
            alpha=alpha,
        )
        return function(*args, layout=chosen, **options)

    options = (
        click.option(
            "--columns", type=TEXT, multiple=True, metavar="NAME,...",
            help="Columns to show: a metric, METRIC:ci|median|best|group, seeds, group, cost, all. +NAME adds one.",
        ),
        click.option(
            "--sort", type=TEXT, metavar="[-]NAME",
            help="Sort rows by a column, best scores first; - reverses the order."
        ),
        click.option(
            "--group", type=TEXT, multiple=True, metavar="NAME,...",
            help="Print one table, with its own tie groups, for each loss, architecture or dataset.",
        ),
        click.option("--wide", is_flag=True, help="One row per loss, one column per dataset, one metric in the cells."),
        click.option(
            "--rank-by", type=TEXT, metavar="METRIC",
            help="Metric that makes the tie groups.  [default: each table's first]"
        ),
        click.option(
            "--alpha", default=0.05, show_default=True, type=ALPHA, metavar="A",
            help="Significance level for tie groups."
        ),
    )  # fmt: skip
    return _with_options(with_layout, options)


def executor_options(function: Command) -> Command:
    """``--devices``, ``--per-device``, ``--executor`` and what belongs to it, passed as one ``where``."""

    @functools.wraps(function)
    def with_executor(*args: Any, **options: Any) -> Any:
        names = ("devices", "per_device", "executor", "executor_options", "slurm", "ray", "detach")
        devices, per_device, executor, own, slurm, ray, detach = (options.pop(name) for name in names)
        executor, settings = _executor(executor, own, {"slurm": slurm, "ray": ray})
        where = {
            "devices": tuple(part.strip() for part in devices.split(",") if part.strip()) if devices else (),
            "per_device": per_device,
            "executor": executor,
            "executor_options": settings,
            "detach": detach,
        }
        return function(*args, where=where, **options)

    options = (
        click.option("--devices", type=TEXT, metavar="0,2", help="GPUs to use.  [default: all that are visible]"),
        click.option(
            "--per-device", type=PER_DEVICE, default=0, metavar="N|auto",
            show_default=True,
            help="Trials at once on each GPU. 0 chooses; auto starts with one and adds more while that is faster."
        ),
        click.option(
            "--executor", type=TEXT, metavar="NAME", shell_complete=complete_components("executor"),
            help="Where trials run: local, slurm, ray, or a plugin's.  [default: local]",
        ),
        click.option(
            "--executor-options", type=TEXT, multiple=True, metavar="K=V,...",
            help="Settings of the executor; may be repeated."
        ),
        click.option(
            "--slurm", type=TEXT, multiple=True, metavar="K=V,...",
            help="Run on Slurm: partition=gpu,gres=gpu:1,time=4:00:00; also pack, attempts, deadline.",
        ),
        click.option(
            "--ray", type=TEXT, multiple=True, metavar="K=V,...",
            help="Run on Ray: address=HOST:6379,gpus=0.5,cpus=2."
        ),
        click.option(
            "--detach", is_flag=True, help="Submit the trials and return; the same command collects the results later."
        ),
    )  # fmt: skip
    return _with_options(with_executor, options)


def _executor(
    name: str | None, own: tuple[str, ...], shortcuts: dict[str, tuple[str, ...]]
) -> tuple[str, dict[str, str]]:
    """The executor to use and its settings.

    Args:
        name: what ``--executor`` is given.
        own: what ``--executor-options`` is given.
        shortcuts: by executor, the settings that the option of its name is given, which implies it.

    Raises:
        UsageError: the options are of different executors, or give a setting twice.
    """
    from ganbench.errors import UsageError
    from ganbench.executors.options import parse_options

    implied = [other for other, texts in shortcuts.items() if texts]
    for other in implied:
        if (name or other).rpartition(":")[2] != other or len(implied) > 1:
            rival = next(iter({*implied} - {other}), f"executor {name}")
            raise UsageError(f"--{other} is for another executor than --{rival}; leave one of them out")
    settings: dict[str, str] = {}
    for flag, texts in [("--executor-options", own), *((f"--{other}", texts) for other, texts in shortcuts.items())]:
        for key, value in parse_options(texts, flag).items():
            if key in settings:
                raise UsageError(f"{flag}: '{key}' is given twice; give it once")
            settings[key] = value
    return name or next(iter(implied), "local"), settings
