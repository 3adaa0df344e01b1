"""What the Slurm executor decides by the queue and a trial's folder; tests/clusters runs it on a real Slurm."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ganbench.executors import Job, JobState, Settings
from ganbench.executors import slurm_site as site
from ganbench.executors.slurm import Slurm
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import STOP, read_handed
from ganbench.store.settling import End, settle
from ganbench.testing.executor_trials import write_trial
from tests.slurm import Controller, put_in_place


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch) -> Controller:
    return put_in_place(monkeypatch)


Submit = Callable[..., tuple[Slurm, Job, TrialFolder]]


@pytest.fixture
def submit(controller: Controller, tmp_path: Path) -> Submit:
    """Submit one trial, with options of the executor's own."""

    def submitted(**options: str) -> tuple[Slurm, Job, TrialFolder]:
        own = {"poll": "0", "grace": "0", "attempts": "2"} | options
        slurm, job = (
            Slurm(Settings(slots=0, timeout=None, out=tmp_path, server=pytest.fail, options=own)),
            write_trial(tmp_path),
        )
        slurm.submit([job])
        return slurm, job, TrialFolder(job.folder)

    return submitted


@pytest.mark.parametrize(
    ("state", "status", "stands"),
    [
        ("PENDING", "pending", JobState.PENDING),
        ("REQUEUED", "running", JobState.PENDING),  # it says so from before, and goes on later
        ("RUNNING", "pending", JobState.PENDING),
        ("RUNNING", "running", JobState.RUNNING),
        ("RUNNING", "done", JobState.ENDED),
    ],
)
def test_where_a_trial_stands_in_the_queue(
    controller: Controller, submit: Submit, state: str, status: str, stands: JobState
) -> None:
    slurm, job, folder = submit(deadline="1h" if state in site.WAITING else "0")
    controller.state = state
    folder.write_status(status)
    assert slurm.states() == {job.trial_id: stands}
    assert len(controller.submitted) == 1
    assert controller.cancelled == []
    assert (read_handed(folder) is None) == (stands is JobState.ENDED)


@pytest.mark.parametrize("state", ["", "FAILED"])
def test_a_job_that_ended_without_a_word_is_tried_again_up_to_the_limit(
    controller: Controller, submit: Submit, state: str
) -> None:
    slurm, job, folder = submit()
    controller.state = state
    assert slurm.states() == {job.trial_id: JobState.PENDING}
    assert len(controller.submitted) == 2
    handed = read_handed(folder)
    assert handed is not None
    assert handed.attempt == 2
    assert slurm.states() == {job.trial_id: JobState.ENDED if state else JobState.LOST}
    assert len(controller.submitted) == 2
    how = "job 2_0 ended as FAILED" if state else "its job is not in Slurm's queue"
    assert slurm.why(job.trial_id) == f"{how} and left no result (attempt 2 of 2)"
    assert read_handed(folder) is None


def test_a_folder_that_is_seen_late_is_waited_for(controller: Controller, submit: Submit) -> None:
    slurm, job, folder = submit(grace="1h")
    controller.state = ""
    assert slurm.states() == {job.trial_id: JobState.PENDING}
    folder.write_status("running")
    assert slurm.states() == {job.trial_id: JobState.RUNNING}
    assert len(controller.submitted) == 1


