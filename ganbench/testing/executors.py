"""What an executor must do: run a trial to its end, say where it stands, and leave nothing behind.

Checked with real trials, those of :mod:`ganbench.testing.executor_trials`: small ones, one that fails, and one that
would train for minutes.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError
from ganbench.executors import Executor, Job, JobState, Settings
from ganbench.executors.options import declared
from ganbench.processes.server import shared_server
from ganbench.records.folder import TrialFolder
from ganbench.testing.executor_trials import ENDLESS, write_trial
from ganbench.testing.kit import Flaw, NotApplicable, Subject

PATIENCE = 120.0
"""Seconds to wait for news of the trials. Starting Python and torch takes a few, on a crowded machine a minute."""
END_PATIENCE = 30.0
"""Seconds to wait for cancelled trials to end."""
SETTLING = 1.5
"""Seconds to watch whether what should have ended still runs."""


@contextmanager
def opened(subject: Subject) -> Iterator[tuple[Executor, Path]]:
    """An executor with one slot, and its folder of trials. The check is left out if it lacks something it needs."""
    with tempfile.TemporaryDirectory() as place, shared_server("cpu", threads=1) as server:
        out = Path(place).resolve()
        try:
            executor: Any = subject.cls(Settings(slots=1, timeout=None, server=server, out=out))
        except GanbenchError as error:
            raise NotApplicable(f"it cannot run here: {error}") from error
        try:
            yield executor, out
        finally:
            executor.close()
            executor.close()  # the host closes in a finally: twice must do no harm


def contract(subject: Subject) -> None:
    """It is an executor, and implements all of it."""
    if not (isinstance(subject.cls, type) and issubclass(subject.cls, Executor)):
        raise Flaw("it must be a subclass of ganbench.executors.Executor; `--executor` would fail")
    missing = [name for name in ("submit", "states", "cancel") if getattr(subject.cls, name) is getattr(Executor, name)]
    if missing:
        raise Flaw(f"it does not implement {' and '.join(missing)}; a run would stop with NotImplementedError")
    try:
        declared(subject.cls)
    except TypeError as error:
        raise Flaw(f"{error}; `ganbench show {subject.name}` would refuse it") from error


def idle(subject: Subject) -> None:
    """Without jobs it knows of none; unknown ones can be cancelled, and it can be closed twice."""
    with opened(subject) as (executor, _):
        if executor.states():
            raise Flaw("states() knows of jobs before any was submitted; a run would take them for its own")
        executor.cancel(["no-such-trial"], hard=False)
        if executor.why("no-such-trial") not in ("", None):
            raise Flaw("why() answers for a job that does not exist")


def runs(subject: Subject) -> str:
    """Trials run to their end, each once, and their states are reported on the way."""
    with opened(subject) as (executor, out):
        jobs = [write_trial(out, seed=seed) for seed in range(3)]
        began = time.monotonic()
        executor.submit(jobs[:2])
        executor.submit(jobs[2:])  # as a run does that plans as it goes, or tries again
        unknown = [number for number, job in enumerate(jobs, 1) if job.trial_id not in executor.states()]
        if unknown:
            raise Flaw(
                "two jobs were submitted and then a third, but states() does not know "
                f"{' and '.join(f'number {number}' for number in unknown)}; a run would wait forever"
            )
        seen = _seen_until_the_end(executor, jobs)
        for job in jobs:
            shown = ", ".join(state.value for state in seen[job.trial_id])
            if seen[job.trial_id][-1] is not JobState.ENDED:
                raise Flaw(
                    f"after {PATIENCE:.0f} s without news a trial's state is {shown}, not ended; a run would wait "
                    "forever"
                )
            status = TrialFolder(job.folder).read_status()
            if status["status"] != "done":
                why = status["reason"] or executor.why(job.trial_id) or "why() says nothing"
                raise Flaw(
                    f"states() says that a trial has ended, but its status is {status['status']} ({why}); every "
                    "row of a table would be a failure"
                )
        took = time.monotonic() - began
        _settle(executor)
        starts = [len(TrialFolder(job.folder).starts.read_text().splitlines()) for job in jobs]
        if max(starts) > 1:
            raise Flaw(
                f"a job that was submitted once was run {max(starts)} times; a run would cost that much more, "
                "and two processes might write to one folder"
            )
    return f"{shown} in {took:.1f} s"


def runs_again(subject: Subject) -> None:
    """A trial that fails ends like any other, is not tried again unasked, and is run again when it is asked for."""
    with opened(subject) as (executor, out):
        job = write_trial(out, broken=True)
        folder = TrialFolder(job.folder)
        for asked in (1, 2):
            folder.write_status("pending")
            executor.submit([job])
            if asked == 2 and executor.states().get(job.trial_id) in (JobState.ENDED, JobState.LOST):
                raise Flaw(
                    "a job that had ended was submitted again, and states() still says that it has ended; a "
                    "run that retries a trial would take the old end for the new one"
                )
            last = _seen_until_the_end(executor, [job])[job.trial_id][-1]
            if last not in (JobState.ENDED, JobState.LOST):
                raise Flaw(
                    f"after {PATIENCE:.0f} s without news the state of a trial that fails is {last.value}, not ended"
                )
            _settle(executor)
            status = folder.read_status()["status"]
            starts = len(folder.starts.read_text().splitlines()) if folder.starts.exists() else 0
            if starts != asked or status != "failed":
                raise Flaw(
                    f"a trial that fails was submitted {asked} times but run {starts} times, and its status is "
                    f"{status}; only the run decides whether a trial is tried again"
                )


def ends_gently(subject: Subject) -> str:
    """A trial cancelled gently writes a checkpoint before it ends, and goes on from it when submitted again."""
    with opened(subject) as (executor, out):
        job = write_trial(out, steps=ENDLESS)
        folder = TrialFolder(job.folder)
        executor.submit([job])
        if not _until(executor, folder.progress.exists, PATIENCE):
            raise Flaw(f"{PATIENCE:.0f} s after it was submitted, a trial has not made a step")
        executor.cancel([job.trial_id], hard=False)
        if not _rests(executor, [job]):
            raise Flaw(
                f"{END_PATIENCE:.0f} s after it was cancelled gently, a trial still runs; Ctrl-C would not end a run"
            )
        status = folder.read_status()
        if status["status"] != "interrupted" or not folder.checkpoint.exists():
            there = "a" if folder.checkpoint.exists() else "no"
            raise Flaw(
                f"a trial that was cancelled gently is {status['status']} and has {there} checkpoint, so its "
                "work is lost; send its process SIGTERM and let it end"
            )
        before = folder.progress.stat().st_size
        folder.write_status("pending")
        executor.submit([job])
        if not _until(executor, lambda: folder.progress.stat().st_size > before, PATIENCE):
            raise Flaw(f"{PATIENCE:.0f} s after an interrupted trial was submitted again, it has not resumed")
        executor.cancel([job.trial_id], hard=True)
        _rests(executor, [job])
    return str(status["reason"])


def cancels(subject: Subject) -> None:
    """Cancelling forgets a trial that waits, ends one that runs, and touches no other."""
    with opened(subject) as (executor, out):
        # The long one is heavier: it is started first where there is room for one.
        long, short = write_trial(out, steps=ENDLESS, weight=2.0), write_trial(out, seed=1)
        executor.submit([long, short])
        began = time.monotonic()
        while not TrialFolder(long.folder).progress.exists():
            state = executor.states(timeout=0.2).get(long.trial_id, JobState.UNKNOWN)
            if state in (JobState.ENDED, JobState.LOST) or time.monotonic() - began > PATIENCE:
                why = TrialFolder(long.folder).read_status()["reason"] or executor.why(long.trial_id)
                raise Flaw(f"of two submitted trials, one is {state.value} and has not made a step ({why})")
        executor.cancel([long.trial_id], hard=True)
        if not _rests(executor, [long]):
            raise Flaw(
                f"{END_PATIENCE:.0f} s after a running job was cancelled at once, it still runs; a second "
                "Ctrl-C would not end a run"
            )
        if short.trial_id not in executor.states():
            raise Flaw("one of two jobs was cancelled, and states() no longer knows the other: it was cancelled too")
        _seen_until_the_end(executor, [short])
        status = TrialFolder(short.folder).read_status()["status"]
        if status != "done":
            raise Flaw(f"one of two jobs was cancelled, and the status of the other is {status}: it was cancelled too")
        written = _written(long)
        # Longer than it takes for other things to settle.
        if _until(executor, lambda: _written(long) != written, 3 * SETTLING):
            raise Flaw("a job that was cancelled at once still writes, because its process was not ended")
        jobs = [write_trial(out, seed=seed, steps=ENDLESS) for seed in (2, 3, 4)]
        executor.submit(jobs)
        executor.states(timeout=0.1)
        executor.cancel([job.trial_id for job in jobs], hard=True)
        if not _rests(executor, jobs):
            raise Flaw(
                f"{END_PATIENCE:.0f} s after jobs were cancelled at once some still wait or run; a second Ctrl-C "
                "would not end a run"
            )


def _seen_until_the_end(executor: Executor, jobs: list[Job]) -> dict[str, list[JobState]]:
    """The states of each job in their order, until all have ended or there has been no news for too long.

    The limit is on the wait for the next news, not for the end: an executor may run the trials one by one, each as a
    process that imports torch. News is a state or a status that a trial has not had before, so there is not much of it.
    """
    seen: dict[str, list[JobState]] = {job.trial_id: [] for job in jobs}
    told: set[tuple[str, object]] = set()
    heard = time.monotonic()
    while time.monotonic() - heard < PATIENCE:
        states = executor.states(timeout=0.2)
        for job in jobs:
            before, state = seen[job.trial_id], states.get(job.trial_id, JobState.UNKNOWN)
            if not before or state is not before[-1]:
                before.append(state)
            news = {(job.trial_id, state), (job.trial_id, TrialFolder(job.folder).read_status()["status"])}
            if not news <= told:
                told |= news
                heard = time.monotonic()
        if all(before[-1] in (JobState.ENDED, JobState.LOST) for before in seen.values()):
            break
    return seen


def _rests(executor: Executor, jobs: list[Job]) -> bool:
    """Wait until none of these jobs waits or runs."""

    def resting() -> bool:
        states = executor.states()
        return not {states.get(job.trial_id) for job in jobs} & {JobState.PENDING, JobState.RUNNING}

    return _until(executor, resting, END_PATIENCE)


def _until(executor: Executor, condition: Callable[[], bool], patience: float) -> bool:
    """Ask the executor for news until a condition holds, and return whether it does in time."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > patience:
            return False
        executor.states(timeout=0.2)
    return True


def _settle(executor: Executor) -> None:
    """Give time to anything that should not still happen."""
    began = time.monotonic()
    while time.monotonic() - began < SETTLING:
        executor.states(timeout=0.1)


def _written(job: Job) -> tuple[int, int]:
    """How far a trial has written: the size of its progress, and the time of its last checkpoint.

    It makes two checkpoints a second, while a line of progress may take many seconds on a crowded machine.
    """
    folder = TrialFolder(job.folder)
    try:
        checkpoint = folder.checkpoint.stat().st_mtime_ns
    except FileNotFoundError:  # there is none yet, or the next one is about to take its place
        checkpoint = 0
    return folder.progress.stat().st_size, checkpoint


CHECKS = (contract, idle, runs, runs_again, ends_gently, cancels)
