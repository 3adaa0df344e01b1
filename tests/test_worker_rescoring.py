"""Sources that are scored without being trained: which of their samples, and labels that are those of a trial."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from ganbench import plugins
from ganbench.api import Samples
from ganbench.datasets.digits import Digits
from ganbench.evaluation.drawing import Drawer
from ganbench.evaluation.handout import write_program, write_samples
from ganbench.evaluation.trained import load_generator
from ganbench.files import write_json
from ganbench.metrics import fid
from ganbench.plan import PlanAnswer, Planned
from ganbench.planning.given import to_request
from ganbench.planning.suite import Suite
from ganbench.planning.suite import to_request as to_run
from ganbench.records.folder import TrialFolder
from ganbench.resolving import plans, sources
from ganbench.spec import Execution, TrialFile
from ganbench.trial import run_trial
from ganbench.worker import rescoring
from ganbench.worker.rescoring import choose
from ganbench.worker.watcher import StopFlag
from tests.workers import MLP, lines, planned

GRID = Suite(
    losses=("hinge",), architectures=("mlp[hidden=16,layers=1,condition=projection]",), datasets=("digits",), steps=4,
    batch_size=16, num_samples=100, eval_every=0, metrics=("fid", "gan-test", "intra-fid"),
)  # fmt: skip
PROGRAM: dict[str, Any] = {"value_range": "-1:1"}


def run(cell: Planned, place: Path) -> TrialFolder:
    folder = TrialFolder(place / cell.spec.trial_id)
    folder.path.mkdir(parents=True)
    execution = Execution(snapshots=0, source_path=cell.source, data_at=cell.data_at)
    folder.write_spec(TrialFile(trial_id=cell.spec.trial_id, spec=cell.spec, execution=execution))
    assert run_trial(folder) == "done"
    return folder


def trained(place: Path, **more: Any) -> TrialFolder:
    request, _ = to_run(Suite(), GRID.model_copy(update=more), plugins.load().registry)
    (cell,) = plans.answer(request).planned
    return run(cell, place)


def ask(path: Path, **options: Any) -> PlanAnswer:
    return sources.answer(to_request([path], plugins.load().registry, device="cpu", **options))


def values(result: Any) -> tuple[dict[str, float], str]:
    """The values of a result that are defined, and where the labels came from."""
    defined = {name: value for name, value in result["metrics"].items() if value is not None}
    return defined, result["protocol"]["labels"]


def outcome(folder: TrialFolder) -> tuple[Any, str]:
    defined, labels = values(folder.read_result())
    return pytest.approx(defined, rel=1e-5), labels


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The same generator scored with the reference's labels and with balanced ones, and as two programs."""
    import signal

    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    place = tmp_path_factory.mktemp("rescoring")
    for labels in ("reference", "balanced"):
        trained(place / "runs", labels=labels).path.rename(place / labels)
    generator = load_generator(place / "reference")
    write_program(place / "g.pt2", generator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = (torch.zeros(2, generator.latent_dim), torch.zeros(2, dtype=torch.int64))
        torch.jit.trace(generator, inputs).save(str(place / "g.pt"))
    yield place
    for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize(("name", "more"), [("g.pt2", {}), ("g.pt", {"latent_dim": 32})])
def test_a_program_has_the_score_of_its_trial_under_either_choice_of_labels(
    runs: Path, name: str, more: dict[str, Any], tmp_path: Path
) -> None:
    for against in ("reference", "balanced"):
        (cell,) = ask(runs / name, against=str(runs / against), **PROGRAM, **more).planned
        found = run(cell, tmp_path / against).read_result()
        assert values(found) == outcome(TrialFolder(runs / against))
    # What is asked for counts more than what the trial had.
    (cell,) = ask(runs / name, against=str(runs / "reference"), labels="balanced", **PROGRAM, **more).planned
    found = run(cell, tmp_path / "asked").read_result()
    assert values(found) == outcome(TrialFolder(runs / "balanced"))


def test_against_a_dataset_the_labels_are_the_references(runs: Path) -> None:
    (cell,) = ask(runs / "g.pt2", against="digits", **PROGRAM).planned
    assert cell.spec.evaluation.labels == "reference"


def test_a_trial_is_scored_again_with_the_labels_of_another_or_with_those_that_are_asked_for(
    runs: Path, tmp_path: Path
) -> None:
    reference, balanced = (TrialFolder(runs / labels) for labels in ("reference", "balanced"))
    (cell,) = ask(reference.path, labels="balanced").planned
    assert cell.spec.trial_id == balanced.read_spec().trial_id
    assert values(run(cell, tmp_path).read_result()) == outcome(balanced)
    (cell,) = ask(balanced.path, against=str(reference.path)).planned
    assert cell.spec.trial_id == reference.read_spec().trial_id
    found = ask(balanced.path)
    assert [cell.spec.trial_id for cell in found.planned] == [balanced.read_spec().trial_id]
    stamped = {stamp.path for stamp in found.files}
    parts = (balanced.generator, balanced.spec, Path(fid.__file__ or ""))
    assert {str(path.resolve()) for path in parts} <= stamped, "what a kept plan is of"


def test_a_trial_is_scored_again_against_every_reference_that_it_could_be_trained_against(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One without images of the last class, for example, whose labels the generator knows all the same."""
    load, classes = Digits.load, 9

    def other(self: Digits, split: str, *, root: Path) -> Samples:
        samples = load(self, split, root=root)
        return (
            samples if split == "train" else replace(samples, labels=torch.arange(len(samples)) % classes, classes=())
        )

    monkeypatch.setattr(Digits, "load", other)
    request, _ = to_run(Suite(), GRID.model_copy(update={"metrics": ("fid",)}), plugins.load().registry)
    (cell,) = plans.answer(request).planned
    (again,) = ask(runs / "reference", against="digits", metrics=["fid"], num_samples=100).planned
    assert (again.spec.evaluation.labels, again.spec.trial_id) == ("reference", cell.spec.trial_id)
    classes = 11
    assert ask(runs / "reference", against="digits", metrics=["fid"]).error.endswith(
        "reference makes fakes with the reference's labels, but the reference of 'digits' has 11 classes where the "
        "training samples have 10; use --labels balanced"
    )
    (cell,) = ask(runs / "reference", against="digits", labels="balanced", metrics=["fid"]).planned
    assert cell.spec.evaluation.labels == "balanced"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"label": ["mine"]}, "is a trial and keeps its name; leave --label out"),
        ({"channels": 1}, "is a trial of this dataset; leave --channels out"),
        ({"seed": [3]}, "is a trial and keeps its seed; leave --seed out, or give 0 for it"),
    ],
)
def test_a_trial_that_is_scored_again_stays_the_trial_that_it_is(
    runs: Path, option: dict[str, Any], words: str
) -> None:
    assert ask(runs / "reference", **option).error.endswith(words)


def test_labels_that_nothing_takes_or_that_are_not_there_are_refused(runs: Path, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (100, 1, 16, 16), np.uint8)
    np.save(tmp_path / "fakes.npy", images)
    np.save(tmp_path / "reals.npy", images)
    fid: dict[str, Any] = {"metrics": ["fid"]}
    refused = ask(tmp_path / "fakes.npy", against="digits", labels="balanced", **fid).error
    assert refused == "labels balanced: no source is a conditional generator; leave --labels out"
    plain = {"against": str(tmp_path / "reals.npy"), "extractor": "digits", "num_samples": 50}
    refused = ask(runs / "g.pt2", **plain, **fid, **PROGRAM).error
    assert refused.endswith("g.pt2 takes labels, but the reference has none; score it against a labelled dataset")
    # The trial of --against has labels: samples that have none are scored as it was in all else.
    (cell,) = ask(tmp_path / "fakes.npy", against=str(runs / "reference"), **fid).planned
    assert cell.spec.evaluation.labels == "none"


def test_as_many_as_are_asked_for_are_drawn_by_the_seed() -> None:
    samples = Samples(data=torch.arange(300.0)[:, None], labels=torch.arange(300) % 7)
    assert choose(samples, 300, 0) is samples
    chosen = choose(samples, 100, 0)
    assert len(set(chosen.data.flatten().tolist())) == 100
    assert chosen.labels is not None
    assert torch.equal(chosen.data[:, 0].long() % 7, chosen.labels)
    assert torch.equal(chosen.data, choose(samples, 100, 0).data)
    assert not torch.equal(chosen.data, choose(samples, 100, 1).data)
    assert choose(Samples(data=samples.data), 100, 0).labels is None


@pytest.mark.parametrize("packed", [False, True])
def test_labelled_samples_have_the_score_of_the_trial_that_drew_them(runs: Path, tmp_path: Path, packed: bool) -> None:
    trial = TrialFolder(runs / "balanced")
    drawer = Drawer(folder=trial, trial=trial.read_spec(), device=torch.device("cpu"), warn=lambda warning: None)
    fakes, labels = drawer.draw_scored()
    assert labels is not None
    path = tmp_path / ("fakes.npz" if packed else "fakes")
    if packed:
        write_samples(path, fakes, labels)
    else:
        for number in range(10):
            write_samples(path / str(number), fakes[labels == number], None)
    (cell,) = ask(path, against=str(trial.path)).planned
    found = run(cell, tmp_path / "runs").read_result()
    assert found["protocol"]["labels"] == "balanced"
    drawn = trial.read_result()["metrics"]
    for name in ("fid", "gan_test", "intra_fid", "intra_fid_n"):  # not the jackknife, whose groups go by the order
        assert found["metrics"][name] == pytest.approx(drawn[name], rel=1e-5)
    # Other labels are other samples.
    write_samples(tmp_path / "other.npz", fakes, (labels + 1) % 10)
    (other,) = ask(tmp_path / "other.npz", against=str(trial.path)).planned
    confused = run(other, tmp_path / "runs").read_result()["metrics"]
    assert confused["fid"] == pytest.approx(found["metrics"]["fid"], rel=1e-5)
    assert confused["intra_fid"] != pytest.approx(found["metrics"]["intra_fid"], rel=1e-5)


def scored_again(source: TrialFolder, place: Path, **changes: Any) -> TrialFolder:
    """A trial in which the generator of another is scored by fewer samples."""
    trained = source.read_spec().spec
    evaluation = trained.evaluation.model_copy(update={"num_samples": 150})
    spec = trained.model_copy(update={"evaluation": evaluation, **changes})
    folder = TrialFolder(place / spec.trial_id)
    folder.path.mkdir(parents=True)
    execution = Execution(snapshots=0, source_path=str(source.path))
    folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=execution))
    return folder


def test_a_trial_scored_again_stands_at_the_end_of_its_training_with_its_costs(tmp_path: Path) -> None:
    (source,) = planned(tmp_path / "runs", MLP, seeds=1, steps=12, every=0)
    assert run_trial(source, StopFlag()) == "done"
    folder = scored_again(source, tmp_path / "again")
    assert run_trial(folder, StopFlag()) == "done", folder.read_status()
    trained, result = source.read_result(), folder.read_result()
    (line,) = lines(folder.metrics)
    assert (line["step"], line["images"]) == (result["step"], result["cost"]["real_images"]) == (12, 12 * 20)
    assert line["values"] == result["metrics"]
    for cost in ("train_seconds", "images_per_second"):
        assert result["cost"][cost] == trained["cost"][cost]
    assert folder.samples.is_file()
    assert not folder.attempts.exists()  # nothing was trained


@pytest.mark.parametrize("kept", [{"cost": None}, {"cost": {}}, {}], ids=["null", "empty", "missing"])
def test_a_trial_whose_costs_were_not_written_down_is_scored_again_without(
    kept: dict[str, Any], tmp_path: Path
) -> None:
    (source,) = planned(tmp_path / "runs", MLP, seeds=1, steps=2, every=0)
    assert run_trial(source, StopFlag()) == "done"
    others = {key: value for key, value in source.read_result().items() if key != "cost"}
    write_json(source.result, others | kept)
    folder = scored_again(source, tmp_path / "again")
    assert run_trial(folder, StopFlag()) == "done", folder.read_status()
    assert [line["images"] for line in lines(folder.metrics)] == [0]
    assert folder.read_result()["cost"]["train_seconds"] is None


def test_a_trial_that_is_another_than_when_it_was_planned_is_not_scored_again(tmp_path: Path) -> None:
    (source,) = planned(tmp_path / "runs", MLP, seeds=1, steps=2, every=0)
    assert run_trial(source, StopFlag()) == "done"
    folder = scored_again(source, tmp_path / "again", seed=5)
    assert run_trial(folder, StopFlag()) == "failed"
    why = f"{source.path} has changed since the run was planned; run again to make a new plan"
    assert folder.read_status()["reason"] == why
    assert not folder.result.exists()


def test_the_floor_is_real_samples_before_any_training(tmp_path: Path) -> None:
    (cell,) = planned(tmp_path / "runs", MLP, seeds=1)
    spec = cell.read_spec().spec.model_copy(update={"baseline": "real", "loss": None, "architecture": None})
    folder = TrialFolder(tmp_path / spec.trial_id)
    folder.path.mkdir()
    folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution(snapshots=0)))
    assert run_trial(folder, StopFlag()) == "done", folder.read_status()
    (line,) = lines(folder.metrics)
    result = folder.read_result()
    assert (line["step"], line["images"], result["step"], result["cost"]["real_images"]) == (0, 0, 0, 0)
    assert line["values"] == result["metrics"]
    assert result["metrics"]["modes"] == 8


def test_the_floor_of_training_samples_is_scored_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the training samples that memorisation, for one, looks for among them."""
    monkeypatch.setattr(rescoring, "held_out", Mock())
    for same in (True, False):
        parts = Mock()
        parts.reference = parts.train if same else Mock()
        rescoring.score_real_data(parts, Mock())
        assert parts.evaluator.score_real.call_args.kwargs == {"from_train": not same}
