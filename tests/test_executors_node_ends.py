"""Which trials a node trains, and how those end that it does not train, or not again."""

import socket
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ganbench.executors import Job, JobState, node
from ganbench.executors.node import Node
from ganbench.provenance.fingerprint import Fingerprint, Package, fingerprint
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import ask_to_stop
from tests.nodes import Fake, part, said, stand_in, started

HOST = socket.gethostname()


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    return stand_in(monkeypatch)


def test_a_trial_that_was_killed_is_tried_again_up_to_the_limit(local: type[Fake], tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    local.endings = ["killed by signal 9 (SIGKILL)"] * 2
    part(folder, attempts=2).run()
    assert local.made[0].submitted == ["trial", "trial"]
    status = folder.read_status()
    assert (status["status"], status["reason"]) == ("failed", "killed by signal 9 (SIGKILL) (2 attempts)")
    assert local.made[0].closed


def test_a_trial_that_is_tried_again_says_why_while_it_waits(
    local: type[Fake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, waited = TrialFolder(tmp_path / "trial"), list[tuple[str, str]]()

    class Noting(Fake):
        def submit(self, jobs: Iterable[Job]) -> None:
            waited.append(said(folder))
            super().submit(jobs)

    monkeypatch.setattr(node, "Local", Noting)
    local.endings = ["killed by signal 9 (SIGKILL)"] * 2
    part(folder, attempts=2).run()
    assert waited == [("pending", ""), ("pending", "killed by signal 9 (SIGKILL); tried again")]


@pytest.mark.parametrize("status", ["done", "failed", "diverged", "timeout"])
def test_what_has_ended_is_not_trained(local: type[Fake], tmp_path: Path, status: str) -> None:
    folder = TrialFolder(tmp_path / "trial")
    mine = part(folder)
    folder.write_status(status, "of itself")
    mine.run()
    assert local.made == []
    assert said(folder) == (status, "of itself")


def other_code(count: int) -> Fingerprint:
    packages = {f"p{place}": Package(version="1") for place in range(count)}
    here = fingerprint()
    return here.model_copy(update={"host": "login", "packages": here.packages | packages})


@pytest.mark.parametrize(
    ("more", "starts", "end"),
    [
        ({"deadline": 1.0}, (), ("timeout", "its deadline passed before it started")),
        (
            {"expected": other_code(1)},
            (),
            ("failed", f"p0 is 1 on login and missing on {HOST}; install the same version there"),
        ),
        (
            {"expected": other_code(3)},
            (),
            ("failed", f"p0 is 1 on login and missing on {HOST}; and 2 more; install the same version there"),
        ),
        (
            {"attempts": 2},
            ("x", "of another submission", "x"),
            ("failed", "its process or machine was lost 2 times; it is not tried again"),
        ),
    ],
    ids=["late", "other code", "much other code", "lost too often"],
)
def test_what_is_never_to_be_trained_here_is_told_so(
    local: type[Fake], tmp_path: Path, more: dict[str, Any], starts: tuple[str, ...], end: tuple[str, str]
) -> None:
    folder = TrialFolder(tmp_path / "trial")
    mine = part(folder, **more)
    started(folder, *starts)
    mine.run()
    assert local.made == []
    assert said(folder) == end


@pytest.mark.parametrize(
    ("status", "attempts", "starts"),
    [("pending", 2, ("x", "y", "y")), ("running", 3, ("x", "x")), ("interrupted", 1, ("x", "x"))],
)
def test_only_losses_within_this_submission_count(
    local: type[Fake], tmp_path: Path, status: str, attempts: int, starts: tuple[str, ...]
) -> None:
    """One that was asked to stop, however often it was started, has lost nothing."""
    folder = TrialFolder(tmp_path / "trial")
    mine = part(folder, attempts=attempts, deadline=time.time() + 1000)
    folder.write_status(status)
    started(folder, *starts)
    local.endings = ["timeout: not done"]
    mine.run()
    assert local.made[0].submitted == ["trial"]


def test_a_killed_trial_has_used_up_the_starts_of_earlier_jobs_too(local: type[Fake], tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    mine = part(folder, attempts=3)
    started(folder, "x")
    local.endings = ["killed by signal 9"] * 3
    mine.run()
    assert local.made[0].submitted == ["trial", "trial"]
    assert said(folder) == ("failed", "killed by signal 9 (3 attempts)")


@pytest.mark.parametrize(
    "why", ["ended with exit code 1 before it was done", "timeout: not done", "killed by signal 9"]
)
def test_what_would_fail_again_or_has_ended_is_not_tried_again(
    local: type[Fake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    folder = TrialFolder(tmp_path / "trial")
    mine = part(folder, attempts=3)

    class Ending(Fake):
        def states(self, timeout: float = 0.0) -> Mapping[str, JobState]:
            if why.startswith("killed"):  # just after it had said how it ended
                folder.write_status("diverged", "D is not finite")
            return super().states(timeout)

    monkeypatch.setattr(node, "Local", Ending)
    local.endings = [why]
    mine.run()
    assert local.made[0].submitted == ["trial"]
    status = {"e": "failed", "t": "timeout", "k": "diverged"}[why[0]]
    assert said(folder)[0] == status


@pytest.mark.parametrize("way", ["asked", "late"])
def test_one_that_was_killed_is_not_tried_again_where_it_is_to_end(
    local: type[Fake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    folder = TrialFolder(tmp_path / "trial")
    mine = part(folder, attempts=3, deadline=time.time() + 1000)
    monkeypatch.setattr(Fake, "cancel", lambda *_, **__: None)

    class Ending(Fake):
        def states(self, timeout: float = 0.0) -> Mapping[str, JobState]:
            if way == "asked":
                ask_to_stop(folder.path)
                found = {"trial": JobState.RUNNING} if not self.asked else super().states(timeout)
                self.asked = True
                return found
            monkeypatch.setattr(Node, "_is_late", True)
            return super().states(timeout)

        asked = False

    monkeypatch.setattr(node, "Local", Ending)
    local.endings = ["killed by signal 9"]
    mine.run()
    assert local.made[0].submitted == ["trial"]
    assert said(folder) == ("failed", "killed by signal 9")


def test_what_is_to_stop_before_it_has_started_can_be_run_again(local: type[Fake], tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    mine = part(folder)
    mine.stop()
    mine.run()
    assert local.made[0].cancelled == ["trial"]
    status = folder.read_status()
    assert (status["status"], status["reason"]) == ("interrupted", "not started yet; run again to start it")


def test_what_is_to_stop_before_its_job_starts_starts_nothing(local: type[Fake], tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    mine = part(folder)
    ask_to_stop(folder.path)
    mine.run()
    assert local.made == []
    assert folder.read_status()["status"] == "interrupted"


def test_one_that_takes_its_time_to_stop_is_asked_once_and_gently_and_what_had_not_started_is_let_go(
    local: type[Fake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, waiting = (TrialFolder(tmp_path / name) for name in ("running", "waiting"))
    mine = part(running, waiting)

    class Slow(Fake):
        looks = 0

        def states(self, timeout: float = 0.0) -> Mapping[str, JobState]:
            self.looks += 1
            if self.looks == 4:
                running.write_status("interrupted", "after a checkpoint")
            return {"running": JobState.RUNNING if self.looks < 4 else JobState.ENDED}

    monkeypatch.setattr(node, "Local", Slow)
    mine.stop()
    mine.run()
    assert sorted(local.made[0].cancelled) == ["running", "waiting"]
    assert local.made[0].hard == [False], "it is to write a checkpoint"
    assert [said(folder) for folder in (running, waiting)] == [
        ("interrupted", "after a checkpoint"),
        ("interrupted", "not started yet; run again to start it"),
    ]
