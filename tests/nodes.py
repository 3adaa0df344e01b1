"""A node without its executor: what is in its place, and the trials that are its part."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from ganbench.errors import GanbenchError
from ganbench.executors import Executor, Job, JobState, Settings, node
from ganbench.executors.node import Node, Task
from ganbench.provenance.fingerprint import fingerprint
from ganbench.records.folder import TrialFolder


class Fake(Executor):
    """In the place of the local executor: its jobs end as the test says, attempt by attempt."""

    made: "list[Fake]"
    endings: "list[str | GanbenchError]"
    """How each start ends: what ``why`` says, or what ``states`` raises. A start without one goes on."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.submitted: list[str] = []
        self.weights: list[float] = []
        self.cancelled: list[str] = []
        self.hard: list[bool] = []
        self.closed = False
        self._ended: dict[str, str] = {}
        self.made.append(self)

    def submit(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self.submitted.append(job.trial_id)
            self.weights.append(job.weight)

    def states(self, timeout: float = 0.0) -> Mapping[str, JobState]:
        if self.endings and self.submitted:
            ending = self.endings.pop(0)
            if isinstance(ending, GanbenchError):
                raise ending
            self._ended[self.submitted[-1]] = ending
        return dict.fromkeys(self._ended, JobState.ENDED)

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        self.cancelled += trial_ids
        self.hard.append(hard)

    def why(self, trial_id: str) -> str:
        return self._ended.get(trial_id, "")

    def close(self) -> None:
        self.closed = True


def stand_in(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    """Put :class:`Fake` in the place of the local executor; nodes wait for nothing."""
    monkeypatch.setattr(Fake, "made", [], raising=False)
    monkeypatch.setattr(Fake, "endings", [], raising=False)
    monkeypatch.setattr(node, "Local", Fake)
    monkeypatch.setattr(node, "POLL_SECONDS", 0.0)
    return Fake


def task_of(*folders: TrialFolder, **more: Any) -> Task:
    """A task of two parts; the second has these trials."""
    given: dict[str, Any] = {
        "executor": "slurm", "submission": "x", "folder": str(folders[0].path.parent), "device": "cpu", "threads": 1,
        "packs": (("nowhere",), tuple(str(folder.path) for folder in folders)), "expected": fingerprint(),
    }  # fmt: skip
    return Task(**given | more)


def part(*folders: TrialFolder, **more: Any) -> Node:
    """A node whose part is these trials, which wait."""
    for folder in folders:
        folder.write_status("pending")
    return Node(task_of(*folders, **more), 1, "slurm 1_0")


def started(folder: TrialFolder, *submissions: str) -> None:
    """Note starts of a trial, one in each of these submissions."""
    folder.starts.write_text("".join(json.dumps({"submission": name}) + "\n" for name in submissions))


def said(folder: TrialFolder) -> tuple[str, str]:
    """A trial's status and its reason."""
    status = folder.read_status()
    return status["status"], status["reason"]
