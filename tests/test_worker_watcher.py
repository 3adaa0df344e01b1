"""Between training and a trial's folder: when checkpoints are written, what counts as training, being asked to stop."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ganbench import plugins
from ganbench.errors import StoreError
from ganbench.evaluation.evaluator import Evaluator
from ganbench.records.folder import TrialFolder
from ganbench.spec import Execution, TrialFile
from ganbench.training import checkpoint
from ganbench.trial import run_trial
from ganbench.worker import clock, watcher
from ganbench.worker.outputs import as_pictured
from ganbench.worker.parts import Parts
from ganbench.worker.watcher import StopFlag, Watcher, stop_on_signals
from tests.workers import MLP, StopAfter, lines, planned

pytestmark = pytest.mark.usefixtures("signals_as_before")


class Time:
    """A clock that stands still but for what is said to take time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self._patch = monkeypatch
        for module in (clock, watcher):
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))

    def takes(self, seconds: float, where: object, name: str, work: Callable[..., Any] | None = None) -> None:
        """Let a function take so many seconds, and do ``work`` in place of its own."""
        plain = getattr(where, name) if work is None else work

        def slow(*arguments: Any, **options: Any) -> Any:
            self.now += seconds
            return plain(*arguments, **options)

        self._patch.setattr(where, name, slow)


def with_execution(folder: TrialFolder, **changes: Any) -> None:
    trial = folder.read_spec()
    folder.write_spec(trial.model_copy(update={"execution": trial.execution.model_copy(update=changes)}))


def test_a_checkpoint_is_written_where_a_minute_has_passed_since_the_last_and_not_after_the_last_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder,) = planned(tmp_path, MLP, seeds=1, steps=24, every=0)
    with_execution(folder, checkpoint_seconds=60.0, snapshots=0)
    time, saved = Time(monkeypatch), []
    time.takes(10, Watcher, "after_step")
    time.takes(25, checkpoint, "save", lambda path, name, content: saved.append(content["state"]["step"]))
    assert run_trial(folder, StopFlag()) == "done"
    # Six steps take a minute, which is counted from the end of a checkpoint and not from its beginning.
    assert saved == [6, 12, 18]


