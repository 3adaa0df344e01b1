"""Trials that an executor is tried with: small but real ones, processes that import torch and train or fail."""

from functools import cache
from pathlib import Path

from ganbench import plugins
from ganbench.executors import Job
from ganbench.grid import parse_axis, parse_losses
from ganbench.plan import PlanRequest
from ganbench.records.folder import TrialFolder
from ganbench.spec import Execution, TrialFile, TrialSpec

ENDLESS = 100_000
"""Steps of a trial that goes on for minutes."""


@cache
def _small() -> TrialSpec:
    from ganbench.resolving.plans import answer

    registry = plugins.load().registry
    request = PlanRequest(
        losses=tuple(parse_losses(["vanilla"], registry)),
        architectures=tuple(parse_axis("architecture", ["mlp[hidden=8,layers=1]"], registry)),
        datasets=tuple(parse_axis("dataset", ["ring"], registry)),
        num_samples=100,
        recipe={"steps": 20, "batch_size": 16},
    )
    planned = answer(request)
    assert not planned.error, planned.error
    return planned.planned[0].spec


def write_trial(
    out: Path, *, seed: int = 0, steps: int = 20, broken: bool = False, device: str = "cpu", weight: float = 1.0
) -> Job:
    """Write a small trial's folder below ``out``, as a run does before it submits.

    Args:
        out: the folder of trials.
        seed: tells trials apart.
        steps: of training; :data:`ENDLESS` for one that has to be stopped.
        broken: whether it fails before it trains, because its data are not what was planned.
        device: ``cpu`` or ``cuda``.
        weight: of its job.
    """
    spec = _small()
    recipe = spec.recipe.model_copy(update={"steps": steps})
    data = spec.data.model_copy(update={"fingerprint": "0" * 64}) if broken else spec.data
    evaluation = spec.evaluation.model_copy(update={"every": 0})
    spec = spec.model_copy(update={"seed": seed, "recipe": recipe, "data": data, "evaluation": evaluation})
    folder = TrialFolder(out / spec.trial_id)
    execution = Execution(device=device, checkpoint_seconds=0.5, snapshots=0)
    folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=execution))
    folder.write_status("pending")
    return Job(spec.trial_id, folder.path.absolute(), weight)
