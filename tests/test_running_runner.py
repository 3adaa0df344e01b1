"""What a run does with the news of its executor, which is one of the test's own."""

import os
import signal
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

import pytest

from ganbench.errors import GanbenchError
from ganbench.executors import Job, JobState
from ganbench.records.folder import TrialFolder
from ganbench.running.waiting import Elsewhere
from ganbench.spec import TrialSpec
from ganbench.store.store import Store
from tests.grids import Ending, Noting, Run, Site, three_seeds


@pytest.fixture
def three(tmp_path: Path, trial_spec: Callable[..., TrialSpec], monkeypatch: pytest.MonkeyPatch) -> Run:
    return three_seeds(tmp_path, trial_spec, monkeypatch)


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

    display = Noting()
    rows = three.on(Crowded, display).rows()
    assert submitted == [three.names, *[[three.names[0]]] * (submissions - 1)]
    said = [note for note in display.notes if note.endswith("; it is tried once more later, alone")]
    assert len(said) == submissions - 1, "once, however often the executor says that it has ended"
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
            look = next(looks)
            if look == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            others = JobState.RUNNING if look < 4 else JobState.ENDED
            return dict.fromkeys(three.names, others) | {three.names[0]: JobState.ENDED}

        def why(self, trial_id: str) -> str:
            return "out-of-memory: killed"

    display = Noting()
    outcome = three.on(Crowded, display)
    assert outcome.interrupted
    assert [(row.status, row.reason) for row in outcome.rows()] == [("out-of-memory", "killed")] * 3
    assert len([note for note in display.notes if "tried once more" in note]) == 1, "nothing is tried once more now"
    assert [told[1] for told in display.told if told[0] == "finished"] == three.names


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
                return dict.fromkeys(self.jobs, JobState.PENDING) | {three.names[1]: JobState.RUNNING}
            return super().states(timeout)

    display = Noting()
    outcome = three.on(Interrupted, display)
    assert outcome.interrupted
    told = {(one[1], one[0], *one[3:4]) for one in display.told if one[0] in ("started", "finished")}
    assert told == {
        (three.names[0], "started", 2000), (three.names[0], "finished", "diverged"),
        (three.names[1], "started", 2000), (three.names[1], "finished", "interrupted"),
    }, "what has not begun is not shown"  # fmt: skip
    found = [three.folder(place).read_status() for place in range(3)]
    assert [(status["status"], status["reason"]) for status in found] == [
        ("diverged", "D is not finite"),
        ("interrupted", "stopped immediately; run again to resume"),
        ("interrupted", "not started yet; run again to start it"),
    ]


def test_one_that_another_run_has_taken_over_is_ended_here(three: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled: list[tuple[list[str], bool]] = []
    lost = iter([{three.names[1], "of another grid"}])
    monkeypatch.setattr(Store, "lost", lambda *_: next(lost, set()))
    display = Noting()
    looks = iter(range(100))

    class Taken(Ending):
        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            return super().states() if next(looks) else dict.fromkeys(self.jobs, JobState.RUNNING)

        def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
            cancelled.append((list(trial_ids), hard))
            super().cancel(trial_ids, hard=hard)

    three.on(Taken, display)
    assert cancelled == [([three.names[1]], True)]
    (note,) = display.notes
    assert note.endswith("seed 1: another run has taken it over")
    finished = {told[1] for told in display.told if told[0] == "finished"}
    assert finished == set(three.names), "what the other run gives back is taken over in turn"


def test_the_first_interrupt_is_gentle_and_the_second_is_not(three: Run) -> None:
    """And each is answered once."""
    cancelled: list[tuple[set[str], bool]] = []
    looks = iter(range(100))
    display = Noting()

    class Deaf(Site):
        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            if next(looks) in (1, 4):
                os.kill(os.getpid(), signal.SIGTERM)
            return super().states(timeout)

        def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
            names = set(trial_ids)
            cancelled.append((names, hard))
            if hard:
                super().cancel(names, hard=hard)
            raise GanbenchError("some cannot be reached")

    outcome = three.on(Deaf, display)
    assert cancelled == [(set(three.names), False), (set(three.names), True)]
    assert display.notes == [
        "writing checkpoints and stopping; press Ctrl-C again to stop at once", "stopping at once",
    ]  # fmt: skip
    assert outcome.interrupted
    assert [row.status for row in outcome.rows()] == ["interrupted"] * 3


def test_who_works_on_the_others_is_said(three: Run) -> None:
    other = Store(three.out)
    assert all(other.lease(name) for name in three.names[:2])
    display = Noting()

    class Freeing(Ending):
        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            other.release_all()
            return super().states(timeout)

    three.on(Freeing, display)
    assert display.told[1] == ("planned", 3, 0, 2)
    (note,) = display.notes
    assert note.startswith("2 trials held by ")
    assert note.endswith("; waiting for the results")


def test_an_interrupted_run_does_not_wait_for_the_others(three: Run) -> None:
    other = Store(three.out)
    assert all(other.lease(name) for name in three.names)
    looks = iter(range(50))

    class Interrupted(Site):
        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            if next(looks):
                raise AssertionError("it goes on all the same")
            os.kill(os.getpid(), signal.SIGTERM)
            return {}

    assert three.on(Interrupted).interrupted
    other.release_all()
