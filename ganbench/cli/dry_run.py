"""``ganbench run --dry-run``: everything checked, nothing trained."""

import json
from typing import Any, NamedTuple

from ganbench.executors.handed import refuse_what_others_hold
from ganbench.plugins import Plugins
from ganbench.request import RunRequest
from ganbench.results import trial_label
from ganbench.spec import Recipe, TrialFile
from ganbench.store import Store
from ganbench.trackers.following import check_trackers
from ganbench.trials import executor_class, plan_trials, shared_server


class DryRun(NamedTuple):
    """The trials of a grid, the status each has already (``None`` for one that would run), and where they would run."""

    trials: list[TrialFile]
    statuses: list[str | None]
    place: str


def dry_run(request: RunRequest, plugins: Plugins) -> DryRun:
    """Plan the grid: which of its trials are done, which would run.

    Raises:
        GanbenchError: whatever would keep the grid from running.
    """
    check_trackers(request.trackers, plugins.registry)
    store = Store(request.out)
    store.require_possible()
    place = executor_class(request, plugins).layout(request.wish)
    with shared_server(place.device, place.threads) as server:
        trials = plan_trials(request, server, place)
    statuses = [store.cached(trial.trial_id, retry=request.retry) for trial in trials]
    missing = [trial.trial_id for trial, status in zip(trials, statuses, strict=True) if status is None]
    refuse_what_others_hold(map(store.folder, missing), request.executor)
    return DryRun(trials, statuses, place.sentence())


def as_text(found: DryRun) -> str:
    """A line per trial, with what its recipe changes and what there is to say against it."""
    defaults = Recipe().model_dump()
    lines = []
    for trial, status in zip(found.trials, found.statuses, strict=True):
        own = trial.spec.recipe.model_dump()
        changed = " ".join(f"{key}={value}" for key, value in own.items() if value != defaults[key])
        lines.append(f"{status or 'to run':8}  {trial_label(trial.spec)}  {changed}".rstrip())
        lines.extend(f"          note: {warning}" for warning in trial.warnings)
    count = f"{len(found.trials)} trial{'s' if len(found.trials) != 1 else ''}"
    done = sum(status is not None for status in found.statuses)
    lines.append(f"{count}, {done} done already; on {found.place}")
    return "\n".join(lines)


def as_record(found: DryRun) -> dict[str, Any]:
    """The same for programs; ``status`` is ``None`` for a trial that would run."""
    trials = [
        {
            "trial_id": trial.trial_id,
            "status": status,
            "loss": trial.spec.loss_label,
            "architecture": trial.spec.architecture_label,
            "dataset": trial.spec.data.component.label,
            "seed": trial.spec.seed,
            "baseline": trial.spec.baseline,
            "recipe": trial.spec.recipe.model_dump(mode="json"),
            "warnings": list(trial.warnings),
        }
        for trial, status in zip(found.trials, found.statuses, strict=True)
    ]
    return {"place": found.place, "trials": trials}


def as_json(found: DryRun) -> str:
    """:func:`as_record` as JSON."""
    return json.dumps(as_record(found), indent=2, allow_nan=False)
