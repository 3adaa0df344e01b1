"""Executors and trackers that are wrong on purpose: each is caught, in words that name the mistake."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ganbench.executors import Executor, Job, JobState
from ganbench.executors.local import Local
from ganbench.testing import check, executors
from ganbench.trackers import Settings, Tracked
from tests.kit import assert_caught, failed
from tests.kit.components import RightTracker


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


class NeedsMetrics(RightTracker):
    """Takes for granted that a trial has metrics."""

    def trial_finished(self, trial: Tracked, status: str, result: Any) -> None:
        result["metrics"]["modes"]


class OtherWords(RightTracker):
    """Other names for what it is told."""

    def trial_finished(self, name: str) -> None:  # type: ignore[override]
        ...


class TellsOnce(RightTracker):
    """Fails where a trial is told again."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.seen: set[str] = set()

    def trial_started(self, trial: Tracked) -> None:
        if trial.trial_id in self.seen:
            raise FileExistsError(trial.trial_id)
        self.seen.add(trial.trial_id)


class NeedsParameter(RightTracker):
    """Has to be told where to write."""

    def __init__(self, settings: Settings, path: str) -> None:
        super().__init__(settings)


class RefusesItself(RightTracker):
    """Its own default is none of the values it takes."""

    def __init__(self, settings: Settings, size: int = 0) -> None:
        super().__init__(settings)
        if size < 1:
            raise ValueError(f"size must be at least 1, not {size}")


class Sized(RightTracker):
    """Right: takes a parameter, and writes where it is told to when it is made."""

    def __init__(self, settings: Settings, size: int = 1) -> None:
        super().__init__(settings)
        assert isinstance(size, int)
        (settings.out / "notes.txt").write_text("#" * size)


class NeedsLoss(RightTracker):
    """Takes it that every trial has a loss."""

    def trial_started(self, trial: Tracked) -> None:
        self.loss = trial.spec["loss"]["label"]


WRONG: list[tuple[type, str, str]] = [
    (HalfAnExecutor, "contract", "does not implement cancel"),
    (NeedsMetrics, "events", "without a result, makes it raise KeyError"),
    (NeedsLoss, "events", "the baseline 'untrained', which has no loss, makes it raise TypeError"),
    (OtherWords, "contract", "trial_finished() does not take trial, status, result"),
    (TellsOnce, "again", "told of a second time makes it raise FileExistsError"),
    (NeedsParameter, "parameters", "has a parameter 'path' whose default is not a number, true or false, or text"),
    (RefusesItself, "parameters", "tracker 'refuses-itself' cannot be used: ValueError: size must be at least 1"),
]
WORKS = ("idle", "runs", "runs-again", "ends-gently", "cancels")
SKIP = {HalfAnExecutor: dict.fromkeys(WORKS, "abstract")}


@pytest.mark.parametrize(("component", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_component_is_caught_by_name(component: type, name: str, words: str) -> None:
    assert_caught(check(component, skip=SKIP.get(component, {})), name, words)


def test_parameters_of_a_tracker_are_those_of_a_run() -> None:
    """What cannot be built is a failure of one check, and a value that a run takes is one that the kit takes."""
    assert set(failed(check(NeedsParameter))) == {"parameters"}
    assert failed(check(RefusesItself, parameters={"size": 2})).keys() == {"parameters"}  # by its name alone it fails
    outcomes = {one.check: one for one in check(Sized, parameters={"size": 2})}
    assert {one.status for one in outcomes.values()} == {"ok"}
    assert "size=large must be a whole number" in failed(check(Sized, parameters={"size": "large"}))["parameters"]


RUN_WRONG: list[tuple[type[Executor], str, str]] = [
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


@pytest.mark.parametrize(("executor", "name", "words"), RUN_WRONG, ids=[one.__name__ for one, _, _ in RUN_WRONG])
def test_a_wrong_executor_is_caught_at_its_work(
    executor: type[Executor], name: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What never comes need not be waited for long here.
    monkeypatch.setattr(executors, "PATIENCE", 30.0 if executor is not NeverStarts else 12.0)
    monkeypatch.setattr(executors, "END_PATIENCE", 4.0)
    others = {*WORKS} - {name}
    assert_caught(check(executor, skip=dict.fromkeys(others, "not what is wrong with it")), name, words)


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