def test_a_job_that_is_there_again_is_waited_for_as_long_the_next_time(
    controller: Controller, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm, _, _ = submit(grace="60")
    for now, state, submissions in ((1, "FAILED", 1), (51, "RUNNING", 1), (101, "FAILED", 1), (162, "FAILED", 2)):
        monkeypatch.setattr(time, "monotonic", lambda now=now: 1000.0 + now)
        controller.state = state
        slurm.states()
        assert len(controller.submitted) == submissions


def test_what_a_node_could_not_start_is_taken_out_and_tried_again(controller: Controller, submit: Submit) -> None:
    slurm, job, _ = submit()
    controller.reason = "launch failed requeued held"
    assert slurm.states() == {job.trial_id: JobState.PENDING}
    assert (len(controller.submitted), controller.cancelled) == (2, ["1_0"])


@pytest.mark.parametrize(
    ("reason", "options", "status", "why"),
    [
        ("JobHeldAdmin", {}, "failed", "Slurm holds job 1_0 and will not start it: JobHeldAdmin"),
        ("Priority", {"deadline": "0"}, "timeout", "its job did not start within 0 s"),
    ],
)
def test_what_will_not_start_is_given_up(
    controller: Controller, submit: Submit, reason: str, options: dict[str, str], status: str, why: str
) -> None:
    slurm, job, folder = submit(**options)
    controller.reason = reason
    assert slurm.states() == {job.trial_id: JobState.ENDED}
    found = folder.read_status()
    assert (found["status"], found["reason"]) == (status, why)
    assert controller.cancelled == ["1_0"]


def test_a_stopped_trial_whose_job_is_over_is_interrupted(controller: Controller, submit: Submit) -> None:
    slurm, job, folder = submit()
    controller.state = "RUNNING"
    folder.write_status("running")
    slurm.cancel([job.trial_id], hard=False)
    assert (job.folder / STOP).exists()
    controller.state = ""
    assert slurm.states() == {job.trial_id: JobState.ENDED}
    assert slurm.why(job.trial_id) == "interrupted: stopped immediately; run again to resume"
    assert not (job.folder / STOP).exists()


@pytest.mark.parametrize("hard", [False, True])
def test_one_that_has_ended_when_it_is_to_stop_has_ended(controller: Controller, submit: Submit, hard: bool) -> None:
    """Between two looks at its folder; what is forgotten would be taken for interrupted."""
    slurm, job, folder = submit()
    controller.state = "COMPLETING"
    folder.write_status("done")
    slurm.cancel([job.trial_id], hard=hard)
    assert slurm.states() == {job.trial_id: JobState.ENDED}
    assert not (job.folder / STOP).exists()


def test_the_queue_is_asked_once_for_all_that_an_earlier_run_left(
    controller: Controller, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, job, folder = submit()
    other = write_trial(job.folder.parent, seed=1)
    first.submit([other])
    folder.write_status("interrupted")
    TrialFolder(other.folder).write_status("interrupted")
    asked: list[str] = []

    def call(*command: str) -> "subprocess.CompletedProcess[str]":
        asked.append(command[0])
        return controller.call(*command)

    monkeypatch.setattr(site, "call", call)
    controller.state = "RUNNING"
    later = Slurm(first.settings)
    assert later.adopt([job, other]) == {job.trial_id, other.trial_id}
    controller.state = ""
    assert later.adopt([job, other]) == frozenset()
    assert asked.count("squeue") == 2


def test_one_that_its_job_stopped_goes_on_and_has_used_up_no_attempt(controller: Controller, submit: Submit) -> None:
    slurm, job, folder = submit(grace="1h")
    controller.state = "PREEMPTED"
    folder.write_status("interrupted")
    assert slurm.states() == {job.trial_id: JobState.PENDING}
    assert len(controller.submitted) == 2
    handed = read_handed(folder)
    assert handed is not None
    assert handed.attempt == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("pending", "job 1_0 was cancelled; run again to resume"),
        ("running", "job 1_0 was cancelled; run again to resume"),
        ("interrupted", "stopped after step 7"),
    ],
)
def test_what_somebody_cancels_is_not_submitted_again(
    controller: Controller, submit: Submit, status: str, reason: str
) -> None:
    slurm, job, folder = submit()
    folder.write_status(status, "stopped after step 7")
    controller.state = "CANCELLED"
    assert slurm.states() == {job.trial_id: JobState.ENDED}
    assert settle(folder, slurm.why(job.trial_id)) == End("interrupted", reason)
    assert read_handed(folder) is None
    assert len(controller.submitted) == 1


def test_of_a_controller_that_is_away_nothing_is_known(controller: Controller, submit: Submit) -> None:
    slurm, job, _ = submit()
    controller.answers = False
    assert slurm.states() == {job.trial_id: JobState.UNKNOWN}
    controller.answers = True
    assert slurm.states() == {job.trial_id: JobState.PENDING}


