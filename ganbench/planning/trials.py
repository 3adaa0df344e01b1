"""From a request to its trials, and to the executor that runs them."""

import math
from collections.abc import Callable, Iterable

from ganbench.errors import UsageError
from ganbench.executors import Executor, Layout, Settings
from ganbench.plan import Planned
from ganbench.planning.planner import cache_folder, plan
from ganbench.planning.request import RunRequest
from ganbench.plugins import Plugins
from ganbench.processes.server import Server, require_fork
from ganbench.schedule import critic_updates_until
from ganbench.spec import Execution, Recipe, TrialFile, TrialSpec
from ganbench.tables.wording import size

FLOAT_BYTES = 4


def executor_class(request: RunRequest, plugins: Plugins) -> type[Executor]:
    """The executor that was asked for.

    Raises:
        UsageError: there is none of that name, it cannot be imported, or cannot do what was asked for; or this system
            cannot fork, without which nothing can be planned.
    """
    require_fork()
    entry = plugins.registry.find("executor", request.executor)
    cls = entry.load()
    if not (isinstance(cls, type) and issubclass(cls, Executor)):
        raise UsageError(
            f"executor '{entry.name}' of {entry.distribution}: {entry.target} must be a subclass of "
            "ganbench.executors.Executor"
        )
    if request.detach and not cls.detachable:
        raise UsageError(f"executor '{entry.name}' cannot continue without this process; leave --detach out")
    if request.batch_seeds and (cls.detachable or not cls.batches):
        raise UsageError(f"executor '{entry.name}' runs the seeds one by one; leave --batch-seeds out")
    return cls


def plan_trials(
    request: RunRequest, server: Callable[[], Server], place: Layout, note: Callable[[str], object]
) -> list[TrialFile]:
    """Return every trial of the grid, in order: a baseline once, every other cell once per seed.

    Args:
        request: the grid.
        server: opens the worker's process.
        place: where the trials run.
        note: called with a line for each dataset that is one with another, as both have the same samples.

    Raises:
        UsageError: the grid cannot be run, or its samples can never be held in memory.
    """
    return trials_of(plan(request.plan, server), request, place, note)


def trials_of(
    cells: Iterable[Planned], request: RunRequest, place: Layout, note: Callable[[str], object]
) -> list[TrialFile]:
    """As :func:`plan_trials`, of cells that are planned already."""
    cache = cache_folder()
    execution = Execution(
        device=place.device,
        threads=place.threads,
        shared_device=place.shared,
        data_root=request.plan.data_root,
        cache_dir=str(cache.resolve()) if cache else "",
        checkpoint_seconds=request.checkpoint_seconds,
    )
    trials: dict[str, TrialFile] = {}
    doubled: dict[str, str] = {}
    for cell in cells:
        _require_memory(cell.spec, request.memory_limit, place.memory)
        for seed in _seeds(cell, request.seeds):
            trial = _with_seed(cell, seed, execution)
            first = trials.setdefault(trial.trial_id, trial)
            if first.execution.data_at != trial.execution.data_at:
                doubled[_places(trial)] = _places(first)
    for one, other in doubled.items():
        note(f"{one} contains the same samples as {other}, so they are one dataset and one row here")
    return list(trials.values())


def _require_memory(spec: TrialSpec, limit: int | None, there: int | None) -> None:
    """Refuse more samples than fit into memory with their z: all are held at once when they are scored."""
    if spec.baseline == "real":
        return
    latent_dim = spec.source.latent_dim if spec.source is not None else spec.recipe.latent_dim
    count = spec.evaluation.num_samples
    needed = count * (math.prod(spec.data.shape) + latent_dim) * FLOAT_BYTES
    for memory, what in ((limit, "--memory-limit"), (there, "this machine")):
        if memory is not None and needed > memory:
            raise UsageError(
                f"scoring {count} samples needs {size(needed)}, more than the {size(memory)} of {what}; use a "
                "smaller --num-samples"
            )


def settings(request: RunRequest, place: Layout, server: Callable[[], Server]) -> Settings:
    """The settings that the executor gets."""
    return Settings(
        slots=place.slots,
        timeout=request.timeout,
        memory_limit=request.memory_limit,
        server=server,
        device=place.device,
        threads=place.threads,
        devices=place.devices,
        per_device=place.per_device,
        adaptive=place.adaptive,
        out=request.out,
        options=request.executor_options,
    )


def _places(trial: TrialFile) -> str:
    return ", ".join(trial.execution.data_at.values())


def _seeds(cell: Planned, seeds: tuple[int, ...]) -> tuple[int, ...]:
    if cell.source:
        return (cell.spec.seed,)
    return seeds[:1] if cell.baseline else seeds


def _with_seed(cell: Planned, seed: int, execution: Execution) -> TrialFile:
    spec = cell.spec.model_copy(update={"seed": seed})
    execution = execution.model_copy(
        update={
            "source_path": cell.source,
            "data_at": cell.data_at,
            "passes": cell.passes,
            "g_passes": cell.g_passes,
        }
    )
    return TrialFile(trial_id=spec.trial_id, spec=spec, execution=execution, warnings=cell.warnings)


def trains(trial: TrialFile) -> bool:
    """Whether a trial trains: no baseline does, nor one that is scored again, which keeps its recipe."""
    return not (trial.spec.baseline or trial.execution.source_path)


def weight(trial: TrialFile) -> float:
    """How heavy a trial is beside others: its :func:`work`, and nothing where it does not train."""
    return work(trial.spec.recipe, trial.execution) if trains(trial) else 0.0


def work(recipe: Recipe, execution: Execution) -> float:
    """The samples of all updates of each network, as often as it runs in one (``passes``, ``g_passes``)."""
    critic_passes = critic_updates_until(recipe, recipe.steps) * execution.passes
    generator_passes = recipe.steps * recipe.n_generator * recipe.g_batches * execution.g_passes
    return (generator_passes + critic_passes) * recipe.batch_size
