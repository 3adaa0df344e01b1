"""A grid whose seeds are trained as one batched model: every trial has what it has alone, and says so."""

import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from ganbench import trial
from ganbench.provenance import environment
from ganbench.records.folder import TrialFolder
from ganbench.spec import TrialFile
from ganbench.trial import run_seeds, run_trial
from ganbench.worker import together
from ganbench.worker.recording import Recorder
from ganbench.worker.resuming import fresh_or_resumed
from ganbench.worker.watcher import StopFlag, Watcher
from tests.workers import MLP, StopAfter, lines, planned

pytestmark = pytest.mark.usefixtures("signals_as_before")


@pytest.mark.parametrize("seeds", [1, 2])
def test_the_process_of_a_trial_keeps_the_memory_that_it_frees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeds: int
) -> None:
    kept: list[str] = []
    for module in (trial, together):
        monkeypatch.setattr(module, "keep_freed_memory", partial(kept.append, module.__name__))
    folders = planned(tmp_path, MLP, seeds=seeds, steps=1, every=1)
    assert set(run_seeds(folders[0]) if seeds > 1 else [run_trial(folders[0])]) == {"done"}
    assert kept == ["ganbench.worker.together" if seeds > 1 else "ganbench.trial"]


def test_a_batch_has_what_its_trials_have_alone(tmp_path: Path) -> None:
    folders = planned(tmp_path / "batched", MLP)
    assert run_seeds(folders[0]) == ["done"] * 3
    alone = planned(tmp_path / "alone", MLP)
    assert [run_trial(folder) for folder in alone] == ["done"] * 3
    for folder, single in zip(folders, alone, strict=True):
        assert folder.read_status()["status"] == "done"
        found, expected = folder.read_result(), single.read_result()
        assert sorted(path.name for path in folder.path.iterdir()) == sorted(
            path.name for path in single.path.iterdir()
        )
        assert [line["step"] for line in lines(folder.metrics)] == [20, 40]
        assert found["cost"]["beside"] == 2
        assert found["cost"]["images_per_second"] is None
        assert found["cost"]["train_seconds"] is None
        assert found["cost"]["real_images"] == 40 * 20
        assert any("one batched model with 2 other seeds" in warning for warning in found["warnings"])
        assert "2 other seeds" in found["determinism"]["statement"]
        assert expected["cost"]["beside"] == 0
        assert expected["cost"]["images_per_second"] > 0
        assert expected["warnings"] == []
        assert found["protocol"] == expected["protocol"]
        for key in ("d_loss", "g_loss"):
            assert lines(folder.progress)[0][key] == pytest.approx(lines(single.progress)[0][key], rel=1e-4)
    assert len({folder.generator.read_bytes() for folder in folders}) == 3


def test_a_batch_has_the_threads_that_it_is_given_and_the_snapshots_that_are_asked_for(tmp_path: Path) -> None:
    folders = planned(tmp_path, MLP, seeds=2, steps=2, every=0)
    leader = folders[0].read_spec()
    folders[0].write_spec(leader.model_copy(update={"execution": leader.execution.model_copy(update={"threads": 2})}))
    try:
        assert run_seeds(folders[0]) == ["done"] * 2
    finally:
        torch.set_num_threads(1)
    for folder in folders:
        assert folder.read_result()["determinism"]["threads"] == 2
        assert [line["step"] for line in lines(folder.snapshots)] == [0, 1, 2]


def test_a_batch_is_interrupted_and_goes_on(tmp_path: Path) -> None:
    folders = planned(tmp_path / "stopped", MLP)
    whole = planned(tmp_path / "whole", MLP)
    assert run_seeds(whole[0]) == ["done"] * 3
    assert run_seeds(folders[0], StopAfter(3 * 25 - 1)) == ["interrupted"] * 3
    for folder in folders:
        assert folder.read_status()["reason"] == "stopped after step 25; run again to resume"
        assert folder.checkpoint.exists()
    assert run_seeds(folders[0]) == ["done"] * 3
    for folder, expected in zip(folders, whole, strict=True):
        assert folder.generator.read_bytes() == expected.generator.read_bytes()
        assert [line["step"] for line in lines(folder.progress)] == list(range(1, 41))
        assert folder.read_result()["metrics"] == expected.read_result()["metrics"]
        assert not folder.checkpoint.exists()


