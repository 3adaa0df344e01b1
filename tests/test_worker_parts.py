"""What a trial is built of, and what is scored without a generator."""

from pathlib import Path
from typing import Any

import pytest

from ganbench import components, plugins
from ganbench.files import read_lines
from ganbench.planning.suite import Suite, to_request
from ganbench.records.folder import TrialFolder
from ganbench.registry import Registry
from ganbench.resolving.plans import answer
from ganbench.spec import Component, Execution, TrialFile, TrialSpec
from ganbench.trial import run_trial
from ganbench.worker.parts import Parts

LOADED = plugins.load()


def planned(**given: Any) -> list[TrialSpec]:
    """The trials of vanilla on digits."""
    suite = Suite(losses=("vanilla",), architectures=("dcgan[width=4]",), steps=1, num_samples=200, **given)
    plan = answer(to_request(Suite(), suite, LOADED.registry)[0])
    assert plan.error == ""
    return [one.spec for one in plan.planned]


@pytest.fixture(scope="module")
def spec() -> TrialSpec:
    return planned(metrics=("fid",))[0]


@pytest.mark.parametrize(
    "change", [{"source": "0" * 12}, {"plugin": "another"}, {"version": "9"}, {"parameters": {"crop": 1}}]
)
def test_cached_features_are_those_of_this_extractors_code(
    spec: TrialSpec, change: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extractor = spec.evaluation.extractor
    assert extractor is not None
    original = components.rebuild

    def rebuild(kind: str, component: Component, registry: Registry, **more: Any) -> Any:
        # What a changed package would build is beside the point: where it looks for features is what is tested.
        return original(kind, extractor if kind == "extractor" else component, registry, **more)

    monkeypatch.setattr(components, "rebuild", rebuild)
    others = spec.evaluation.model_copy(update={"extractor": extractor.model_copy(update=change)})
    for one in (spec, spec, spec.model_copy(update={"evaluation": others})):
        parts = Parts(one, Execution(cache_dir=str(tmp_path)), LOADED.registry)
        assert parts.evaluator.reference_evidence.features is not None
    assert len(list((tmp_path / "references").glob("*.safetensors"))) == 2


def test_the_floor_of_training_samples_is_not_called_memorised(tmp_path: Path) -> None:
    (real,) = (spec for spec in planned(metrics=("fid", "memorisation"), baselines=True) if spec.baseline == "real")
    folder = TrialFolder(tmp_path / real.trial_id)
    folder.path.mkdir()
    folder.write_spec(TrialFile(trial_id=real.trial_id, spec=real, execution=Execution()))
    assert run_trial(folder) == "done"
    found = folder.read_result()["metrics"]
    assert found["fid"] > 0
    assert (found["memorised"], found["train_preference"]) == (None, None)


def test_an_untrained_generator_is_scored_once_by_all_metrics(tmp_path: Path) -> None:
    """Those that wait for the end of training, too."""
    (one,) = (
        spec for spec in planned(metrics=("fid", "precision-recall"), baselines=True) if spec.baseline == "untrained"
    )
    folder = TrialFolder(tmp_path / one.trial_id)
    folder.path.mkdir()
    folder.write_spec(TrialFile(trial_id=one.trial_id, spec=one, execution=Execution()))
    assert run_trial(folder) == "done"
    (line,) = read_lines(folder.metrics)
    assert line["step"] == 0
    assert line["values"].keys() >= {"fid", "precision", "recall"}
