"""What a run does with the news of its executor, which is one of the test's own."""

import os
import signal
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

import pytest

from ganbench import plugins
from ganbench.display import make_display
from ganbench.executors import Executor, Job, JobState, Settings
from ganbench.plan import PlanRequest
from ganbench.planning.request import RunRequest
from ganbench.records.folder import TrialFolder
from ganbench.running import runner
from ganbench.running.outcome import Outcome
from ganbench.running.waiting import Elsewhere
from ganbench.spec import Execution, TrialFile, TrialSpec
from ganbench.store.store import Store


class Run:
    """A grid of a few trials on an executor of the test's own."""

    def __init__(self, out: Path, trials: list[TrialFile], monkeypatch: pytest.MonkeyPatch) -> None:
        self.out = out
        self.trials = trials
        self.names = [trial.trial_id for trial in trials]
        self._monkeypatch = monkeypatch

    def folder(self, place: int) -> TrialFolder:
        return TrialFolder(self.out / self.names[place])

    def on(self, site: type[Executor]) -> Outcome:
        self._monkeypatch.setattr(runner, "executor_class", lambda *_: site)
        self._monkeypatch.setattr(runner, "plan_trials", lambda *_: self.trials)
        self._monkeypatch.setattr(runner, "REMOTE_POLL_SECONDS", 0.01)
        request = RunRequest(
            plan=PlanRequest(losses=(), architectures=(), datasets=()),
            seeds=tuple(range(len(self.trials))),
            out=self.out,
            device="cpu",
            executor="site",
        )
        return runner.run_grid(request, plugins.load([]), make_display(quiet=True))


@pytest.fixture
def three(tmp_path: Path, trial_spec: Callable[..., TrialSpec], monkeypatch: pytest.MonkeyPatch) -> Run:
    specs = [trial_spec(seed=seed) for seed in range(3)]
    trials = [TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()) for spec in specs]
    return Run(tmp_path, trials, monkeypatch)


