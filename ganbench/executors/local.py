"""Trials as processes on this machine, forked from a server that has torch imported."""

import contextlib
import math
import os
import signal
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ganbench.executors import Executor, Job, JobState, Settings
from ganbench.executors.sharing import Sharing
from ganbench.processes.server import CannotStart, Server, ServerDied
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import STOPPED

GRACE_SECONDS = 30.0
"""Between asking a trial to stop, upon which it finishes its step and writes a checkpoint, and ending it."""
TIMEOUT_GRACE_SECONDS = 10.0
"""The same where its time is up: one that hangs will not answer."""
STARTS = 3
"""How often a trial is started that was lost with the server that started it, through no fault of its own."""
UNBEGUN = "interrupted: stopped before its first step; run again to resume"
"""For one that was asked to end before it could listen; what others say themselves goes before it."""
IGNORED = "it did not stop when asked and was killed"
UNHEEDED = f"interrupted: {IGNORED}; run again to resume"


@dataclass
class _Running:
    """A trial while it runs.

    Attributes:
        job: the trial.
        device: what it leases; empty without leases.
        began: when it was started, by the monotonic clock.
        reason: why it was asked to end; empty where it was not.
        kill_at: when it is ended if it has not done so by then; ``None`` where it was not asked, infinity where it has
            been ended.
    """

    job: Job
    device: str
    began: float
    reason: str = ""
    kill_at: float | None = None


