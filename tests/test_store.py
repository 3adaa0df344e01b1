"""The store: what is cached, who has the lease, what becomes of a trial that ended without a word."""

from pathlib import Path

import pytest

from ganbench.errors import StoreError
from ganbench.executors import JobState
from ganbench.files import write_json
from ganbench.folder import TrialFolder
from ganbench.store import Store, settle


def finished(store: Store, name: str, status: str) -> TrialFolder:
    folder = store.folder(name)
    write_json(folder.result, {"trial_id": name, "status": status})
    folder.write_status(status)
    return folder


@pytest.mark.parametrize(
    ("status", "cached"), [("done", True), ("diverged", True), ("failed", False), ("timeout", False)]
)
def test_only_what_would_end_the_same_is_cached(status: str, cached: bool, tmp_path: Path) -> None:
    store = Store(tmp_path)
    finished(store, "trial", status)
    assert store.cached("trial") == (status if cached else None)


def test_a_status_without_its_result_is_not_cached(tmp_path: Path) -> None:
    store = Store(tmp_path)
    finished(store, "trial", "done").result.unlink()
    assert store.cached("trial") is None
    finished(store, "other", "done")
    write_json(store.folder("other").result, {"trial_id": "another", "status": "done"})
    assert store.cached("other") is None


def test_a_lease_is_taken_once(tmp_path: Path) -> None:
    first, second = Store(tmp_path), Store(tmp_path)
    assert first.lease("trial")
    assert first.lease("trial")
    assert not second.lease("trial")
    first.release("trial")
    assert second.lease("trial")
    second.release_all()
    assert first.lease("trial")
    first.release_all()


@pytest.mark.parametrize(
    ("why", "status", "words"),
    [
        ("timeout", "timeout", "--timeout"),
        ("killed by signal 9 (SIGKILL)", "failed", "SIGKILL"),
        ("exit code 3", "failed", "exit code 3; last line: the end"),
    ],
)
def test_a_trial_that_ended_without_a_word_gets_its_status(why: str, status: str, words: str, tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    folder.write_status("running")
    folder.log.write_text("something\nthe end\n")
    assert settle(folder, JobState.ENDED, why) == status
    assert folder.read_status()["status"] == status
    assert words in folder.read_status()["reason"]


def test_a_trial_that_spoke_is_believed(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    folder.write_status("out-of-memory", "too much")
    assert settle(folder, JobState.ENDED, "killed by signal 9 (SIGKILL)") == "out-of-memory"
    assert folder.read_status()["reason"] == "too much"


def test_an_unusable_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="is a file, not a folder"):
        Store(tmp_path / "file").prepare()
    with pytest.raises(StoreError, match="cannot make"):
        Store(Path("/proc/nowhere/runs")).prepare()
    Store(tmp_path / "fresh" / "runs").prepare()
    assert list((tmp_path / "fresh" / "runs").iterdir()) == []
