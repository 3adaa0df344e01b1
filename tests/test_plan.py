"""Kept plans: those whose samples or weights changed, though no file that they name did."""

from pathlib import Path

import pytest

from ganbench.errors import ChangedSincePlanning
from ganbench.files import write_json
from ganbench.plan import PlanAnswer, Planned
from ganbench.plugins import load
from ganbench.spec import Execution, TrialFile, TrialSpec
from ganbench.trial import run_trial
from ganbench.worker.parts import Parts
from tests.workers import MLP, planned


def kept(cache: Path, name: str, spec: TrialSpec) -> Path:
    path = cache / "plans" / f"{name}.json"
    write_json(path, PlanAnswer(planned=(Planned(spec=spec),)).model_dump(mode="json"))
    return path


def test_a_plan_whose_samples_changed_is_made_anew(tmp_path: Path) -> None:
    """Where a dataset does not name its files, nothing else tells; each run would fail for the same reason."""
    (folder,) = planned(tmp_path / "runs", MLP, seeds=1)
    trial = folder.read_spec()
    stale = trial.spec.model_copy(update={"data": trial.spec.data.model_copy(update={"fingerprint": "0" * 64})})
    cache = tmp_path / "cache"
    (cache / "plans").mkdir(parents=True)
    wrong, right = kept(cache, "wrong", stale), kept(cache, "right", trial.spec)
    damaged = cache / "plans" / "damaged.json"
    damaged.write_bytes(b"\xff" * 9)
    execution = Execution(cache_dir=str(cache))
    folder.write_spec(TrialFile(trial_id=stale.trial_id, spec=stale, execution=execution))
    assert run_trial(folder) == "failed"
    assert folder.read_status()["reason"].startswith("the split 'train' has changed since the run was planned")
    assert str(folder.read_status()["reason"]).endswith("run again to make a new plan")
    assert (wrong.exists(), right.exists(), damaged.exists()) == (False, True, True)


def test_other_weights_of_an_extractor_are_told_with_what_was_planned(tmp_path: Path) -> None:
    (folder,) = planned(tmp_path, MLP, seeds=1, dataset="digits")
    spec = folder.read_spec().spec
    evaluation = spec.evaluation.model_copy(update={"extractor_sha256": "0" * 64})
    with pytest.raises(ChangedSincePlanning, match="the weights of extractor 'digits' have changed since") as caught:
        Parts(spec.model_copy(update={"evaluation": evaluation}), Execution(), load().registry)
    assert caught.value.planned == "0" * 64
