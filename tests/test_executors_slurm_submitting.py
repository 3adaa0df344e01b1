"""What the Slurm executor hands over and takes up again, and how often it looks; the queue is the test's own."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ganbench.errors import GanbenchError, UsageError
from ganbench.executors import Job, JobState, Settings, slurm
from ganbench.executors import slurm_site as site
from ganbench.executors.node import read_task
from ganbench.executors.slurm import Slurm
from ganbench.executors.slurm_jobs import SILENCE_SECONDS
from ganbench.files import append_line
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import STOP, Handed, ask_to_stop, read_handed
from tests.slurm import Controller, put_in_place


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch) -> Controller:
    return put_in_place(monkeypatch)


Make = Callable[..., Slurm]


@pytest.fixture
def make(controller: Controller, tmp_path: Path) -> Make:
    """Make the executor, with options of its own."""

    def made(**options: str) -> Slurm:
        own = {"poll": "0", "grace": "0", "attempts": "3"} | options
        return Slurm(Settings(slots=0, timeout=None, out=tmp_path, server=pytest.fail, options=own))

    return made


def jobs(path: Path, names: str) -> list[Job]:
    """Jobs of these one-letter names, which wait."""
    found = [Job(name, path / name) for name in names]
    for job in found:
        TrialFolder(job.folder).write_status("pending")
    return found


def handed(job: Job) -> Handed:
    found = read_handed(TrialFolder(job.folder))
    assert found is not None
    return found


def asked(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The programs that are called from now on, with what they are given."""
    found: list[tuple[str, ...]] = []

    def call(*command: str) -> "subprocess.CompletedProcess[str]":
        found.append(command)
        return controller.call(*command)

    monkeypatch.setattr(site, "call", call)
    return found


def test_heavy_trials_are_handed_over_first_in_packs_and_arrays(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "largest_array", lambda: 2)
    five = [
        job._replace(weight=float(weight)) for job, weight in zip(jobs(tmp_path, "abcde"), (1, 5, 3, 4, 2), strict=True)
    ]
    five[0].folder.joinpath(STOP).touch()
    make(pack="2").submit(five)
    a, b, c, d, e = map(handed, five)
    assert (b.submission, b.index) == (d.submission, d.index)
    assert (b.index, c.index, a.index) == (0, 1, 0)
    assert c.element == e.element
    assert b.submission == c.submission
    assert a.submission != b.submission
    assert {each.attempt for each in (a, b, c, d, e)} == {1}
    assert {each.executor for each in (a, b, c, d, e)} == {"slurm"}
    task = read_task(tmp_path / ".slurm" / b.submission / "task.json")
    assert [[Path(path).name for path in pack] for pack in task.packs] == [["b", "d"], ["c", "e"]]
    assert not five[0].folder.joinpath(STOP).exists()


def test_a_trial_that_is_tried_again_may_start_as_often_as_is_left(
    make: Make, controller: Controller, tmp_path: Path
) -> None:
    """Within its submission the node counts; and trials of equal attempts go together."""
    executor, three = make(), jobs(tmp_path, "abc")
    executor.submit(three)
    controller.state = "FAILED"
    for attempt in (2, 3):
        assert set(executor.states().values()) == {JobState.PENDING}
        found = [handed(job) for job in three]
        assert {(each.submission, each.attempt) for each in found} == {(found[0].submission, attempt)}
        task = read_task(tmp_path / ".slurm" / found[0].submission / "task.json")
        assert task.attempts == 3 - attempt + 1
    # The controller of this test lists the first job of an array only.
    assert list(executor.states().values()) == [JobState.ENDED, JobState.LOST, JobState.LOST]
    assert len(controller.submitted) == 3


def test_what_a_lost_job_printed_last_is_said(make: Make, controller: Controller, tmp_path: Path) -> None:
    executor, (job,) = make(attempts="1"), jobs(tmp_path, "a")
    executor.submit([job])
    (tmp_path / ".slurm" / handed(job).submission / "0.log").write_text("Bus error\n")
    controller.state = "NODE_FAIL"
    executor.states()
    assert executor.why("a") == (
        "job 1_0 ended as NODE_FAIL and left no result (attempt 1 of 1); the last line of its output: Bus error"
    )


def test_one_that_its_jobs_stop_before_its_first_step_has_used_up_an_attempt(
    make: Make, controller: Controller, tmp_path: Path
) -> None:
    executor, (job,) = make(), jobs(tmp_path, "a")
    executor.submit([job])
    folder = TrialFolder(job.folder)
    append_line(folder.starts, {"time": 5.0})
    folder.write_status("interrupted")
    controller.state = "PREEMPTED"
    assert executor.states() == {"a": JobState.PENDING}
    assert handed(job).attempt == 2


