"""Executors and trackers that are wrong on purpose: each is caught, in words that name the mistake."""

import dataclasses
from typing import Any

import pytest

from ganbench.executors import Executor, JobState
from ganbench.executors.local import Local
from ganbench.testing import check, executors
from ganbench.trackers import Settings, Tracked
from tests.kit import assert_caught
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
        super().cancel([job.trial_id for job in self._waiting] + list(self._started), hard=hard)


class EndsNothing(Local):
    """Forgets what waits, and lets run what runs."""

    def cancel(self, trial_ids: Any, *, hard: bool) -> None:
        super().cancel(set(trial_ids) - set(self._started), hard=hard)


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


class NeedsLoss(RightTracker):
    """Takes it that every trial has a loss."""

    def trial_started(self, trial: Tracked) -> None:
        self.loss = trial.spec["loss"]["label"]


WRONG: list[tuple[type, str, str]] = [
    (HalfAnExecutor, "contract", "does not implement cancel"),
    (NeedsMetrics, "events", "without a result, makes it raise KeyError"),
    (NeedsLoss, "events", "the baseline 'untrained', which has no loss, makes it raise TypeError"),
    (OtherWords, "contract", "trial_finished() does not take trial, status, result"),
    (TellsOnce, "again", "told a second time makes it raise FileExistsError"),
]
SKIP = {HalfAnExecutor: {"idle": "abstract", "runs": "abstract", "cancels": "abstract"}}


@pytest.mark.parametrize(("component", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_component_is_caught_by_name(component: type, name: str, words: str) -> None:
    assert_caught(check(component, skip=SKIP.get(component, {})), name, words)


RUN_WRONG: list[tuple[type[Executor], str, str]] = [
    (EverySecond, "runs", "states() does not know of number 2"),
    (Deaf, "runs", "states() does not know of number 3"),
    (NeverStarts, "runs", "a trial's state is pending, not ended"),
    (Twice, "runs", "was run 2 times"),
    (RemembersEnds, "runs", "submitted again, and states() says at once that it has ended"),
    (EndsAll, "cancels", "does not know of the other any more"),
    (EndsNothing, "cancels", "after a job that runs was cancelled at once it still does"),
    (SaysItEnds, "cancels", "goes on writing; its process was not ended"),
]


@pytest.mark.parametrize(("executor", "name", "words"), RUN_WRONG, ids=[one.__name__ for one, _, _ in RUN_WRONG])
def test_a_wrong_executor_is_caught_at_its_work(
    executor: type[Executor], name: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What never comes need not be waited for long here.
    monkeypatch.setattr(executors, "PATIENCE", 30.0 if executor is not NeverStarts else 12.0)
    monkeypatch.setattr(executors, "END_PATIENCE", 4.0)
    others = {"idle", "runs", "cancels"} - {name}
    assert_caught(check(executor, skip=dict.fromkeys(others, "not what is wrong with it")), name, words)
