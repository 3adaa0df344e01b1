"""A run beside others on the same folder: when it looks, and what it leaves to them for a while."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from ganbench.executors import Job, JobState
from ganbench.running import waiting
from ganbench.running.interrupts import Interrupts
from ganbench.spec import TrialSpec
from ganbench.store.store import Store
from tests.grids import Ending, Run, Site, three_seeds


@pytest.fixture
def three(tmp_path: Path, trial_spec: Callable[..., TrialSpec], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that looks for what others give back whenever it has news of its own."""
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(waiting, "SHARE", 1.0)
    return three_seeds(tmp_path, trial_spec, monkeypatch)


def test_a_run_that_waits_leaves_the_processor_to_others(three: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for news of its own trials; where it has none, it sleeps."""
    waited: list[float] = []
    monkeypatch.setattr(Interrupts, "sleep", lambda _, seconds: waited.append(seconds))
    other = Store(three.out)
    assert other.lease(three.names[0])

    class Awaited(Ending):
        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            waited.append(timeout)
            if len(waited) > 1:
                other.release_all()
            return super().states()

    three.on(Awaited)
    assert waited == [0.2, 0.01, 0.2, 0.2]


def test_nothing_of_another_run_is_taken_over_while_one_is_tried_alone(three: Run) -> None:
    """The other run gives its trial back as the second try begins."""
    other = Store(three.out)
    assert other.lease(three.names[2])
    submitted: list[list[str]] = []
    looks = iter(range(100))

    class Crowded(Site):
        def submit(self, jobs: Iterable[Job]) -> None:
            submitted.extend([[job.trial_id] for job in jobs])

        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            other.release_all()
            if next(looks) in (1, 2):
                assert submitted == [[name] for name in (*three.names[:2], three.names[0])]
                return {three.names[0]: JobState.RUNNING}
            return dict.fromkeys(three.names, JobState.ENDED)

        def why(self, trial_id: str) -> str:
            return "out-of-memory: killed" if trial_id == three.names[0] else "killed"

    rows = three.on(Crowded).rows()
    assert submitted[3:] == [[three.names[2]]]
    assert [row.status for row in rows] == ["out-of-memory", "failed", "failed"]
