"""Executors and trackers that are wrong on purpose: each is caught, in words that name the mistake."""

from typing import Any

import pytest

from ganbench.executors import Executor
from ganbench.testing import check
from ganbench.trackers import Settings, Tracked
from tests.kit import assert_caught
from tests.kit.components import RightTracker


class HalfAnExecutor(Executor):
    """Cannot cancel."""

    def submit(self, jobs: Any) -> None: ...

    def states(self, timeout: float = 0.0) -> dict[str, Any]:
        return {}


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