@pytest.mark.parametrize("taken", [True, False])
def test_what_was_sent_without_an_answer_is_sent_again_unless_it_arrived(
    controller: Controller, submit: Submit, taken: bool
) -> None:
    controller.loses, controller.answers = True, taken
    slurm, job, _ = submit()
    controller.answers = True
    assert len(controller.submitted) == taken
    assert slurm.states() == {job.trial_id: JobState.PENDING}
    assert len(controller.submitted) == 1
    controller.loses = False
    assert "1 trial left to Slurm" in slurm.detach()
    assert len(controller.submitted) == 1


def test_what_is_tried_again_without_an_answer_is_sent_once(controller: Controller, submit: Submit) -> None:
    slurm, _, _ = submit()
    controller.state, controller.loses = "FAILED", True
    slurm.states()
    assert len(controller.submitted) == 2, "the queue that was looked at is from before"


def test_one_that_ended_before_it_was_known_to_be_sent_is_not_sent_again(
    controller: Controller, submit: Submit
) -> None:
    controller.loses = True
    slurm, job, folder = submit()
    folder.write_status("done")
    for answers in (False, True):
        controller.answers = answers
        assert slurm.states() == {job.trial_id: JobState.ENDED}
    assert len(controller.submitted) == 1


def test_a_job_is_taken_out_of_the_queue_once_none_of_its_trials_is_wanted(
    controller: Controller, submit: Submit
) -> None:
    slurm, _, folder = submit(pack="2")
    pair = [write_trial(folder.path.parent, seed=seed) for seed in (1, 2)]
    slurm.submit(pair)
    slurm.cancel([pair[0].trial_id], hard=False)
    assert controller.cancelled == []
    slurm.cancel([pair[1].trial_id], hard=False)
    assert controller.cancelled == ["2_0"]


def test_what_lost_its_job_with_another_of_its_trials_is_tried_again(controller: Controller, submit: Submit) -> None:
    """A run ends at once what another has taken over; nobody cancelled what else is in that job."""
    slurm, first, folder = submit(pack="2")
    pair = [write_trial(folder.path.parent, seed=seed) for seed in (1, 2)]
    slurm.submit(pair)
    controller.state = "RUNNING"
    slurm.cancel([pair[0].trial_id], hard=True)
    assert set(controller.cancelled) == {"2_0"}
    controller.state = "CANCELLED"
    assert slurm.states() == {first.trial_id: JobState.ENDED, pair[1].trial_id: JobState.PENDING}
    assert len(controller.submitted) == 3


def test_trials_of_one_job_that_will_not_start_are_given_up_together(controller: Controller, submit: Submit) -> None:
    slurm, _, folder = submit(pack="2", deadline="0")
    slurm.submit([write_trial(folder.path.parent, seed=seed) for seed in (1, 2)])
    assert set(slurm.states().values()) == {JobState.ENDED}
    assert controller.cancelled == ["1_0", "2_0"]


@pytest.mark.parametrize(("hard", "calls"), [(False, 1), (True, 2)])
def test_thousands_of_jobs_are_cancelled_by_a_few_programs(
    controller: Controller, submit: Submit, monkeypatch: pytest.MonkeyPatch, hard: bool, calls: int
) -> None:
    slurm, job, folder = submit()
    jobs = [job, *(write_trial(folder.path.parent, seed=seed) for seed in (1, 2))]
    for other in jobs[1:]:
        slurm.submit([other])
    asked: list[tuple[str, ...]] = []

    def call(*command: str) -> "subprocess.CompletedProcess[str]":
        asked.extend([command] if command[0] == "scancel" else [])
        return controller.call(*command)

    monkeypatch.setattr(site, "call", call)
    monkeypatch.setattr(site, "CANCELLED_AT_ONCE", 2)
    slurm.cancel([job.trial_id for job in jobs], hard=hard)
    assert len(asked) == 2 * calls
    assert set(controller.cancelled) == {"1_0", "2_0", "3_0"}
    assert [command[-2:] for command in asked[-2:]] == [("1_0", "2_0"), ("scancel", "3_0")]
    assert [("--signal=KILL" in command) for command in asked] == [True, True, False, False][-2 * calls :]