def test_what_sbatch_refuses_has_failed(
    make: Make, controller: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor, two = make(), jobs(tmp_path, "ab")

    def call(*command: str) -> "subprocess.CompletedProcess[str]":
        if command[0] == "sbatch":
            return subprocess.CompletedProcess(command, 1, "", "sbatch: error: no such account")
        return controller.call(*command)

    monkeypatch.setattr(site, "call", call)
    with pytest.raises(UsageError, match="sbatch refused the job: sbatch: error: no such account"):
        executor.submit(two)
    for job in two:
        status = TrialFolder(job.folder).read_status()
        assert (status["status"], "no such account" in status["reason"]) == ("failed", True)
        assert not Handed.path(job.folder).exists()


def test_the_queue_is_looked_at_no_more_often_than_was_asked_for(
    make: Make, controller: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, slept = [1000.0], list[float]()
    clock = SimpleNamespace(monotonic=lambda: now[0], time=lambda: 0.0, sleep=slept.append)
    monkeypatch.setattr(slurm, "time", clock)
    executor, (job,) = make(poll="30"), jobs(tmp_path, "a")
    executor.submit([job])
    calls = asked(controller, monkeypatch)
    executor.states()
    controller.state = "RUNNING"
    TrialFolder(job.folder).write_status("running")
    now[0] += 29
    assert executor.states(timeout=0.2) == {"a": JobState.PENDING}
    assert executor.states(timeout=5.0) == {"a": JobState.PENDING}
    assert slept == [0.0, 0.2, 1.0]
    now[0] += 1
    assert executor.states() == {"a": JobState.RUNNING}
    assert [command[0] for command in calls] == ["squeue", "squeue"]
    executor.cancel(["a"], hard=False)
    calls.clear()
    executor.states()
    assert [command[0] for command in calls] == ["squeue"], "after a request there are news soon"


def test_of_what_has_ended_nobody_is_asked(
    make: Make, controller: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor, (job,) = make(), jobs(tmp_path, "a")
    executor.submit([job])
    TrialFolder(job.folder).write_status("done")
    calls = asked(controller, monkeypatch)
    for _ in range(2):
        assert executor.states() == {"a": JobState.ENDED}
    assert [command[0] for command in calls] == ["squeue"]


def test_what_others_hold_or_nobody_does_is_not_taken_up(
    make: Make, controller: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, rays, free = jobs(tmp_path, "abc")
    calls = asked(controller, monkeypatch)
    assert make().adopt([free]) == frozenset()
    assert [command[0] for command in calls] == ["sbatch"], "the queue says nothing of these"
    Handed("slurm", "x", 0, 1, 0.0).write(mine.folder)
    Handed("ray", "x", 0, 1, 0.0).write(rays.folder)
    ask_to_stop(mine.folder)
    executor = make()
    assert executor.adopt([mine, rays, free]) == {"a"}
    assert not (mine.folder / STOP).exists(), "it was to stop for the run that is no more"
    assert set(executor.states()) == {"a"}


@pytest.mark.parametrize(
    ("answers", "state", "adopted"),
    [(True, "", False), (True, "COMPLETED", False), (True, "COMPLETING", True), (False, "", True)],
)
def test_an_interrupted_trial_is_taken_up_unless_it_is_known_to_be_over(
    make: Make, controller: Controller, tmp_path: Path, answers: bool, state: str, adopted: bool
) -> None:
    (job,) = jobs(tmp_path, "a")
    Handed("slurm", "x", 0, 1, 0.0).write(job.folder)
    TrialFolder(job.folder).write_status("interrupted")
    executor = make()
    controller.answers, controller.state = answers, state
    controller.submitted = ["ganbench-x"]
    assert executor.adopt([job]) == ({"a"} if adopted else frozenset())


@pytest.mark.parametrize("status", ["pending", "running", "interrupted"])
@pytest.mark.parametrize("active", [True, False])
def test_what_was_cancelled_while_nobody_watched_begins_anew(
    make: Make, controller: Controller, tmp_path: Path, status: str, active: bool
) -> None:
    (job,) = jobs(tmp_path, "a")
    Handed("slurm", "x", 0, 1, 0.0).write(job.folder)
    TrialFolder(job.folder).write_status(status)
    controller.state = "COMPLETING" if active else "CANCELLED"
    controller.submitted = ["ganbench-x"]
    assert make().adopt([job]) == ({"a"} if active else frozenset())


def test_all_that_is_left_to_slurm_is_named(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "largest_array", lambda: 1)
    executor, two = make(), jobs(tmp_path, "ab")
    executor.submit(two)
    names = sorted(f"ganbench-{handed(job).submission}" for job in two)
    assert executor.detach() == (
        f"2 trials left to Slurm (job names {', '.join(names)}); 'ganbench status {tmp_path}' shows them, and the same "
        "command collects them"
    )


def test_what_a_controller_never_takes_is_not_said_to_be_left_to_it(
    make: Make, controller: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller.answers = False
    executor = make(poll="2")
    executor.submit(jobs(tmp_path, "a"))
    now: list[float] = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(slurm, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    with pytest.raises(GanbenchError, match="Slurm's controller does not answer; run again to submit"):
        executor.detach()
    assert now[0] == SILENCE_SECONDS + 2


def test_what_is_to_end_at_once_is_killed_and_forgotten(
    make: Make, controller: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor, two = make(), jobs(tmp_path, "ab")
    executor.submit(two[:1])
    executor.submit(two[1:])
    controller.state = "RUNNING"
    for job in two:
        TrialFolder(job.folder).write_status("running")
    calls: list[Any] = asked(controller, monkeypatch)
    executor.cancel(["a", "never heard of"], hard=True)
    assert calls[1:] == [("scancel", "--full", "--signal=KILL", "1_0"), ("scancel", "1_0")]
    assert (two[0].folder / STOP).exists()
    assert not Handed.path(two[0].folder).exists()
    assert executor.states() == {"b": JobState.RUNNING}
    calls.clear()
    executor.cancel(["b"], hard=False)
    assert [command[0] for command in calls] == ["squeue"], "a running trial writes its checkpoint first"
    assert executor.states() == {"b": JobState.RUNNING}


@pytest.mark.parametrize("answers", [True, False])
def test_what_is_in_no_queue_is_forgotten_without_being_killed(
    make: Make, controller: Controller, tmp_path: Path, answers: bool
) -> None:
    """Its request to stop stays, should its job be about to start after all."""
    executor, (job,) = make(), jobs(tmp_path, "a")
    executor.submit([job])
    controller.state, controller.answers = "", answers
    executor.cancel(["a"], hard=True)
    assert controller.cancelled == []
    assert executor.states() == {}
    assert (job.folder / STOP).exists()