def test_one_trial_that_fails_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = planned(tmp_path, MLP)
    evaluate = Watcher.evaluate

    def failing(watcher: Watcher, state: Any) -> None:
        if watcher._spec.seed == 1 and state.step == 20:
            raise ValueError("a metric's own trouble")
        evaluate(watcher, state)

    monkeypatch.setattr(Watcher, "evaluate", failing)
    assert run_seeds(folders[0]) == ["done", "failed", "done"]
    assert "a metric's own trouble" in folders[1].read_status()["reason"]
    assert folders[2].read_result()["step"] == 40


@pytest.mark.parametrize("broken", [[0], [1], [0, 2], [0, 1, 2]])
def test_one_trial_whose_folder_is_broken_leaves_the_others(tmp_path: Path, broken: list[int]) -> None:
    folders = planned(tmp_path, MLP)
    for seed in broken:
        folders[seed].metrics.mkdir()
    assert run_seeds(folders[0]) == ["failed" if seed in broken else "done" for seed in range(3)]
    for seed in broken:
        assert str(folders[seed].metrics) in folders[seed].read_status()["reason"]


def test_one_trial_that_cannot_be_saved_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = planned(tmp_path, MLP)
    interrupted = Watcher.interrupted

    def failing(watcher: Watcher, state: Any) -> str:
        if watcher._spec.seed == 0:
            raise ValueError("a penalty's own trouble")
        return interrupted(watcher, state)

    monkeypatch.setattr(Watcher, "interrupted", failing)
    assert run_seeds(folders[0], StopAfter(3 * 25 - 1)) == ["failed", "interrupted", "interrupted"]
    assert "a penalty's own trouble" in folders[0].read_status()["reason"]
    assert [folder.checkpoint.exists() for folder in folders] == [False, True, True]


def test_networks_that_cannot_be_batched_run_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(together, "obstacle_to_batching", lambda *arguments: "its layers draw random numbers")
    folders = planned(tmp_path, MLP, steps=5, every=0)
    assert run_seeds(folders[0]) == ["done"] * 3
    assert [folder.read_result()["cost"]["beside"] for folder in folders] == [0, 0, 0]
    assert capsys.readouterr().out.count("not batched, so the seeds run one after another") == 1


@pytest.mark.parametrize("obstacle", ["", "for the test"])
def test_each_seed_starts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstacle: str) -> None:
    """A node that is lost has cost each of them one start at most, batched or one after another."""
    monkeypatch.setattr(together, "obstacle_to_batching", lambda *arguments: obstacle)
    folders = planned(tmp_path, MLP, steps=5, every=0)
    statuses: list[list[str]] = []
    train = Recorder.train

    def training(recorder: Recorder, real_images: Callable[[], int]) -> None:
        statuses.append([folder.read_status()["status"] for folder in folders])
        train(recorder, real_images)

    monkeypatch.setattr(Recorder, "train", training)
    assert run_seeds(folders[0]) == ["done"] * 3
    assert [len(lines(folder.starts)) for folder in folders] == [1] * 3
    for folder in folders:  # by this time a later run tells whether a start has got on
        assert [line["time"] for line in lines(folder.attempts)] == [line["time"] for line in lines(folder.starts)]
    in_turn = [["running", "pending", "pending"], ["done", "running", "pending"], ["done", "done", "running"]]
    assert statuses == (in_turn if obstacle else [["running"] * 3] * 3)


