"""How a trial ends that does not get to its end: its status and its reason, from what was raised."""

from pathlib import Path

import pytest
import torch

from ganbench import plan
from ganbench.errors import ChangedSincePlanning, Diverged, StoreError, UsageError
from ganbench.evaluation.images import NonFiniteSamples
from ganbench.records.folder import TrialFolder
from ganbench.worker.failures import ended_by
from ganbench.worker.recording import Recorder
from tests.workers import MLP, planned


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    return planned(tmp_path, MLP, seeds=1)[0]


def recorder_of(folder: TrialFolder, *, step: int = 7) -> Recorder:
    recorder = Recorder(folder, folder.read_spec())
    recorder.step = step
    return recorder


@pytest.mark.parametrize(
    ("error", "reason", "step"),
    [
        (Diverged("a loss that is NaN", 5), "a loss that is NaN at step 5", 5),
        (NonFiniteSamples("2 of 9 are not finite"), "2 of 9 are not finite at step 7", 7),
    ],
    ids=["loss", "samples"],
)
def test_what_diverged_has_a_result_that_says_where(
    folder: TrialFolder, error: Exception, reason: str, step: int
) -> None:
    assert ended_by(error, recorder_of(folder)) == "diverged"
    result = folder.read_result()
    assert (result["status"], result["reason"], result["step"]) == ("diverged", reason, step)
    assert folder.read_status()["status"] == "diverged"


def test_a_divergence_whose_result_cannot_be_written_is_a_failure(
    folder: TrialFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise StoreError("cannot write result.json: No space left on device; free some")

    recorder = recorder_of(folder)
    monkeypatch.setattr(recorder, "finish", full)
    assert ended_by(Diverged("a loss that is NaN", 5), recorder) == "failed"
    assert folder.read_status()["reason"] == "cannot write result.json: No space left on device; free some"


@pytest.mark.parametrize(("beside", "before"), [(0, ""), (2, "batched with 2 other seeds (without --batch-seeds ")])
def test_a_lack_of_memory_says_what_would_need_less(folder: TrialFolder, beside: int, before: str) -> None:
    recorder = recorder_of(folder)
    recorder.beside = beside
    assert ended_by(torch.OutOfMemoryError("CUDA out of memory."), recorder) == "out-of-memory"
    reason = folder.read_status()["reason"]
    assert reason.startswith(before or "batch_size=20, peak ")
    assert "batch_size=20, peak " in reason
    assert reason.endswith("OutOfMemoryError: CUDA out of memory.")


def test_an_error_in_words_for_users_has_no_traceback_and_any_other_has_one(
    folder: TrialFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended_by(UsageError("there is no such thing; choose another"), recorder_of(folder)) == "failed"
    assert folder.read_status()["reason"] == "there is no such thing; choose another"
    assert capsys.readouterr().err == ""
    assert ended_by(ZeroDivisionError("division by zero"), recorder_of(folder)) == "failed"
    assert folder.read_status()["reason"] == "ZeroDivisionError: division by zero"
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_data_that_have_changed_are_planned_anew(folder: TrialFolder, tmp_path: Path) -> None:
    trial = folder.read_spec()
    execution = trial.execution.model_copy(update={"cache_dir": str(tmp_path)})
    folder.write_spec(trial.model_copy(update={"execution": execution}))
    kept = [tmp_path / plan.PLANS / f"{name}.json" for name in ("stale", "other")]
    kept[0].parent.mkdir(parents=True)
    for path, fingerprint in zip(kept, ("ab12", "cd34"), strict=True):
        path.write_text(f'{{"fingerprint": "{fingerprint}"}}')
    assert ended_by(ChangedSincePlanning("the samples have changed", "ab12"), recorder_of(folder)) == "failed"
    assert folder.read_status()["reason"] == "the samples have changed; run again to make a new plan"
    assert [path.exists() for path in kept] == [False, True]


@pytest.mark.parametrize("cached", [False, True])
def test_plans_are_kept_where_none_of_them_is_to_blame(
    folder: TrialFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cached: bool
) -> None:
    def forget(*arguments: object) -> None:
        raise AssertionError("a plan was forgotten")

    monkeypatch.setattr(plan, "forget", forget)
    trial = folder.read_spec()
    execution = trial.execution.model_copy(update={"cache_dir": str(tmp_path) if cached else ""})
    folder.write_spec(trial.model_copy(update={"execution": execution}))
    error = UsageError("of itself") if cached else ChangedSincePlanning("the samples have changed", "ab12")
    assert ended_by(error, recorder_of(folder)) == "failed"
    assert folder.read_status()["reason"] == str(error)


def test_a_status_that_cannot_be_written_is_in_the_log(
    folder: TrialFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*arguments: object) -> None:
        raise StoreError("no room")

    monkeypatch.setattr(TrialFolder, "write_status", full)
    assert ended_by(UsageError("of itself"), recorder_of(folder)) == "failed"
    assert capsys.readouterr().err == "of itself (no room)\n"
