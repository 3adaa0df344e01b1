"""What a tracker must do: take whatever a run reports of its trials, however they end."""

import inspect
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from ganbench.errors import with_kind
from ganbench.spec import STATUSES
from ganbench.testing.kit import Flaw, Subject
from ganbench.trackers import Tracked, Tracker

CALLS = ("trial_started", "progress", "evaluation", "trial_finished")
SPEC: Mapping[str, Any] = {
    "schema_version": 1,
    "baseline": "",
    "loss": {"name": "hinge", "label": "hinge", "parameters": {}},
    "penalties": [],
    "architecture": {"name": "mlp", "label": "mlp", "parameters": {"hidden": 400}},
    "data": {"component": {"name": "ring", "label": "ring", "parameters": {}}, "shape": [2]},
    "seed": 0,
    "recipe": {"steps": 2000, "batch_size": 64, "optimizer": "adam"},
    "evaluation": {"metrics": [], "num_samples": 1000},
}
RESULT: Mapping[str, Any] = {
    "status": "done",
    "metrics": {"modes": 8.0, "reverse_kl": None},
    "cost": {"seconds": 1.5, "peak_memory": None},
    "warnings": ["few samples"],
}
PROGRESS: Mapping[str, Any] = {
    "step": 20,
    "images": 1280,
    "d_loss": 1.25,
    "g_loss": 0.5,
    "images_per_second": 900.0,
    "seconds": 1.5,
    "memory": None,
    "device_free": None,
}
EVALUATION: Mapping[str, Any] = {
    "step": 20,
    "images": 1280,
    "seconds": 1.5,
    "values": {"modes": 8.0, "reverse_kl": None},
}
BASELINES: Mapping[str, Mapping[str, Any]] = {
    "untrained": {"baseline": "untrained", "loss": None},
    "real": {"baseline": "real", "loss": None, "architecture": None},
}


@contextmanager
def tracker(subject: Subject) -> Iterator[tuple[Tracker, Path]]:
    """An instance with an empty folder of trials, which is also the current one: trackers write files."""
    with tempfile.TemporaryDirectory() as place, chdir(place):
        out = Path(place).resolve()
        yield subject.build(out), out


@contextmanager
def taken(what: str, consequence: str = "") -> Iterator[None]:
    """Check that it raises nothing inside; ``what`` it is told there is the subject of the message."""
    try:
        yield
    except Exception as error:
        raise Flaw(f"{what} makes it raise {with_kind(error, 200)}{consequence}") from error


def tracked(out: Path, number: int, *, baseline: str = "") -> Tracked:
    """Make one trial of several, or a baseline, with its folder."""
    name = f"{baseline or 'hinge-mlp'}-ring-s{number}-0123456789ab"
    (out / name).mkdir(exist_ok=True)
    label = f"{f'({baseline})' if baseline else 'hinge · mlp'} · ring · seed {number}"
    spec = {**SPEC, **BASELINES.get(baseline, {}), "seed": number}
    return Tracked(trial_id=name, label=label, folder=out / name, spec=spec, started=1.7e9)


def contract(subject: Subject) -> None:
    """It is a tracker, and its methods take what a run passes them."""
    if not (inspect.isclass(subject.cls) and issubclass(subject.cls, Tracker)):
        raise Flaw("it must be a subclass of ganbench.trackers.Tracker; `--tracker` would refuse it")
    for name in CALLS:
        wanted = len(inspect.signature(getattr(Tracker, name)).parameters)
        try:
            inspect.signature(getattr(subject.cls, name)).bind(*[None] * wanted)
        except TypeError as error:
            told = ", ".join([*inspect.signature(getattr(Tracker, name)).parameters][1:])
            raise Flaw(
                f"{name}() does not take {told} ({error}); it would be switched off at its first call"
            ) from error
    if all(getattr(subject.cls, name) is getattr(Tracker, name) for name in CALLS):
        raise Flaw("it implements none of the methods that a run calls; it would follow no trial")


def events(subject: Subject) -> None:
    """It takes every way a trial can end, also without a result, and several trials at once."""
    with tracker(subject) as (one, out):
        trials = [tracked(out, number) for number in range(len(STATUSES))]
        with taken("following several trials", "; it would be switched off"):
            for trial in trials:
                one.trial_started(trial)
            for trial in trials:
                one.progress(trial, PROGRESS)
                one.evaluation(trial, EVALUATION)
        for baseline, differs in BASELINES.items():
            trial = tracked(out, 0, baseline=baseline)
            missing = " and ".join(key for key in differs if key != "baseline")
            with taken(
                f"the baseline '{baseline}', which has no {missing},",
                "; it would be switched off in every run with --baselines",
            ):
                one.trial_started(trial)
                one.evaluation(trial, {**EVALUATION, "step": 0, "images": 0})
                one.trial_finished(trial, "done", RESULT)
        for trial, status in zip(trials, STATUSES, strict=True):
            result = {**RESULT, "status": status} if status in ("done", "diverged") else {}
            with taken(
                f"a trial that ends as {status}{'' if result else ', without a result,'}",
                "; it would be switched off, and later trials would not be followed",
            ):
                one.trial_finished(trial, status, result)
        one.close()


def again(subject: Subject) -> None:
    """A trial that goes on after an interrupt is reported again from its first line."""
    with tracker(subject) as (one, out):
        for status in ("interrupted", "done"):
            trial = tracked(out, 0)
            with taken("a trial that it is told of a second time"):
                one.trial_started(trial)
                one.progress(trial, PROGRESS)
                one.evaluation(trial, EVALUATION)
                one.trial_finished(trial, status, RESULT if status == "done" else {})
        one.close()


CHECKS = (contract, events, again)