class Local(Executor):
    """Runs up to ``slots`` trials at once, each in a process group of its own, each with the lease of a device.

    A lease is what ``CUDA_VISIBLE_DEVICES`` says in the trial's process, set before anything in it asks for a device;
    so a trial cannot see what it was not given.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._server: Server | None = None
        self._waiting: list[Job] = []
        self._running: dict[str, _Running] = {}
        self._ended: dict[str, str] = {}  # and how
        self._starts: Counter[str] = Counter()
        self._sharing = Sharing(settings.per_device) if settings.adaptive else None

    def submit(self, jobs: Iterable[Job]) -> None:
        """Queue jobs, the heaviest first: a long trial that starts last would keep the others waiting."""
        for job in jobs:
            self._ended.pop(job.trial_id, None)
            self._waiting.append(job)
        self._waiting.sort(key=lambda job: -job.weight)
        self._fill()

    def states(self, timeout: float = 0.0) -> Mapping[str, JobState]:
        """Collect what has ended, enforce time limits, start what there is room for."""
        try:
            if self._running:
                self._take(timeout)
            self._enforce()
        except ServerDied as died:
            self._start_anew(died)
        self._fill()
        states = {job.trial_id: JobState.PENDING for job in self._waiting}
        states |= dict.fromkeys(self._running, JobState.RUNNING)
        return states | dict.fromkeys(self._ended, JobState.ENDED)

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        """Forget what waits; signal what runs."""
        chosen = set(trial_ids)
        self._waiting = [job for job in self._waiting if job.trial_id not in chosen]
        for trial_id in chosen & self._running.keys():
            running = self._running[trial_id]
            if running.reason in ("", UNBEGUN):
                running.reason = f"interrupted: {STOPPED}" if hard else UNBEGUN
            if hard:
                self._end(trial_id, hard=True)
            elif running.kill_at is None:
                self._end(trial_id, hard=False)
                running.kill_at = time.monotonic() + GRACE_SECONDS

    def why(self, trial_id: str) -> str:
        """How its process ended."""
        return self._ended.get(trial_id, "")

    def close(self) -> None:
        """End all jobs; the server belongs to the caller."""
        self.cancel([job.trial_id for job in self._waiting] + list(self._running), hard=True)

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self.settings.slots:
            job, device = self._waiting[0], ""
            environment = dict(self.settings.environment)
            if self.settings.devices:
                found = self._fitting()
                if found is None:
                    return
                job, device = found
                environment["CUDA_VISIBLE_DEVICES"] = device
                if "CUDA_VISIBLE_DEVICES" not in os.environ:
                    # Indices are those of nvidia-smi, and CUDA itself would count the fastest device first.
                    environment.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
            self._starts[job.trial_id] += 1
            try:
                self._own_server().start(
                    job.trial_id,
                    "trial",
                    [str(job.folder / "spec.json"), str(job.folder)],
                    job.folder / "worker.log",
                    environment=environment,
                    memory_limit=self.settings.memory_limit,
                )
            except ServerDied as died:
                self._start_anew(died)
                # A server that dies before it has started anything will not do better the next time.
                if self._starts[job.trial_id] >= STARTS:
                    raise
                continue
            self._waiting.remove(job)
            self._running[job.trial_id] = _Running(job, device, time.monotonic())

    def _own_server(self) -> Server:
        """The server that runs this executor's trials: the same one until it has died and nothing of it is left."""
        if self._server is None:
            self._server = self.settings.server()
        return self._server

    def _take(self, timeout: float) -> None:
        for message in self._own_server().receive(timeout):
            self._take_exit(message)

    def _start_anew(self, died: ServerDied) -> None:
        """The server has died, and what it had started with it: take that up from its checkpoints.

        Where no server can start, nothing is taken up, and what waits has ended, too.
        """
        deadline = time.monotonic() + GRACE_SECONDS
        with contextlib.suppress(ServerDied):
            # Its channel closes when the last of its processes is gone; until then trials may still be written to.
            while self._server is not None and time.monotonic() < deadline:
                self._take(1.0)
        self._server = None
        if isinstance(died, CannotStart):
            self._ended |= dict.fromkeys([*self._running, *(job.trial_id for job in self._waiting)], str(died))
            self._running, self._waiting = {}, []
            return
        lost, self._running = self._running, {}
        for trial_id, running in lost.items():
            # It may have come to its end, and only the news were lost.
            over = TrialFolder(running.job.folder).read_status()["status"] not in ("pending", "running")
            if over or running.reason:
                self._ended[trial_id] = running.reason
            elif self._starts[trial_id] >= STARTS:
                self._ended[trial_id] = f"the process that starts trials died {STARTS} times while this one ran"
            else:
                self._waiting.insert(0, running.job)

    def _fitting(self) -> tuple[Job, str] | None:
        """The job to start now, and the device with the fewest trials that takes it; ``None`` where all are full."""
        used = Counter(running.device for running in self._running.values())
        for device in sorted(self.settings.devices, key=lambda each: used[each]):
            if used[device] >= self.settings.per_device:
                break
            job: Job | None = self._waiting[0]
            if self._sharing is not None:
                job = self._sharing.next(device, self._running_on(device), self._waiting)
            if job is not None:
                return job, device
        return None

    def _running_on(self, device: str) -> list[Job]:
        return [running.job for running in self._running.values() if running.device == device]

    def _take_exit(self, message: Mapping[str, Any]) -> None:
        ended = self._running.pop(message["id"], None)
        if ended is None:
            return  # its supervisor was killed just after it had told
        if self._sharing is not None and TrialFolder(ended.job.folder).read_status()["status"] == "out-of-memory":
            self._sharing.ran_out(ended.job, 1 + len(self._running_on(ended.device)))
        self._ended[ended.job.trial_id] = _ending(message, ended.reason)

    def _enforce(self) -> None:
        now = time.monotonic()
        limit = self.settings.timeout
        for trial_id, running in self._running.items():
            if running.kill_at is None:
                if limit is not None and now - running.began > limit:
                    running.reason = f"timeout: not done within {limit:g} s (--timeout)"
                    self._end(trial_id, hard=False)
                    running.kill_at = now + TIMEOUT_GRACE_SECONDS
            elif now > running.kill_at:
                running.kill_at = math.inf
                # It may have begun all the same, and goes on from its checkpoint.
                running.reason = UNHEEDED if running.reason == UNBEGUN else f"{running.reason}; {IGNORED}"
                self._end(trial_id, hard=True)

    def _end(self, trial_id: str, *, hard: bool) -> None:
        # A server that has died takes what it started with it, and states() finds that out.
        with contextlib.suppress(ServerDied):
            self._own_server().end(trial_id, hard=hard)


def _ending(message: Mapping[str, Any], asked: str) -> str:
    """How a process ended, from the supervisor's message; ``asked`` is why it was told to, empty where it was not."""
    if message["why"]:
        ending = str(message["why"])
    elif asked:
        ending = asked
    elif message["code"] < 0:
        ending = f"killed by {_signal_name(-message['code'])}"
    else:
        ending = f"ended with exit code {message['code']} before it was done"
    left = message["left"]
    if left and not asked:
        ending += (
            f"; {left} process{'es that it left behind were' if left > 1 else ' that it left behind was'} ended too"
        )
    if message["last_line"]:
        ending += f"; its last line of output: {message['last_line']}"
    return ending


def _signal_name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"
