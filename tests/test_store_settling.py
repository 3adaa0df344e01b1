"""What becomes of a trial whose process has ended: its own word, or the status that it deserves."""

from pathlib import Path

import pytest

from ganbench.errors import StoreError
from ganbench.records.folder import TrialFolder
from ganbench.store.settling import End, settle


@pytest.mark.parametrize(
    ("why", "status", "words"),
    [
        ("timeout: not done within 5 s (--timeout)", "timeout", "not done within 5 s (--timeout)"),
        ("out-of-memory: it used too much", "out-of-memory", "it used too much"),
        ("interrupted: stopped immediately", "interrupted", "stopped immediately"),
        ("killed by signal 9 (SIGKILL)", "failed", "killed by signal 9 (SIGKILL)"),
        ("nonsense: exit code 3", "failed", "nonsense: exit code 3"),
        ("timeout", "failed", "timeout"),
        ("done: exit code 0", "failed", "done: exit code 0"),
        ("running: on node 7", "failed", "running: on node 7"),
        ("pending: in the queue", "failed", "pending: in the queue"),
        ("", "failed", "it ended without a status"),
    ],
)
def test_a_trial_that_ended_without_a_word_gets_its_status(why: str, status: str, words: str, tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    folder.write_status("running")
    assert settle(folder, why) == End(status, words)
    assert (folder.read_status()["status"], folder.read_status()["reason"]) == (status, words)


def test_a_trial_that_passed_a_limit_of_its_own_is_told_from_one_that_the_machine_was_too_small_for(
    tmp_path: Path,
) -> None:
    """Also by who reads its folder later, as the host does after a node has written it."""
    for name, why, own_limit in (("own", "memory-limit: 9 MiB", True), ("machine", "out-of-memory: 9 MiB", False)):
        folder = TrialFolder(tmp_path / name)
        folder.write_status("running")
        end = settle(folder, why)
        assert end == End("out-of-memory", "9 MiB", own_limit)
        assert settle(folder, "its task ended without a result") == end


def test_a_trial_whose_time_is_up_says_how_to_go_on(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    folder.write_status("interrupted", "stopped after step 7; run again to resume")  # it answered the first signal
    folder.checkpoint.write_bytes(b"x")
    status, reason, _ = settle(folder, "timeout: not done within 5 s (--timeout)")
    assert status == folder.read_status()["status"] == "timeout"
    assert "resumes from its checkpoint" in reason


def test_a_trial_that_was_killed_is_promised_nothing_of_a_longer_time(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    folder.write_status("running")
    folder.checkpoint.write_bytes(b"x")
    assert settle(folder, "killed by signal 9 (SIGKILL)").reason == "killed by signal 9 (SIGKILL)"


def test_a_trial_that_spoke_is_believed(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    folder.write_status("out-of-memory", "too much")
    assert settle(folder, "killed by signal 9 (SIGKILL)") == End("out-of-memory", "too much")
    assert settle(folder, "timeout: not done") == End("out-of-memory", "too much")
    assert folder.read_status()["reason"] == "too much"


def test_an_executor_that_lost_a_trial(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    folder.write_status("running")
    assert settle(folder, "", lost=True) == End("failed", "its executor lost track of it")


def test_a_status_that_cannot_be_written_is_told_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = TrialFolder(tmp_path / "trial")
    folder.write_status("running")

    def full(*arguments: object, **more: object) -> None:
        raise StoreError("cannot write: No space left on device")

    monkeypatch.setattr(TrialFolder, "write_status", full)
    assert settle(folder, "exit code 1") == End("failed", "exit code 1")


@pytest.mark.parametrize(
    ("said", "why", "status", "reason"),
    [
        ("interrupted", "timeout: not done within 5 s", "timeout", "not done within 5 s"),
        ("interrupted", "interrupted: stopped immediately", "interrupted", "it said so"),
        ("interrupted", "", "interrupted", "it said so"),
        ("done", "timeout: not done within 5 s", "done", "it said so"),
        ("running", "timeout: not done within 5 s", "timeout", "not done within 5 s"),
    ],
)
def test_only_a_timeout_overrules_what_a_trial_said(
    said: str, why: str, status: str, reason: str, tmp_path: Path
) -> None:
    folder = TrialFolder(tmp_path / "x")
    folder.path.mkdir()
    folder.write_status(said, "it said so")
    assert settle(folder, why) == End(status, reason)
    assert (folder.read_status()["status"], folder.read_status()["reason"]) == (status, reason)
