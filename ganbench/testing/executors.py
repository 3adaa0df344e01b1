"""What an executor must do: run a trial to its end, say where it stands, and leave nothing behind.

Checked with one real trial: an untrained generator of points, scored on 200 samples.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganbench import plugins
from ganbench.errors import GanbenchError
from ganbench.executors import Executor, Job, JobState, Settings
from ganbench.folder import TrialFolder
from ganbench.grid import parse_axis
from ganbench.plan import PlanRequest
from ganbench.resolve import answer
from ganbench.spec import Execution, TrialFile
from ganbench.testing.kit import Flaw, NotApplicable, Subject

PATIENCE = 120.0
"""Seconds to wait for the trial; starting Python and torch takes a few."""


@contextmanager
def opened(subject: Subject) -> Iterator[tuple[Executor, Path]]:
    """An executor with one slot and its folder of trials; what it needs and cannot have leaves the check out."""
    from ganbench.server import Server

    servers: list[Server] = []

    def server() -> Server:
        if not servers:
            servers.append(Server(threads=1, device="cpu"))
        return servers[0]

    with tempfile.TemporaryDirectory() as place:
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
            for one in servers:
                one.close()


def trials(out: Path, number: int = 1) -> list[Job]:
    """Jobs with their folders below ``out``, ready to be submitted."""
    registry = plugins.load().registry
    request = PlanRequest(
        losses=(),
        architectures=tuple(parse_axis("architecture", ["mlp[hidden=8,layers=1]"], registry)),
        datasets=tuple(parse_axis("dataset", ["ring"], registry)),
        baselines=True,
        num_samples=500,
        data_root="data",
    )
    (cell,) = [one for one in answer(request).planned if one.spec.baseline == "untrained"]
    jobs = []
    for seed in range(number):
        spec = cell.spec.model_copy(update={"seed": seed})
        folder = TrialFolder(out / spec.trial_id)
        folder.path.mkdir()
        folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()))
        folder.write_status("pending")
        jobs.append(Job(spec.trial_id, folder.path))
    return jobs


def contract(subject: Subject) -> None:
    """It is an executor, and implements all of it."""
    if not (isinstance(subject.cls, type) and issubclass(subject.cls, Executor)):
        raise Flaw("it is no subclass of ganbench.executors.Executor; `--executor` would fail")
    missing = [name for name in ("submit", "states", "cancel") if getattr(subject.cls, name) is getattr(Executor, name)]
    if missing:
        raise Flaw(f"it does not implement {' and '.join(missing)}; a run would stop with NotImplementedError")


def idle(subject: Subject) -> None:
    """Without jobs it knows of none; unknown ones can be cancelled, and it can be closed twice."""
    with opened(subject) as (executor, _):
        if executor.states():
            raise Flaw("states() knows of jobs before any was submitted; a run would take them for its own")
        executor.cancel(["no-such-trial"], hard=False)
        if executor.why("no-such-trial") not in ("", None):
            raise Flaw("why() tells of a job that never was")


def runs(subject: Subject) -> str:
    """A trial is run to its end, and its state is told on the way."""
    with opened(subject) as (executor, out):
        (job,) = jobs = trials(out)
        executor.submit(jobs)
        began = time.monotonic()
        seen: list[JobState] = []
        while time.monotonic() - began < PATIENCE:
            state = executor.states(timeout=0.2).get(job.trial_id, JobState.UNKNOWN)
            if not seen or state is not seen[-1]:
                seen.append(state)
            if state in (JobState.ENDED, JobState.LOST):
                break
        shown = ", ".join(state.value for state in seen)
        status = TrialFolder(job.folder).read_status()
        if seen[-1] is not JobState.ENDED:
            raise Flaw(f"after {PATIENCE:.0f} s the trial's state is {shown}, not ended; a run would wait for ever")
        if status["status"] != "done":
            why = status["reason"] or executor.why(job.trial_id) or "why() says nothing"
            raise Flaw(
                f"the trial is said to have ended, and its status is {status['status']} ({why}); every row of a table "
                "would be a failure"
            )
    return f"{shown} in {time.monotonic() - began:.1f} s"


def cancels(subject: Subject) -> None:
    """What waits is forgotten when it is cancelled, and what runs is ended."""
    with opened(subject) as (executor, out):
        jobs = trials(out, 3)
        executor.submit(jobs)
        executor.states(timeout=0.1)
        executor.cancel([job.trial_id for job in jobs], hard=True)
        began = time.monotonic()
        while time.monotonic() - began < 30:
            states = executor.states(timeout=0.2)
            if not any(state in (JobState.PENDING, JobState.RUNNING) for state in states.values()):
                return
        raise Flaw("30 s after jobs were cancelled at once some still wait or run; a second Ctrl-C would not end a run")


CHECKS = (contract, idle, runs, cancels)
