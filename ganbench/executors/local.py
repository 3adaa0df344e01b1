"""Trials as processes on this machine, forked from a server that has torch imported."""

import signal
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ganbench.executors import Executor, Job, JobState, Settings

GRACE_SECONDS = 30.0
"""Between asking a trial to stop, upon which it finishes its step and writes a checkpoint, and ending it."""


class Local(Executor):
    """Runs up to ``slots`` trials at once, each in a process group of its own."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._waiting: list[Job] = []
        self._started: dict[str, float] = {}
        self._kill_at: dict[str, float] = {}
        self._ended: dict[str, str] = {}

    def submit(self, jobs: Iterable[Job]) -> None:
        """Queue jobs, the heaviest first: a long trial that starts last would keep the others waiting."""
        self._waiting.extend(jobs)
        self._waiting.sort(key=lambda job: -job.weight)
        self._fill()

    def states(self, timeout: float = 0.0) -> Mapping[str, JobState]:
        """Collect what has ended, enforce time limits, start what there is room for."""
        for message in self.settings.server().receive(timeout) if self._started else []:
            if message["event"] == "exit":
                self._take_exit(message)
        self._enforce()
        self._fill()
        states = {job.trial_id: JobState.PENDING for job in self._waiting}
        states |= dict.fromkeys(self._started, JobState.RUNNING)
        return states | dict.fromkeys(self._ended, JobState.ENDED)

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        """Forget what waits; signal what runs."""
        chosen = set(trial_ids)
        self._waiting = [job for job in self._waiting if job.trial_id not in chosen]
        for trial_id in chosen & set(self._started):
            self._signal(trial_id, signal.SIGKILL if hard else signal.SIGTERM)
            if not hard:
                self._kill_at.setdefault(trial_id, time.monotonic() + GRACE_SECONDS)

    def why(self, trial_id: str) -> str:
        """How its process ended."""
        return self._ended.get(trial_id, "")

    def close(self) -> None:
        """End all jobs; the server belongs to the caller."""
        self.cancel([job.trial_id for job in self._waiting] + list(self._started), hard=True)

    def _fill(self) -> None:
        while self._waiting and len(self._started) < self.settings.slots:
            job = self._waiting.pop(0)
            self.settings.server().send(
                {
                    "op": "start",
                    "id": job.trial_id,
                    "task": "trial",
                    "arguments": [str(job.folder / "spec.json"), str(job.folder)],
                    "log": str(job.folder / "worker.log"),
                    "environment": {},
                }
            )
            self._started[job.trial_id] = time.monotonic()
            self._ended.pop(job.trial_id, None)

    def _take_exit(self, message: Mapping[str, Any]) -> None:
        trial_id = message["id"]
        began = self._started.pop(trial_id, None)
        if began is None:
            return
        self._kill_at.pop(trial_id, None)
        if trial_id not in self._ended:
            number = message["signal"]
            self._ended[trial_id] = f"killed by {_signal_name(number)}" if number else f"exit code {message['code']}"

    def _enforce(self) -> None:
        now = time.monotonic()
        for trial_id, began in list(self._started.items()):
            if (
                self.settings.timeout is not None
                and now - began > self.settings.timeout
                and trial_id not in self._ended
            ):
                self._ended[trial_id] = "timeout"
                self._signal(trial_id, signal.SIGKILL)
            elif now > self._kill_at.get(trial_id, float("inf")):
                self._signal(trial_id, signal.SIGKILL)

    def _signal(self, trial_id: str, number: signal.Signals) -> None:
        self.settings.server().send({"op": "kill", "id": trial_id, "signal": int(number)})


def _signal_name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"
