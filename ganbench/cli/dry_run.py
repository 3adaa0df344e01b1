"""``ganbench run --dry-run``: everything checked, nothing trained."""

from ganbench.plugins import Plugins
from ganbench.request import RunRequest
from ganbench.results import trial_label
from ganbench.spec import Recipe
from ganbench.store import Store
from ganbench.trials import executor_class, plan_trials, shared_server


def describe(request: RunRequest, plugins: Plugins) -> str:
    """Plan the grid and list its trials: which are done, which would run, under which recipe."""
    place = executor_class(request, plugins).layout(request.wish)
    with shared_server(place.device, place.threads) as server:
        trials = plan_trials(request, server, place)
    store = Store(request.out)
    defaults = Recipe().model_dump()
    lines = []
    cached = 0
    for trial in trials:
        status = store.cached(trial.trial_id) or "to run"
        cached += status != "to run"
        own = trial.spec.recipe.model_dump()
        changed = " ".join(f"{key}={value}" for key, value in own.items() if value != defaults[key])
        lines.append(f"{status:8}  {trial_label(trial.spec)}  {changed}".rstrip())
        lines.extend(f"          note: {warning}" for warning in trial.warnings)
    lines.append(f"{len(trials)} trials, {cached} done already; on {place.sentence()}")
    return "\n".join(lines)