def test_only_steps_are_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What evaluations, snapshots and checkpoints take is not, or a trial with more of them would seem slower."""
    (folder,) = planned(tmp_path, MLP, seeds=1, steps=24, every=12)
    with_execution(folder, checkpoint_seconds=60.0, snapshots=3)
    time = Time(monkeypatch)
    time.takes(10, Watcher, "after_step")
    time.takes(3, checkpoint, "save", lambda *given: None)
    time.takes(5, watcher, "draw_to_score")
    time.takes(2, watcher, "preview_samples")
    assert run_trial(folder, StopFlag()) == "done"
    cost = folder.read_result()["cost"]
    snapshots = lines(folder.snapshots)
    assert [line["step"] for line in snapshots] == [0, 8, 16, 24]
    # Checkpoints at steps 6, 12 and 18: with an evaluation or a snapshot between them a minute passes no sooner.
    assert cost["evaluation_seconds"] == 3 * 3 + 2 * 5 + 3 * 2
    assert cost["train_seconds"] == 24 * 10
    assert cost["images_per_second"] == pytest.approx(24 * 20 / 240, abs=0.05)


def test_costly_metrics_are_for_the_last_evaluation_and_for_a_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finals: list[bool] = []
    score = Evaluator.score

    def noted(self: Evaluator, fakes: Any, *, final: bool, **given: Any) -> dict[str, float]:
        finals.append(final)
        return score(self, fakes, final=final, **given)

    monkeypatch.setattr(Evaluator, "score", noted)
    (folder,) = planned(tmp_path, MLP, seeds=1, every=15)
    assert run_trial(folder, StopFlag()) == "done"
    assert finals == [False, False, True]
    trial = folder.read_spec()
    spec = trial.spec.model_copy(update={"baseline": "untrained", "loss": None})
    untrained = TrialFolder(tmp_path / spec.trial_id)
    untrained.path.mkdir()
    untrained.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=trial.execution))
    assert run_trial(untrained, StopFlag()) == "done", untrained.read_status()
    assert finals[3:] == [True]
    assert [line["step"] for line in lines(untrained.metrics)] == [0]


def test_a_trial_that_is_stopped_and_cannot_be_saved_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise StoreError("cannot write checkpoint.pt: No space left on device; choose another place")

    monkeypatch.setattr(checkpoint, "save", full)
    (folder,) = planned(tmp_path, MLP, seeds=1)
    assert run_trial(folder, StopAfter(4)) == "interrupted"
    why = "no checkpoint at step 5: cannot write checkpoint.pt: No space left on device"
    assert folder.read_status()["reason"] == f"stopped after step 5; {why}; run again to resume"


def test_a_checkpoint_that_cannot_be_written_is_told_of_and_costs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*arguments: Any) -> None:
        raise StoreError("cannot write checkpoint.pt: No space left on device; choose another place")

    monkeypatch.setattr(checkpoint, "save", full)
    (folder,) = planned(tmp_path, MLP, seeds=1, steps=4, every=0)
    with_execution(folder, checkpoint_seconds=1e-9)
    assert run_trial(folder, StopFlag()) == "done"
    told = [f"no checkpoint at step {step}: cannot write checkpoint.pt: No space left on device" for step in (1, 2, 3)]
    assert folder.read_result()["warnings"] == told
    assert capsys.readouterr().err.splitlines() == told


def test_each_snapshot_is_taken_once_where_any_is_wanted_and_the_first_has_what_is_real(tmp_path: Path) -> None:
    (folder,) = planned(tmp_path / "some", MLP, seeds=1)
    assert run_trial(folder, StopAfter(24)) == "interrupted"
    assert run_trial(folder, StopFlag()) == "done"
    parts = Parts(folder.read_spec().spec, Execution(), plugins.load().registry)
    real = torch.tensor(lines(folder.snapshots)[0]["real"]["points"])
    assert torch.allclose(real, as_pictured(parts.train)[: len(real)], rtol=1e-3), "what it learns from"
    first, *later = ([line.pop("step"), *sorted(line)] for line in lines(folder.snapshots))
    assert first == [0, "means", "points", "real", "sigma"]
    assert later == [[20, "points"], [40, "points"]]
    (folder,) = planned(tmp_path / "none", MLP, seeds=1, steps=2, every=0)
    with_execution(folder, snapshots=0)
    assert run_trial(folder, StopFlag()) == "done"
    assert not folder.snapshots.exists()


def test_what_cannot_be_drawn_is_no_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([{"points": [[0.0, 0.0]]}, None, {"points": [[1.0, 1.0]]}])
    monkeypatch.setattr(watcher, "snapshot", lambda samples: next(drawn))
    (folder,) = planned(tmp_path, MLP, seeds=1, steps=2, every=0)
    assert run_trial(folder, StopFlag()) == "done"
    assert [line["step"] for line in lines(folder.snapshots)] == [0, 2]


def test_without_room_for_a_snapshot_there_are_no_more_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    append = TrialFolder.append_snapshot

    def filling(folder: TrialFolder, record: dict[str, Any]) -> None:
        if record["step"] == 2:
            raise StoreError("cannot write snapshots.jsonl: No space left on device; choose another place")
        append(folder, record)

    monkeypatch.setattr(TrialFolder, "append_snapshot", filling)
    (folder,) = planned(tmp_path, MLP, seeds=1, steps=4, every=0)
    with_execution(folder, snapshots=4)
    assert run_trial(folder, StopFlag()) == "done"
    assert [line["step"] for line in lines(folder.snapshots)] == [0, 1]
    told = ["no snapshots from step 2 on: cannot write snapshots.jsonl: No space left on device"]
    assert folder.read_result()["warnings"] == capsys.readouterr().err.splitlines() == told


def test_a_signal_asks_to_stop() -> None:
    flag = stop_on_signals()
    assert not flag.requested
    assert signal.getsignal(signal.SIGINT) == flag.set
    os.kill(os.getpid(), signal.SIGTERM)
    assert flag.requested
