"""``ganbench run --dry-run``: everything checked, nothing trained."""

import contextlib
import json
from typing import Any, NamedTuple

from ganbench.cli import planned
from ganbench.errors import StoreError
from ganbench.files import digest
from ganbench.planning.planner import plan
from ganbench.planning.request import RunRequest
from ganbench.planning.trials import executor_class, trials_of
from ganbench.plugins import Plugins
from ganbench.processes.server import shared_server
from ganbench.spec import TrialFile
from ganbench.store.handed import refuse_what_others_hold
from ganbench.store.pruning import code
from ganbench.store.results import dataset_name
from ganbench.store.store import ReadOnly, Store
from ganbench.store.values import ValueInfo
from ganbench.tables.wording import counted
from ganbench.trackers.following import check_trackers


class DryRun(NamedTuple):
    """What a run would do.

    Attributes:
        trials: of the grid.
        statuses: what each trial is already; ``None`` for one that would run.
        released: for those that would run, by name, the trial that is done with the same code in another version of a
            package.
        place: where they would run, in words.
        notes: about the grid as a whole.
        values: how the values that the request names are read.
    """

    trials: list[TrialFile]
    statuses: list[str | None]
    released: dict[str, str]
    place: str
    notes: list[str]
    values: dict[str, ValueInfo]


def dry_run(request: RunRequest, plugins: Plugins) -> DryRun:
    """Plan the grid: which of its trials are done, which would run.

    Raises:
        GanbenchError: whatever would keep the grid from running.
    """
    check_trackers(request.trackers, plugins.registry)
    store = Store(request.out, request.out_option)
    unwritable: ReadOnly | None = None
    try:
        store.require_possible()
    except ReadOnly as error:
        unwritable = error
    place = executor_class(request, plugins).layout(request.wish)
    notes: list[str] = []
    with shared_server(place.device, place.threads) as server:
        cells = plan(request.plan, server)
    trials = trials_of(cells, request, place, notes.append)
    statuses = [store.cached(trial.trial_id, retry=request.retry) for trial in trials]
    missing = [trial for trial, status in zip(trials, statuses, strict=True) if status is None]
    if missing and unwritable:
        raise unwritable
    refuse_what_others_hold((store.folder(trial.trial_id) for trial in missing), request.executor)
    values = {name: ValueInfo(**declared) for cell in cells for name, declared in cell.values.items()}
    return DryRun(trials, statuses, _released(missing, store), place.sentence(), notes, values)


def _released(missing: list[TrialFile], store: Store) -> dict[str, str]:
    """By trial, the one in the store that has the same code in another version, and is done."""
    wanted = {code(trial.spec): trial.trial_id for trial in missing}
    begin = {trial.trial_id.rpartition("-")[0] for trial in missing}
    found = {}
    for path in sorted(store.path.glob("*/spec.json")) if wanted else ():
        name = path.parent.name
        # Read only where the name says that it may be one.
        if name.rpartition("-")[0] in begin and store.folder(name).read_status()["status"] == "done":
            with contextlib.suppress(StoreError):
                if trial_id := wanted.get(code(store.folder(name).read_spec().spec)):
                    found[trial_id] = name
    return found


def as_text(found: DryRun, width: int | None = None) -> str:
    """A line per row and status, with its warnings; a line per dataset; how many trials in all.

    ``width`` is that of the terminal, in characters; ``None`` folds no line.
    """
    lines = planned.lines(found.trials, found.statuses, width)
    beneath = [*map(_data_sentence, _datasets(found)), *(f"note: {note}" for note in found.notes)]
    done = sum(status is not None for status in found.statuses)
    beneath.append(f"{counted(len(found.trials), 'trial')}, {done} done already; on {found.place}")
    if found.released:
        beneath.append(
            f"of those to run, {len(found.released)} done already in another version of a package, with the same code"
        )
    lines += [part for line in beneath for part in planned.folded(line, width)]
    return "\n".join(lines)


def _datasets(found: DryRun) -> list[TrialFile]:
    """The first trial of each dataset with a reference."""
    firsts: dict[str, TrialFile] = {}
    for trial in found.trials:
        spec = trial.spec
        firsts.setdefault(digest([spec.data.model_dump(), spec.evaluation.reference.model_dump()]), trial)
    return list(firsts.values())


def _data_sentence(trial: TrialFile) -> str:
    """How many samples, of what shape and of how many classes a trial trains on, and what it is compared with."""
    data, reference = trial.spec.data, trial.spec.evaluation.reference
    things = "images" if data.kind == "image" else "points"
    shape = "x".join(map(str, data.shape))
    classes = f"{data.classes:,} class{'' if data.classes == 1 else 'es'}" if data.classes else "no labels"
    same = reference.fingerprint == data.fingerprint
    against = f"the same {things}" if same else f"{reference.size:,} of its {reference.split} split"
    return f"data      {dataset_name(trial)}: {data.size:,} {things} of {shape}, {classes}; compared with {against}"


def as_record(found: DryRun) -> dict[str, Any]:
    """The same for programs; ``status`` is ``None`` for a trial that would run. ``classes`` is 0 without labels.

    ``same_code`` is then the trial that is done with the same code in another version of its package, if there is one.
    """
    trials = [
        {
            "trial_id": trial.trial_id,
            "status": status,
            "same_code": found.released.get(trial.trial_id),
            "loss": trial.spec.loss_label,
            "architecture": trial.spec.architecture_label,
            "dataset": dataset_name(trial),
            "seed": trial.spec.seed,
            "baseline": trial.spec.baseline,
            "recipe": trial.spec.recipe.model_dump(mode="json"),
            "warnings": list(trial.warnings),
        }
        for trial, status in zip(found.trials, found.statuses, strict=True)
    ]
    datasets = [
        {
            "dataset": dataset_name(trial),
            "kind": trial.spec.data.kind,
            "shape": list(trial.spec.data.shape),
            "size": trial.spec.data.size,
            "classes": trial.spec.data.classes,
            "fingerprint": trial.spec.data.fingerprint,
            "reference": trial.spec.evaluation.reference.model_dump(mode="json"),
        }
        for trial in _datasets(found)
    ]
    return {"place": found.place, "datasets": datasets, "trials": trials, "notes": found.notes}


def as_json(found: DryRun) -> str:
    """:func:`as_record` as JSON."""
    return json.dumps(as_record(found), indent=2, allow_nan=False)
