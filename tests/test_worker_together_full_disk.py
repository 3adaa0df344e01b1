"""Trials that run together on a disk that is full: what cannot be written of one costs the others nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganbench import trial
from ganbench.errors import StoreError
from ganbench.records.folder import TrialFolder
from ganbench.trial import run_seeds
from ganbench.worker import together
from ganbench.worker.recording import Recorder
from ganbench.worker.watcher import StopFlag
from tests.workers import MLP, StopAfter, planned

pytestmark = pytest.mark.usefixtures("signals_as_before")
Fill = Callable[[TrialFolder], None]


@pytest.fixture
def fill(monkeypatch: pytest.MonkeyPatch) -> Fill:
    """Let it be impossible to write that a trial was interrupted."""
    write = TrialFolder.write_status

    def fill(full: TrialFolder) -> None:
        def failing(folder: TrialFolder, status: str, *arguments: Any, **more: Any) -> None:
            if (folder.trial_id, status) == (full.trial_id, "interrupted"):
                raise StoreError("cannot write status.json: No space left on device; choose another place")
            write(folder, status, *arguments, **more)

        monkeypatch.setattr(TrialFolder, "write_status", failing)

    return fill


def test_the_other_seeds_of_a_batch_have_their_checkpoints(tmp_path: Path, fill: Fill) -> None:
    folders = planned(tmp_path, MLP)
    fill(folders[0])
    assert run_seeds(folders[0], StopAfter(3 * 25 - 1)) == ["failed", "interrupted", "interrupted"]
    assert all(folder.checkpoint.exists() for folder in folders)


def test_the_other_seeds_of_a_row_say_that_they_have_not_started(
    tmp_path: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = planned(tmp_path, MLP)
    fill(folders[1])

    def run(recorder: Recorder, stop: StopFlag) -> str:
        stop.requested = True
        return "done"

    monkeypatch.setattr(together, "obstacle_to_batching", lambda *arguments: "for the test")
    monkeypatch.setattr(trial, "_run", run)
    assert run_seeds(folders[0], StopFlag()) == ["done", "interrupted", "interrupted"]
    assert "not started yet; run again to start it (cannot write status.json" in capsys.readouterr().err
    assert folders[2].read_status()["reason"] == "not started yet; run again to start it"
