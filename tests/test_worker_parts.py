"""What a trial is built of, and what is scored without a generator."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ganbench import components, plugins
from ganbench.api import Dataset, Samples
from ganbench.errors import ChangedSincePlanning, UsageError
from ganbench.files import read_lines
from ganbench.penalties.lecam import LeCam
from ganbench.planning.suite import Suite, to_request
from ganbench.records.folder import TrialFolder
from ganbench.registry import Registry
from ganbench.resolving.plans import answer
from ganbench.spec import Component, Execution, TrialFile, TrialSpec
from ganbench.trial import run_trial
from ganbench.worker.parts import Parts, build_objective, held_out

LOADED = plugins.load()


def planned(**given: Any) -> list[TrialSpec]:
    """The trials of a loss on digits, vanilla where none is named."""
    given = {"losses": ("vanilla",)} | given
    suite = Suite(architectures=("dcgan[width=4]",), steps=1, num_samples=200, **given)
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


@pytest.mark.parametrize("what", ["data", "reference", "extractor"])
def test_what_has_changed_since_the_plan_is_refused_and_said_to_whoever_plans_again(spec: TrialSpec, what: str) -> None:
    other, evaluation = "0" * 64, spec.evaluation
    changes: dict[str, dict[str, Any]] = {
        "data": {"data": spec.data.model_copy(update={"fingerprint": other})},
        "reference": {
            "evaluation": evaluation.model_copy(
                update={"reference": evaluation.reference.model_copy(update={"fingerprint": other})}
            )
        },
        "extractor": {"evaluation": evaluation.model_copy(update={"extractor_sha256": other})},
    }
    words = {
        "data": "the split 'train' has changed since .*: its fingerprint is .*, expected 000000000000; run again",
        "reference": "the split 'test' has changed since .*: its fingerprint is .*, expected 0000000",
        "extractor": "the weights of extractor 'digits' have changed since .*: their SHA-256 is .*, expected 00000000",
    }[what]
    with pytest.raises(ChangedSincePlanning, match=words) as refused:
        Parts(spec.model_copy(update=changes[what]), Execution(), LOADED.registry)
    assert refused.value.planned == other


def test_a_gpu_is_refused_where_there_is_none(spec: TrialSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="device 'cuda' was asked for, but torch finds none; use --device cpu"):
        Parts(spec, Execution(device="cuda"), LOADED.registry)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert Parts(spec, Execution(device="cuda"), LOADED.registry).device == torch.device("cuda")


class Splits(Dataset):
    def __init__(self, train: Samples, test: Samples) -> None:
        self.splits = {"train": train, "test": test}

    def load(self, split: str, *, root: Path) -> Samples:
        return self.splits[split]


def numbered(first: int, count: int) -> Samples:
    return Samples(data=torch.arange(first, first + count).float()[:, None], labels=torch.arange(first, first + count))


def real_ones(spec: TrialSpec, dataset: Splits, reference: str) -> Samples:
    train = dataset.splits["train"]
    parts = SimpleNamespace(dataset=dataset, root=Path(), train=train, reference=dataset.splits[reference])
    return held_out(parts, spec)  # type: ignore[arg-type]


def test_the_floor_is_of_as_many_samples_as_are_scored_none_of_which_is_in_the_reference(spec: TrialSpec) -> None:
    dataset = Splits(numbered(0, 300), numbered(1000, 250))
    for reference, others in (("test", range(300)), ("train", range(1000, 1250))):
        found = real_ones(spec, dataset, reference)
        assert len(set(found.data.flatten().tolist()) & set(others)) == len(found) == 200
        assert found.labels is not None
        assert torch.equal(found.data.flatten(), found.labels.float())
        assert torch.equal(found.data, real_ones(spec, dataset, reference).data)
        assert not torch.equal(found.data, real_ones(spec.model_copy(update={"seed": 5}), dataset, reference).data)


def test_without_enough_samples_beside_the_reference_there_is_no_floor(spec: TrialSpec) -> None:
    same = numbered(0, 300)
    with pytest.raises(UsageError, match="no real samples besides the reference, so this dataset has no floor"):
        real_ones(spec, Splits(same, same), "test")
    few = Splits(numbered(0, 199), numbered(1000, 250))
    with pytest.raises(UsageError, match=r"200 real samples besides .* planned, but there are only 199; run again"):
        real_ones(spec, few, "test")
    assert len(real_ones(spec, Splits(numbered(0, 200), numbered(1000, 250)), "test")) == 200


def test_the_players_minimise_a_loss_with_its_own_penalty_and_those_that_were_added() -> None:
    (both,) = planned(metrics=("fid",), losses=("wgan-gp+lecam",))
    found = build_objective(both, LOADED.registry)
    assert found is not None
    assert found.penalties[0] is found.loss.penalty
    assert [type(penalty) for penalty in found.penalties[1:]] == [LeCam]
    assert build_objective(both.model_copy(update={"loss": None}), LOADED.registry) is None
