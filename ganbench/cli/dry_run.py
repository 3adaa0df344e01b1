"""``ganbench run --dry-run``: everything checked, nothing trained."""

from ganbench.executors.handed import refuse_what_others_hold
from ganbench.plugins import Plugins
from ganbench.request import RunRequest
from ganbench.results import trial_label
from ganbench.spec import Recipe
from ganbench.store import Store
from ganbench.trackers.following import check_trackers
from ganbench.trials import executor_class, plan_trials, shared_server


def describe(request: RunRequest, plugins: Plugins) -> str:
    """Plan the grid and list its trials: which are done, which would run, under which recipe."""
    check_trackers(request.trackers, plugins.registry)
    store = Store(request.out)
    store.require_possible()
    place = executor_class(request, plugins).layout(request.wish)
    with shared_server(place.device, place.threads) as server:
        trials = plan_trials(request, server, place)
    statuses = [store.cached(trial.trial_id, retry=request.retry) for trial in trials]
    missing = [trial.trial_id for trial, status in zip(trials, statuses, strict=True) if status is None]
    refuse_what_others_hold(map(store.folder, missing), request.executor)
    defaults = Recipe().model_dump()
    lines = []
    for trial, status in zip(trials, statuses, strict=True):
        own = trial.spec.recipe.model_dump()
        changed = " ".join(f"{key}={value}" for key, value in own.items() if value != defaults[key])
        lines.append(f"{status or 'to run':8}  {trial_label(trial.spec)}  {changed}".rstrip())
        lines.extend(f"          note: {warning}" for warning in trial.warnings)
    count = f"{len(trials)} trial{'s' if len(trials) != 1 else ''}"
    lines.append(f"{count}, {len(trials) - len(missing)} done already; on {place.sentence()}")
    return "\n".join(lines)
