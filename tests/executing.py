"""What the executors of this repository must do, in detail: what the kit checks of everybody's, and what it cannot.

A test class inherits :class:`ExecutorContract` and has the fixtures ``executor`` and ``out``.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from ganbench.executors import Executor, Job, JobState
from ganbench.files import read_lines
from ganbench.records.folder import TrialFolder
from ganbench.testing.executor_trials import ENDLESS, write_trial

PATIENCE_SECONDS = 180.0


def wait(executor: Executor, condition: Callable[[], bool], what: str) -> None:
    """Ask the executor for news until a condition holds; an assertion fails where that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} took longer than {PATIENCE_SECONDS:.0f} s: {executor.states()}"
        executor.states(timeout=0.1)


def wait_for_the_end(executor: Executor, jobs: Iterable[Job]) -> None:
    """Wait until all jobs have ended."""
    names = [job.trial_id for job in jobs]
    wait(
        executor,
        lambda: all(executor.states().get(name) in (JobState.ENDED, JobState.LOST) for name in names),
        f"the end of {names}",
    )


def status_of(job: Job) -> str:
    """What a trial's folder says."""
    return str(TrialFolder(job.folder).read_status()["status"])


class ExecutorContract:
    """Inherited by a test class with the fixtures ``executor``, which starts nothing yet, and ``out``, its folder.

    The executor must have room for one trial at least, and be given time to start it.
    """

    def test_trials_run_to_their_end_and_their_folders_say_so(self, executor: Executor, out: Path) -> None:
        """Every job is reported until it has ended, one that fails like one that does not."""
        jobs = [write_trial(out, seed=seed) for seed in range(2)]
        broken = write_trial(out, seed=9, broken=True)
        executor.submit([*jobs, broken])
        assert set(executor.states()) == {job.trial_id for job in (*jobs, broken)}
        wait_for_the_end(executor, [*jobs, broken])
        assert [status_of(job) for job in jobs] == ["done", "done"]
        assert status_of(broken) == "failed"
        assert "planned" in str(TrialFolder(broken.folder).read_status()["reason"])
        starts = [len(TrialFolder(job.folder).starts.read_text().splitlines()) for job in (*jobs, broken)]
        assert starts == [1, 1, 1], "each is started once, a failure is not tried again"

    def test_one_that_has_ended_can_be_submitted_again(self, executor: Executor, out: Path) -> None:
        """As a run does with a trial that ran out of memory beside others."""
        job = write_trial(out, broken=True)
        for starts in (1, 2):
            TrialFolder(job.folder).write_status("pending")
            executor.submit([job])
            assert executor.states()[job.trial_id] is not JobState.ENDED or starts == 1
            wait_for_the_end(executor, [job])
            assert len(TrialFolder(job.folder).starts.read_text().splitlines()) == starts

    def test_a_gentle_end_leaves_a_checkpoint_from_which_it_goes_on(self, executor: Executor, out: Path) -> None:
        """A running job that is cancelled gently writes a checkpoint; submitted again, it goes on from there."""
        job = write_trial(out, steps=ENDLESS)
        folder = TrialFolder(job.folder)
        executor.submit([job])
        wait(executor, folder.progress.exists, "the first step")
        assert executor.states()[job.trial_id] in (JobState.RUNNING, JobState.UNKNOWN)
        executor.cancel([job.trial_id], hard=False)
        wait(executor, lambda: status_of(job) == "interrupted", "the checkpoint")
        assert folder.checkpoint.exists()
        wait_for_the_end(executor, [job])
        reached = int(str(folder.read_status()["reason"]).partition("step ")[2].partition(";")[0])
        folder.write_status("pending")
        before = folder.progress.stat().st_mtime_ns
        executor.submit([job])
        wait(executor, lambda: folder.progress.stat().st_mtime_ns > before, "the next step")
        steps = [line["step"] for line in read_lines(folder.progress)]
        assert steps == sorted(steps)
        assert steps[0] <= reached
        executor.cancel([job.trial_id], hard=True)

    def test_a_hard_end_is_at_once_and_what_waits_is_forgotten(self, executor: Executor, out: Path) -> None:
        """After a hard end nothing goes on writing."""
        jobs = [write_trial(out, seed=seed, steps=ENDLESS) for seed in range(6)]
        executor.submit(jobs)
        folders = [TrialFolder(job.folder) for job in jobs]
        wait(executor, lambda: any(folder.progress.exists() for folder in folders), "the first step")
        executor.cancel([job.trial_id for job in jobs], hard=True)
        wait(
            executor,
            lambda: not set(executor.states().values()) & {JobState.PENDING, JobState.RUNNING},
            "the end of all of them",
        )
        time.sleep(1.0)
        sizes = [folder.progress.stat().st_size if folder.progress.exists() else 0 for folder in folders]
        time.sleep(1.5)
        assert sizes == [folder.progress.stat().st_size if folder.progress.exists() else 0 for folder in folders]
        assert "done" not in {status_of(job) for job in jobs}

    def test_nothing_is_adopted_that_nobody_submitted(self, executor: Executor, out: Path) -> None:
        """A fresh trial is not taken for one that is under way."""
        assert executor.adopt([write_trial(out)]) == frozenset()
