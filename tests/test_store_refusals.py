"""The store: what it says where a folder or a disk refuses, and what a trial that goes on keeps."""

import io
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from ganbench.errors import StoreError
from ganbench.records.folder import TrialFolder
from ganbench.spec import Execution, TrialFile, TrialSpec
from ganbench.store.leases import Leases
from ganbench.store.store import Store

Make = Callable[..., TrialSpec]


def test_a_trial_that_goes_on_keeps_its_log_and_one_that_cannot_be_written_says_why(
    tmp_path: Path, trial_spec: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = Store(tmp_path), trial_spec()
    trial, folder = TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()), store.folder(spec.trial_id)
    assert store.lease(spec.trial_id)
    for status in ("interrupted", "running"):  # stopped, or killed after its first checkpoint
        folder.log.write_text("so far")
        folder.write_status(status)
        if status == "running":
            folder.checkpoint.write_bytes(b"x")
        assert store.enqueue([trial]) == [""]
        assert (folder.log.read_text(), folder.read_status()["status"]) == ("so far", "pending")
    monkeypatch.setattr(TrialFolder, "write_spec", Mock(side_effect=StoreError("cannot write: no space left")))
    assert store.enqueue([trial]) == ["cannot write: no space left"]
    store.release_all()


def test_a_lease_makes_the_folder_or_says_why_it_cannot(tmp_path: Path) -> None:
    store = Store(tmp_path / "a" / "b")
    assert store.lease("trial")
    store.release_all()
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"^cannot make .*file/trial: Not a directory; choose another folder with"):
        Store(tmp_path / "file").lease("trial")


def test_the_folder_is_chosen_with_the_option_that_names_it(
    tmp_path: Path, trial_spec: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = Store(tmp_path, "--runs"), trial_spec()
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"choose another folder with --runs$"):
        store.lease("file/trial")
    monkeypatch.setattr("ganbench.store.lease_file.take", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(StoreError, match=r"^cannot write to .*: No space left on device; .* with --runs$"):
        store.lease(spec.trial_id)
    trial, folder = TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()), store.folder(spec.trial_id)
    folder.log.mkdir(parents=True)
    (told,) = store.enqueue([trial])
    assert told.endswith("; remove it or choose another folder with --runs")


def test_trials_that_another_run_has_taken_over_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    monkeypatch.setattr(Leases, "lost", lambda self: {tmp_path / "one", tmp_path / "two"})
    assert store.lost() == {"one", "two"}


def test_a_full_disk_is_noticed_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Path] = []

    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    def open_in(*, dir: Path, prefix: str) -> Full:  # noqa: A002
        tried.append(dir)
        return Full()

    monkeypatch.setattr("tempfile.TemporaryFile", open_in)
    with pytest.raises(
        StoreError, match=r"^cannot write to .*: No space left on device; choose another folder with --"
    ):
        Store(tmp_path).prepare()
    assert tried == [tmp_path]
