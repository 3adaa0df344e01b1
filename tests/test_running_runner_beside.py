"""A run beside others on the same folder, and a trial beside others: what is looked at, what waits to be alone."""

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from ganbench.errors import StoreError
from ganbench.executors import Job, JobState
from ganbench.records.folder import TrialFolder
from ganbench.running import waiting
from ganbench.running.interrupts import Interrupts
from ganbench.spec import Execution, TrialFile, TrialSpec
from ganbench.store.store import Store
from tests.grids import Ending, Noting, Run, Site, three_seeds
from tests.leasing import aged, foreign
from tests.trials import make_spec, make_trial


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
            if len(submitted) == 3:
                three.folder(0).write_status("failed", "of itself")
            return dict.fromkeys(three.names, JobState.ENDED)

        def why(self, trial_id: str) -> str:
            return "out-of-memory: killed" if trial_id == three.names[0] else "killed"

    rows = three.on(Crowded).rows()
    assert submitted[3:] == [[three.names[2]]]
    assert [row.reason for row in rows] == ["of itself", "killed", "killed"]


def test_a_run_that_is_to_stop_takes_nothing_over(three: Run) -> None:
    """Another run gives its trial back while those of this one write their checkpoints."""
    other = Store(three.out)
    assert other.lease(three.names[2])
    submitted: list[str] = []
    looks = iter(range(100))

    class Stopping(Site):
        def submit(self, jobs: Iterable[Job]) -> None:
            submitted.extend(job.trial_id for job in jobs)

        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            look = next(looks)
            if look == 0:
                other.release_all()
                os.kill(os.getpid(), signal.SIGTERM)
            return dict.fromkeys(submitted, JobState.RUNNING if look < 3 else JobState.ENDED)

    assert three.on(Stopping).interrupted
    assert submitted == three.names[:2]


@pytest.mark.parametrize(
    ("tries", "end"),
    [
        (1, ("failed", "no space left on device")),
        (2, ("out-of-memory", "killed; tried twice, the second time alone")),
    ],
    ids=["its beginning", "its end"],
)
def test_a_second_try_that_cannot_be_written_has_a_row_all_the_same(
    tries: int, end: tuple[str, str], three: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("no space left on device")

    three.trials, three.names = three.trials[:1], three.names[:1]
    submitted: list[str] = []

    class Filled(Site):
        def submit(self, jobs: Iterable[Job]) -> None:
            submitted.extend(job.trial_id for job in jobs)

        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            if len(submitted) == tries:
                monkeypatch.setattr(TrialFolder, "write_status", full)
            return dict.fromkeys(submitted, JobState.ENDED)

        def why(self, trial_id: str) -> str:
            return "out-of-memory: killed"

    (row,) = three.on(Filled).rows()
    assert (row.status, row.reason) == end


def test_leases_that_are_dated_in_the_future_are_spoken_of(three: Run) -> None:
    """Not of one by so little that it is stale hardly later than any other."""
    for name, seconds in zip(three.names[:2], (-7230, -60), strict=True):
        (three.out / name).mkdir(parents=True)
        aged(foreign(three.out / name), seconds)
    display = Noting()

    class Freeing(Ending):
        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            for path in three.out.glob("*/.lease"):
                if "ada" in path.read_text():
                    path.unlink()
            return super().states(timeout)

    three.on(Freeing, display)
    held, dated = display.notes
    assert held.startswith("2 trials held by ada@elsewhere")
    assert dated.startswith("of 1 trial the lease is dated up to 2 h 00 m in the future, as where a clock was set back")


def test_a_trial_that_is_done_is_only_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may lie in a folder that is closed to whoever runs this, and another run may want it at the same moment."""
    specs = [make_spec(seed=seed) for seed in range(2)]
    trials = [TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()) for spec in specs]
    make_trial(tmp_path, specs[0])
    leased: list[str] = []
    take = Store.lease

    def noted(store: Store, trial_id: str) -> bool:
        leased.append(trial_id)
        return take(store, trial_id)

    monkeypatch.setattr(Store, "lease", noted)
    halved = Run(tmp_path, trials, monkeypatch)
    assert [row.status for row in halved.on(Ending).rows()] == ["done", "failed"]
    assert leased == halved.names[1:]
