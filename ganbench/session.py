"""ganbench from Python: run a grid, get a table."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ganbench import plugins as plugin_loader
from ganbench.cleaning import clean
from ganbench.complaints import explain, shown
from ganbench.errors import GanbenchError, StoreError, UsageError
from ganbench.places import argument
from ganbench.planning.arguments import in_python, plain
from ganbench.planning.request import RunRequest
from ganbench.planning.suite import Suite, load, parse, to_request, trackers_of
from ganbench.running.shown import run_shown
from ganbench.store.results import read_rows
from ganbench.tables.frame import frame

if TYPE_CHECKING:
    import pandas


@contextmanager
def _in_words_of_python() -> Iterator[None]:
    """Let an error name arguments, where its message is written for the command line and names options.

    As there, it is one line, whatever names it quotes.
    """
    try:
        yield
    except GanbenchError as error:
        error.args = (clean(in_python(str(error))),)
        raise


@_in_words_of_python()
def run(
    losses: str | Iterable[str] = (),
    architectures: str | Iterable[str] = (),
    datasets: str | Iterable[str] = (),
    *,
    seeds: int | str | Iterable[int] | None = None,
    recipe: Mapping[str, Any] | None = None,
    steps: int | None = None,
    images: int | None = None,
    batch_size: int | None = None,
    protocol: str | None = None,
    metrics: str | Iterable[str] = (),
    extractor: str | None = None,
    num_samples: int | None = None,
    reference: str | None = None,
    labels: str | None = None,
    eval_every: int | None = None,
    baselines: bool | None = None,
    data_root: str | os.PathLike[str] | None = None,
    suite: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] = "runs",
    device: str = "auto",
    jobs: int = 0,
    trackers: str | Iterable[str] = (),
    timeout: float | None = None,
    memory_limit: int | str | None = None,
    checkpoint_seconds: float = 60.0,
    retry: bool = False,
    quiet: bool = False,
    executor: str = "local",
    executor_options: Mapping[str, str] | None = None,
    devices: Iterable[int | str] = (),
    per_device: int | str = 0,
    batch_seeds: bool = False,
) -> pandas.DataFrame:
    """Run a grid and return one row per trial.

    Args:
        losses: such as ``["vanilla", "hinge+r1[gamma=0.1]"]``.
        architectures: such as ``["dcgan"]``.
        datasets: such as ``["digits"]``, the default.
        seeds: a count, or the seeds themselves.
        recipe: recipe settings, such as ``{"n_critic": 1}``.
        steps: of training, one generator update each unless the recipe says otherwise.
        images: instead of ``steps``: real images that every discriminator sees.
        batch_size: samples in a discriminator's or generator's update.
        protocol: ``"paper"``, each loss with its own recipe, or ``"uniform"``, all with one.
        metrics: such as ``["fid", "is"]``; by default those that fit the dataset.
        extractor: where features come from; by default the one that fits the dataset.
        num_samples: fakes to be scored; by default as many as the reference has, at most 10,000.
        reference: the split of real samples to score against.
        labels: of the samples to be scored: ``"balanced"`` or ``"reference"``.
        eval_every: steps between two evaluations; by default a fifth of the steps; 0 evaluates at the end only.
        baselines: whether to add rows of real data and of untrained networks.
        data_root: the folder of datasets that are files.
        suite: a TOML file with the same names; what is given here overrides it.
        out: the folder of trials. A trial that is done there is not trained again.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:i``.
        jobs: trials at once; 0 chooses.
        trackers: where progress is copied to, such as ``["tensorboard"]``.
        timeout: seconds after which a trial is ended: finite, above 0.
        memory_limit: memory that a trial may use, in bytes or as ``"4G"``; one that uses more is ended.
        checkpoint_seconds: between two checkpoints of a trial: finite, above 0.
        retry: run trials again that diverged.
        quiet: no progress on stderr.
        executor: where trials run: ``local``, ``slurm``, ``ray`` or a plugin's.
        executor_options: its settings, such as ``{"partition": "gpu", "gres": "gpu:1"}``.
        devices: the GPUs to use; all that are visible by default.
        per_device: trials at once on each GPU; 0 chooses, ``"auto"`` (or -1) finds out while they run.
        batch_seeds: train the seeds of a cell as one batched model.

    Returns:
        A DataFrame with loss, architecture, dataset, seed, status, reason, every metric, cost and protocol. A trial
        that failed is a row with its reason.

    Raises:
        UsageError: an argument is of another type or out of range, or the grid cannot be run; says what is wrong and
            where.
        DataError: data or weights are missing or damaged.
        StoreError: the folder of trials cannot be made, read or written.
        KeyboardInterrupt: after an interrupt, once the running trials have written their checkpoints.
    """
    if not isinstance(plain(quiet), bool):
        raise UsageError(f"run(): quiet={shown(quiet)}: must be true or false")
    loaded = plugin_loader.load()
    given = parse(
        {
            "losses": losses,
            "architectures": architectures,
            "datasets": datasets,
            "seeds": seeds,
            "recipe": {} if recipe is None else recipe,
            "steps": steps,
            "images": images,
            "batch_size": batch_size,
            "protocol": protocol,
            "metrics": metrics,
            "extractor": extractor,
            "num_samples": num_samples,
            "reference": reference,
            "labels": labels,
            "eval_every": eval_every,
            "baselines": baselines,
            "data_root": data_root,
            "trackers": trackers,
        },
        "run()",
    )
    asked = Suite() if suite is None else load(argument("run(): suite", suite))
    request, chosen = to_request(asked, given, loaded.registry)
    following = trackers_of(asked, given, loaded.registry)
    try:
        wanted = RunRequest(
            plan=request,
            seeds=chosen,
            out=out,
            device=device,
            jobs=jobs,
            timeout=timeout,
            memory_limit=memory_limit,
            checkpoint_seconds=checkpoint_seconds,
            retry=retry,
            executor=executor,
            trackers=following,
            executor_options={} if executor_options is None else executor_options,
            devices=devices,
            per_device=per_device,
            batch_seeds=batch_seeds,
        )
    except ValidationError as error:
        raise UsageError(f"run(): {explain(error)}") from error
    outcome = run_shown(wanted, loaded, quiet=quiet)
    if outcome.interrupted:
        raise KeyboardInterrupt
    return frame(outcome.rows())


@_in_words_of_python()
def load_results(runs: str | os.PathLike[str] = "runs") -> pandas.DataFrame:
    """Return one row per trial of a folder of trials, with the columns of :func:`run`; or of one trial's folder.

    Each trial that cannot be read is a ``UserWarning`` that names it, and has no row.

    Raises:
        UsageError: ``runs`` is no path.
        StoreError: there is no such folder, or none of the trials in it can be read.
    """
    rows, problems = read_rows(argument("load_results(): runs", runs))
    if problems and not rows:
        raise StoreError(problems[0])
    for problem in problems:
        warnings.warn(problem, stacklevel=3)  # of whoever calls the decorated function
    return frame(rows)
