"""Executors that are wrong on purpose: each is caught, in words that name the mistake."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from ganbench.errors import UsageError
from ganbench.executors import Executor, Job, JobState
from ganbench.executors.local import Local
from ganbench.testing import executors
from tests.kit import assert_caught, outcome_of


class HalfAnExecutor(Executor):
    """Cannot cancel."""

    def submit(self, jobs: Any) -> None: ...

    def states(self, timeout: float = 0.0) -> dict[str, Any]:
        return {}


class EverySecond(Local):
    """Takes every second job."""

    def submit(self, jobs: Any) -> None:
        super().submit(list(jobs)[::2])


class Deaf(Local):
    """Is submitted to once."""

    submitted = False

    def submit(self, jobs: Any) -> None:
        if not self.submitted:
            super().submit(jobs)
        self.submitted = True


class NeverStarts(Local):
    """Says that a job waits, for ever, which it has lost."""

    lost: tuple[str, ...] = ()

    def states(self, timeout: float = 0.0) -> Any:
        return dict(super().states(timeout)) | dict.fromkeys(self.lost, JobState.PENDING)

    def submit(self, jobs: Any) -> None:
        for job in jobs:
            if self.lost:
                super().submit([job])
            self.lost = self.lost or (job.trial_id,)


class Twice(Local):
    """Runs everything twice."""

    def submit(self, jobs: Any) -> None:
        super().submit([*jobs] * 2)


class RemembersEnds(Local):
    """Never forgets that a job has ended."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.ends: dict[str, JobState] = {}

    def states(self, timeout: float = 0.0) -> Any:
        found = super().states(timeout)
        self.ends |= {name: state for name, state in found.items() if state is JobState.ENDED}
        return {**found, **self.ends}


class EndsAll(Local):
    """Cancels more than it is asked to."""

    def cancel(self, trial_ids: Any, *, hard: bool) -> None:
        super().cancel([job.trial_id for job in self._waiting] + list(self._running), hard=hard)


class EndsNothing(Local):
    """Forgets what waits, and lets run what runs."""

    def cancel(self, trial_ids: Any, *, hard: bool) -> None:
        super().cancel(set(trial_ids) - set(self._running), hard=hard)


class SaysItEnds(EndsNothing):
    """The same, and says that it has ended."""

    def states(self, timeout: float = 0.0) -> Any:
        return {name: state for name, state in super().states(timeout).items() if name not in self.gone}

    def __init__(self, settings: Any) -> None:
        super().__init__(dataclasses.replace(settings, slots=2))
        self.gone: set[str] = set()

    def cancel(self, trial_ids: Any, *, hard: bool) -> None:
        super().cancel(trial_ids, hard=hard)
        self.gone |= set(trial_ids)


class Rude(Local):
    """Knows no gentle end."""

    def cancel(self, trial_ids: Any, *, hard: bool) -> None:
        super().cancel(trial_ids, hard=True)


class Stubborn(Local):
    """Runs on where it is asked gently."""

    def cancel(self, trial_ids: Any, *, hard: bool) -> None:
        if hard:
            super().cancel(trial_ids, hard=True)


