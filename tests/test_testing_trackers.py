"""Trackers that are wrong on purpose: each is caught, in words that name the mistake."""

from typing import Any

import pytest

from ganbench.testing import check
from ganbench.trackers import Settings, Tracked, Tracker
from tests.kit import assert_caught, failed
from tests.kit.components import RightTracker


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


class UndocumentedTracker(Tracker):
    pass


WRONG: list[tuple[type[Tracker], str, str]] = [
    (UndocumentedTracker, "documentation", "UndocumentedTracker has no docstring"),
    (NeedsMetrics, "events", "without a result, makes it raise KeyError"),
    (NeedsLoss, "events", "the baseline 'untrained', which has no loss, makes it raise TypeError"),
    (OtherWords, "contract", "trial_finished() does not take trial, status, result"),
    (TellsOnce, "again", "told of a second time makes it raise FileExistsError"),
    (NeedsParameter, "parameters", "has a parameter 'path' whose default is not a number, true or false, or text"),
    (RefusesItself, "parameters", "tracker 'refuses-itself' cannot be used: ValueError: size must be at least 1"),
]


@pytest.mark.parametrize(("tracker", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_tracker_is_caught_by_name(tracker: type[Tracker], name: str, words: str) -> None:
    assert_caught(tracker, name, words)


def test_parameters_of_a_tracker_are_those_of_a_run() -> None:
    """What cannot be built is a failure of one check, and a value that a run takes is one that the kit takes."""
    assert set(failed(check(NeedsParameter))) == {"parameters"}
    assert failed(check(RefusesItself, parameters={"size": 2})).keys() == {"parameters"}  # by its name alone it fails
    outcomes = {one.check: one for one in check(Sized, parameters={"size": 2})}
    assert {one.status for one in outcomes.values()} == {"ok"}
    assert "size=large must be a whole number" in failed(check(Sized, parameters={"size": "large"}))["parameters"]