class Site(Executor):
    """Its jobs go on until a test writes how they end."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.jobs: dict[str, Job] = {}

    def submit(self, jobs: Iterable[Job]) -> None:
        self.jobs |= {job.trial_id: job for job in jobs}

    def states(self, timeout: float = 0.0) -> dict[str, JobState]:
        over = {name for name, job in self.jobs.items() if TrialFolder(job.folder).read_status()["status"] in ENDED}
        return {name: JobState.ENDED if name in over else JobState.RUNNING for name in self.jobs}

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        for trial_id in trial_ids:
            self.jobs.pop(trial_id, None)


ENDED = ("done", "failed", "out-of-memory")


@pytest.mark.parametrize("broken", [RuntimeError("no such queue"), SystemExit(3)])
@pytest.mark.parametrize("interrupted", [True, False])
def test_an_executor_that_fails_while_closing_keeps_no_lease_and_hides_nothing(
    interrupted: bool, broken: BaseException, three: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(Site):
        def submit(self, jobs: Iterable[Job]) -> None:
            assert not Store(three.out).lease(three.names[0]), "the run has the lease"
            if interrupted:
                raise KeyboardInterrupt
            super().submit(jobs)

        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            return dict.fromkeys(three.names, JobState.ENDED)

        def close(self) -> None:
            raise broken

    with pytest.raises(KeyboardInterrupt) if interrupted else nullcontext():
        assert {row.status for row in three.on(Broken).rows()} == {"failed"}
    other = Store(three.out)
    assert all(other.lease(name) for name in three.names)
    other.release_all()
    expected = f"executor 'site' failed while closing: {type(broken).__name__}: {broken}"
    assert [line for line in capsys.readouterr().err.splitlines() if "closing" in line] == [expected]


def test_trials_that_another_run_gives_back_are_taken_over_together(three: Run) -> None:
    """Seeds that are handed over one by one could not be trained as one batch."""
    other = Store(three.out)
    assert all(other.lease(name) for name in three.names)
    submitted: list[list[str]] = []

    class Taking(Site):
        def submit(self, jobs: Iterable[Job]) -> None:
            submitted.append([job.trial_id for job in jobs])

        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            other.release_all()
            return dict.fromkeys(chain.from_iterable(submitted), JobState.ENDED)

    three.on(Taking)
    (together,) = [jobs for jobs in submitted if jobs]
    assert sorted(together) == sorted(three.names)


@pytest.mark.parametrize(
    ("why", "submissions", "reason"),
    [
        ("out-of-memory: killed", 2, "killed; tried twice, the second time alone"),
        ("memory-limit: it used too much", 1, "it used too much"),
    ],
    ids=["beside others", "by its own limit"],
)
def test_one_that_ran_out_of_memory_beside_others_is_tried_again_alone(
    three: Run, why: str, submissions: int, reason: str
) -> None:
    submitted: list[list[str]] = []
    looks = iter(range(100))

    class Crowded(Site):
        def submit(self, jobs: Iterable[Job]) -> None:
            names = [job.trial_id for job in jobs]
            submitted.extend([names] if names else [])

        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            if next(looks) < 2:
                assert submitted == [three.names], "the others still run"
                return dict.fromkeys(three.names, JobState.RUNNING) | {three.names[0]: JobState.ENDED}
            for name in three.names[1:]:
                TrialFolder(three.out / name).write_status("failed", "of itself")
            return dict.fromkeys(three.names, JobState.ENDED)

        def why(self, trial_id: str) -> str:
            return why

    rows = three.on(Crowded).rows()
    assert submitted == [three.names, *[[three.names[0]]] * (submissions - 1)]
    assert [(row.status, row.reason) for row in rows] == [
        ("out-of-memory", reason), ("failed", "of itself"), ("failed", "of itself")
    ]  # fmt: skip


def test_those_that_ran_out_of_memory_are_tried_one_after_the_other(three: Run) -> None:
    submitted: list[list[str]] = []
    fresh: set[str] = set()
    running: set[str] = set()

    class Crowded(Site):
        """What is submitted runs at the next look, and has ended at the one after it."""

        def submit(self, jobs: Iterable[Job]) -> None:
            if names := [job.trial_id for job in jobs]:
                assert not running
                submitted.append(names)
                fresh.update(names)

        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            running.clear()
            running.update(fresh)
            fresh.clear()
            return dict.fromkeys(three.names, JobState.ENDED) | dict.fromkeys(running, JobState.RUNNING)

        def why(self, trial_id: str) -> str:
            return "out-of-memory: killed"

    rows = three.on(Crowded).rows()
    assert submitted == [three.names, *([name] for name in three.names)]
    assert {row.reason for row in rows} == {"killed; tried twice, the second time alone"}


def test_one_that_waits_to_be_tried_alone_has_ended_where_the_run_is_interrupted(three: Run) -> None:
    looks = iter(range(100))

    class Crowded(Site):
        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            if next(looks) == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            return dict.fromkeys(self.jobs, JobState.RUNNING) | {three.names[0]: JobState.ENDED}

        def why(self, trial_id: str) -> str:
            return "out-of-memory: killed"

    outcome = three.on(Crowded)
    assert outcome.interrupted
    first = outcome.rows()[0]
    assert (first.status, first.reason) == ("out-of-memory", "killed")


def test_one_that_another_run_takes_over_before_its_second_try_keeps_nobody_waiting(
    three: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where this run is suspended meanwhile: it waits for the other, and tries the rest."""
    submitted: list[str] = []

    class Crowded(Site):
        def submit(self, jobs: Iterable[Job]) -> None:
            submitted.extend(job.trial_id for job in jobs)

        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            return dict.fromkeys(three.names, JobState.ENDED)

        def why(self, trial_id: str) -> str:
            return "out-of-memory: killed"

    lost = iter([{three.names[0]}])
    monkeypatch.setattr(Store, "lost", lambda *_: next(lost, set()))
    monkeypatch.setattr(Elsewhere, "free", lambda *_: [])
    monkeypatch.setattr(Elsewhere, "__len__", lambda *_: 0)  # the other run's end is not waited for here
    three.on(Crowded)
    assert [submitted.count(name) for name in three.names] == [1, 2, 2]


def test_one_that_ends_as_the_run_is_interrupted_keeps_its_own_word(three: Run) -> None:
    """Its executor may have forgotten it by then; what it says to have done is not to be done again."""

    class Interrupted(Site):
        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            if self.jobs and three.folder(0).read_status()["status"] == "pending":
                three.folder(0).write_status("diverged", "D is not finite")
                three.folder(1).write_status("running")
                os.kill(os.getpid(), signal.SIGTERM)  # a shell's background jobs ignore SIGINT, and so would this run
                return dict.fromkeys(self.jobs, JobState.PENDING)
            return super().states(timeout)

    outcome = three.on(Interrupted)
    assert outcome.interrupted
    found = [three.folder(place).read_status() for place in range(3)]
    assert [(status["status"], status["reason"]) for status in found] == [
        ("diverged", "D is not finite"),
        ("interrupted", "stopped immediately; run again to resume"),
        ("interrupted", "not started yet; run again to start it"),
    ]
