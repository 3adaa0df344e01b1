"""A grid of a few trials that is run on an executor of the test's own, and a display that notes what it is told."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from ganbench import plugins
from ganbench.display import Display, make_display
from ganbench.executors import Executor, Job, JobState, Settings
from ganbench.plan import PlanRequest
from ganbench.planning.request import RunRequest
from ganbench.records.folder import TrialFolder
from ganbench.running import runner
from ganbench.running.outcome import Outcome
from ganbench.spec import Execution, TrialFile, TrialSpec

ENDED = ("done", "failed", "out-of-memory")


class Run:
    """A grid of a few trials on an executor of the test's own."""

    def __init__(self, out: Path, trials: list[TrialFile], monkeypatch: pytest.MonkeyPatch) -> None:
        self.out = out
        self.trials = trials
        self.names = [trial.trial_id for trial in trials]
        self._monkeypatch = monkeypatch

    def folder(self, place: int) -> TrialFolder:
        return TrialFolder(self.out / self.names[place])

    def on(
        self,
        site: type[Executor],
        display: Display | None = None,
        loaded: plugins.Plugins | None = None,
        **request: Any,
    ) -> Outcome:
        """Run it to its end."""
        self._monkeypatch.setattr(runner, "executor_class", lambda *_: site)
        self._monkeypatch.setattr(runner, "plan_trials", lambda *_: self.trials)
        self._monkeypatch.setattr(runner, "REMOTE_POLL_SECONDS", 0.01)
        given: dict[str, Any] = {
            "plan": PlanRequest(losses=(), architectures=(), datasets=()),
            "seeds": tuple(range(len(self.trials))),
            "out": self.out,
            "device": "cpu",
            "executor": "site",
        }
        display = make_display(quiet=True) if display is None else display
        return runner.run_grid(RunRequest(**given | request), plugins.load([]) if loaded is None else loaded, display)


def three_seeds(out: Path, trial_spec: Callable[..., TrialSpec], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A grid of one cell and three seeds."""
    specs = [trial_spec(seed=seed) for seed in range(3)]
    trials = [TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()) for spec in specs]
    return Run(out, trials, monkeypatch)


class Site(Executor):
    """Its jobs go on until a test writes how they end."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.jobs: dict[str, Job] = {}

    def submit(self, jobs: Iterable[Job]) -> None:
        self.jobs |= {job.trial_id: job for job in jobs}

    def states(self, timeout: float = 0.0) -> dict[str, JobState]:
        over = {name for name, job in self.jobs.items() if TrialFolder(job.folder).read_status()["status"] in ENDED}
        return {name: JobState.ENDED if name in over else JobState.RUNNING for name in self.jobs}

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        for trial_id in trial_ids:
            self.jobs.pop(trial_id, None)


class Ending(Site):
    """Its jobs have ended at the first look, each as its name says in ``ends``, else failed."""

    ends: "dict[str, tuple[str, str]]" = {}

    def states(self, timeout: float = 0.0) -> dict[str, JobState]:
        for name, job in self.jobs.items():
            TrialFolder(job.folder).write_status(*self.ends.get(name, ("failed", "of itself")))
        return dict.fromkeys(self.jobs, JobState.ENDED)


class Noting:
    """A display that notes what it is told, and counts its ticks."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.ticks = 0

    def planning(self) -> None:
        self.told.append(("planning",))

    def planned(self, total: int, cached: int, elsewhere: int) -> None:
        self.told.append(("planned", total, cached, elsewhere))

    def started(self, folder: TrialFolder, label: str, steps: int) -> None:
        self.told.append(("started", folder.trial_id, label, steps))

    def tick(self) -> None:
        self.ticks += 1

    def finished(self, folder: TrialFolder, label: str, status: str, reason: str) -> None:
        self.told.append(("finished", folder.trial_id, label, status, reason))

    def note(self, line: str) -> None:
        self.told.append(("note", line))

    def close(self) -> None:
        """Note nothing."""

    @property
    def notes(self) -> list[str]:
        return [told[1] for told in self.told if told[0] == "note"]