class Once(Local):
    """Takes the end of a job for that of every later one of its name."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.taken: set[str] = set()

    def submit(self, jobs: Any) -> None:
        fresh = [job for job in jobs if job.trial_id not in self.taken]
        self.taken |= {job.trial_id for job in fresh}
        super().submit(fresh)


class UndocumentedExecutor(Executor):
    pass


class ListsOptions(Local):
    """Names its options, and does not say what they mean."""

    options = ["queue"]  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("executor", "name", "words"),
    [
        (ListsOptions, "contract", "options is ['queue'], but must map each option's name to a line of text"),
        (UndocumentedExecutor, "documentation", "UndocumentedExecutor has no docstring"),
        (HalfAnExecutor, "contract", "does not implement cancel"),
    ],
)
def test_a_wrong_executor_is_caught_by_name(executor: type[Executor], name: str, words: str) -> None:
    assert_caught(executor, name, words)


class KnowsOthers(Local):
    """Says where the jobs of everybody stand."""

    def states(self, timeout: float = 0.0) -> Any:
        return {"a-trial-of-somebody": JobState.RUNNING, **super().states(timeout)}


class AnswersForAll(Local):
    """Has an end for every name."""

    def why(self, trial_id: str) -> str:
        return super().why(trial_id) or "it ended"


WRONG: list[tuple[type[Executor], str, str]] = [
    (KnowsOthers, "idle", "states() knows of jobs before any was submitted"),
    (AnswersForAll, "idle", "why() answers for a job that does not exist"),
    (EverySecond, "runs", "states() does not know number 2"),
    (Deaf, "runs", "states() does not know number 3"),
    (NeverStarts, "runs", "a trial's state is pending, not ended"),
    (Twice, "runs", "was run 2 times"),
    (Once, "runs-again", "states() still says that it has ended"),
    (Rude, "ends-gently", "checkpoint, so its work is lost; send its process SIGTERM"),
    (Stubborn, "ends-gently", "4 s after it was cancelled gently, a trial still runs"),
    (RemembersEnds, "runs-again", "states() still says that it has ended"),
    (EndsAll, "cancels", "no longer knows the other"),
    (EndsNothing, "cancels", "after a running job was cancelled at once, it still runs"),
    (SaysItEnds, "cancels", "still writes, because its process was not ended"),
]
# What never comes need not be waited for long here; what comes may need its time on a crowded machine.
NEVER_COMES = {
    NeverStarts: ("PATIENCE", 12.0),
    Stubborn: ("END_PATIENCE", 4.0),
    EndsNothing: ("END_PATIENCE", 4.0),
}


@pytest.mark.parametrize(("executor", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_executor_is_caught_at_its_work(
    executor: type[Executor], name: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if executor in NEVER_COMES:
        patience, seconds = NEVER_COMES[executor]
        monkeypatch.setattr(executors, patience, seconds)
    assert_caught(executor, name, words)


class OpensAndRefuses(Executor):
    """Starts a process for its workers, and then sees that it cannot run here."""

    servers: ClassVar[list[Any]] = []

    def __init__(self, settings: Any) -> None:
        self.servers.append(settings.server())
        raise UsageError("there is no cluster here")


def test_an_executor_that_cannot_run_here_leaves_no_process() -> None:
    outcome = outcome_of("idle", OpensAndRefuses)
    assert (outcome.status, outcome.message) == ("skipped", "it cannot run here: there is no cluster here")
    assert [server.alive for server in OpensAndRefuses.servers] == [False]


class OneByOne(Executor):
    """Its trials take a minute each, by a clock that its states move on."""

    def __init__(self, jobs: list[Job], *, hangs: bool) -> None:
        self.jobs = jobs
        self.hangs = hangs
        self.now = 0.0

    def states(self, timeout: float = 0.0) -> dict[str, JobState]:
        self.now += 30.0
        ended = 1 if self.hangs else int(self.now // 60)
        states = [JobState.ENDED] * ended + [JobState.RUNNING] + [JobState.PENDING] * len(self.jobs)
        return {job.trial_id: state for job, state in zip(self.jobs, states, strict=False)}


@pytest.mark.parametrize("hangs", [False, True])
def test_patience_is_for_news_not_for_the_end_of_all(
    hangs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a crowded machine each process needs a minute to import torch."""
    jobs = [Job(name, tmp_path / name) for name in ("one", "two", "three", "four")]
    executor = OneByOne(jobs, hangs=hangs)
    monkeypatch.setattr(executors, "time", SimpleNamespace(monotonic=lambda: executor.now))
    seen = executors._seen_until_the_end(executor, jobs)
    last = [seen[job.trial_id][-1] for job in jobs]
    assert last == ([JobState.ENDED, JobState.RUNNING, *[JobState.PENDING] * 2] if hangs else [JobState.ENDED] * 4)
    assert executor.now == (30.0 + executors.PATIENCE if hangs else 4 * 60.0)