def watched(monkeypatch: pytest.MonkeyPatch, name: str) -> list[Callable[[], object]]:
    """Weak references to all that ``ganbench.worker.together`` makes by calling ``name``."""
    made: list[Callable[[], object]] = []
    make = getattr(together, name)

    def making(*arguments: Any) -> Any:
        found = make(*arguments)
        made.append(weakref.ref(found))
        return found

    monkeypatch.setattr(together, name, making)
    return made


def test_what_was_tried_is_gone_before_the_trials_are_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU has no room for both."""
    tried, build = watched(monkeypatch, "fresh_state"), fresh_or_resumed

    def building(*arguments: Any) -> Any:
        assert [state() for state in tried] == [None] * 3
        return build(*arguments)

    monkeypatch.setattr(together, "fresh_or_resumed", building)
    assert run_seeds(planned(tmp_path, MLP, steps=5, every=0)[0]) == ["done"] * 3


def test_trials_that_run_one_after_another_have_the_device_to_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, forgotten, run = watched(monkeypatch, "Parts"), list[torch.device](), trial._run

    def running(recorder: Recorder, stop: StopFlag) -> str:
        assert [each() for each in parts] == [None]
        return run(recorder, stop)

    monkeypatch.setattr(together, "obstacle_to_batching", lambda *arguments: "for the test")
    monkeypatch.setattr(trial, "_run", running)
    monkeypatch.setattr(environment, "forget_peak", forgotten.append)
    assert run_seeds(planned(tmp_path, MLP, steps=5, every=0)[0]) == ["done"] * 3
    assert forgotten == [torch.device("cpu")] * 3


def test_only_the_seeds_of_one_cell_are_a_batch(tmp_path: Path) -> None:
    folders = planned(tmp_path, MLP)
    other = planned(tmp_path, MLP, seeds=1, steps=41)[0]
    trial = folders[0].read_spec()
    beside = trial.execution.model_copy(update={"beside": (other.trial_id,)})
    folders[0].write_spec(trial.model_copy(update={"execution": beside}))
    assert run_seeds(folders[0]) == ["failed", "failed"]
    assert "nothing but their seed" in other.read_status()["reason"]


def test_baselines_are_no_batch(tmp_path: Path) -> None:
    trials = [folder.read_spec() for folder in planned(tmp_path, MLP, seeds=2)]
    specs = [trial.spec.model_copy(update={"baseline": "untrained", "loss": None}) for trial in trials]
    beside = trials[0].execution.model_copy(update={"beside": (specs[1].trial_id,)})
    folders = [TrialFolder(tmp_path / spec.trial_id) for spec in specs]
    for folder, spec in zip(folders, specs, strict=True):
        folder.path.mkdir()
        folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=beside))
    assert run_seeds(folders[0]) == ["failed"] * 2
    assert "baselines are not trained together" in folders[1].read_status()["reason"]


def test_asked_to_stop_between_two_seeds_no_other_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = planned(tmp_path, MLP)

    def run(recorder: Recorder, stop: StopFlag) -> str:
        stop.requested = True  # while the trial concludes: it is done all the same
        return "done"

    monkeypatch.setattr(together, "obstacle_to_batching", lambda *arguments: "for the test")
    monkeypatch.setattr(trial, "_run", run)
    assert run_seeds(folders[0], StopFlag()) == ["done", "interrupted", "interrupted"]
    assert folders[2].read_status()["reason"] == "not started yet; run again to start it"


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_diverged_trial_has_the_costs_it_had(tmp_path: Path, seeds: int) -> None:
    folders = planned(tmp_path, MLP, seeds=seeds, every=0, divergence_limit=0.1)
    assert (run_seeds(folders[0]) if seeds > 1 else [run_trial(folders[0])]) == ["diverged"] * seeds
    for folder in folders:
        result = folder.read_result()
        assert result["step"] == 1
        assert result["cost"]["real_images"] >= 20
        assert result["cost"]["train_seconds"] is None if seeds > 1 else result["cost"]["train_seconds"] > 0
