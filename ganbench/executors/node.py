"""A part of a grid on a machine of a cluster: ``python -m ganbench.executors.node TASK INDEX``.

The task file says which trials, and what else there is to know. Here, on the node, the same executor runs them as
without a cluster, on the devices that the cluster gave; so time limits, reasons of failures and the ends of processes
are the same everywhere. What a node adds: it runs nothing where its code is not the host's; it trains nothing that
has ended, or that another attempt still works on; it tries a trial again that was killed, up to a limit; and it looks
for the file ``.stop`` beside each trial, which is how a host far away asks it to write a checkpoint and end.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ganbench.errors import GanbenchError, StoreError
from ganbench.executors import Job, JobState, Settings
from ganbench.executors.local import Local
from ganbench.files import read_json, read_lines
from ganbench.processes.server import Server, shared_server
from ganbench.provenance.fingerprint import Fingerprint, fingerprint
from ganbench.records.folder import NOT_STARTED, TrialFolder
from ganbench.spec import Frozen
from ganbench.store.handed import UNDER_WAY, asked_to_stop
from ganbench.store.leases import Leases
from ganbench.store.settling import End, settle

POLL_SECONDS = 0.3
WAIT_SECONDS = 600.0
"""How long a second attempt waits for the first to end, which the cluster may have taken for dead too early."""
LEASE = ".node"
"""The folder in a trial's folder whose lease is that of whoever trains it; the trial's own is the host's."""


class Task(Frozen):
    """What a node is told.

    Attributes:
        executor: who handed it over: ``slurm``, ``ray``.
        submission: the name of the submission.
        packs: folders of trials, by the index of the part.
        folder: where paths that are not absolute start.
        device, threads, per_device: as in :class:`ganbench.executors.Layout`.
        timeout, memory_limit: as in :class:`ganbench.executors.Settings`.
        attempts: how often a trial may start within this submission.
        deadline: seconds since 1970 after which nothing starts any more.
        expected: the fingerprint of the host.
    """

    executor: str
    submission: str
    packs: tuple[tuple[str, ...], ...]
    folder: str
    device: str
    threads: int
    per_device: int = 1
    timeout: float | None = None
    memory_limit: int | None = None
    attempts: int = 1
    deadline: float | None = None
    expected: Fingerprint


class Node:
    """One part of a task while it runs."""

    def __init__(self, task: Task, index: int, name: str) -> None:
        self._task = task
        self._name = name
        self._folders = [TrialFolder(Path(task.folder, path)) for path in task.packs[index]]
        self._tries: dict[str, int] = {}
        self._stopping = False

    @cached_property
    def _differences(self) -> list[str]:
        return self._task.expected.differences(fingerprint())

    def stop(self) -> None:
        """Ask all trials to write a checkpoint and end."""
        self._stopping = True

    def run(self) -> None:
        """Run what has not ended, to its end."""
        with self._alone() as folders:
            folders = [folder for folder in folders if self._may_start(folder)]
            if not folders:
                return
            with (
                shared_server(self._task.device, self._task.threads) as server,
                closing(Local(self._settings(server))) as local,
            ):
                self._train(folders, local)

    def _settings(self, server: Callable[[], Server]) -> Settings:
        devices = given_devices() if self._task.device != "cpu" else ()
        return Settings(
            slots=max(1, len(devices)) * self._task.per_device,
            timeout=self._task.timeout,
            memory_limit=self._task.memory_limit,
            server=server,
            devices=devices,
            per_device=self._task.per_device,
            environment={"GANBENCH_TASK": self._name, "GANBENCH_SUBMISSION": self._task.submission},
        )

    def _train(self, folders: Sequence[TrialFolder], local: Local) -> None:
        working = {folder.trial_id: folder for folder in folders}
        self._submit(local, folders)
        asked: set[str] = set()
        while working:
            stopping = {one for one, folder in working.items() if self._stopping or asked_to_stop(folder.path)} - asked
            if stopping:
                asked |= stopping
                local.cancel(stopping, hard=False)
            states = local.states(timeout=POLL_SECONDS)
            for trial_id in stopping - set(states):  # had not started
                _write_status(working.pop(trial_id), "interrupted", NOT_STARTED)
            if not states:
                time.sleep(POLL_SECONDS if working else 0)
            for trial_id, folder in list(working.items()):
                if states.get(trial_id) is not JobState.ENDED:
                    continue
                why = local.why(trial_id)
                tries = self._tries[trial_id]
                may_go_on = trial_id not in asked and tries < self._task.attempts and not self._is_late
                if may_go_on and self._was_killed(folder, why):
                    _write_status(folder, "pending", f"{why}; tried again")
                    self._submit(local, [folder])
                else:
                    settle(folder, f"{why} ({tries} attempts)" if tries > 1 else why)
                    del working[trial_id]

    def _submit(self, local: Local, folders: Sequence[TrialFolder]) -> None:
        for folder in folders:
            self._tries[folder.trial_id] = self._tries.get(folder.trial_id, self._started(folder)) + 1
        # Heavy ones first is the host's order, in which they were handed over.
        local.submit(Job(folder.trial_id, folder.path, -float(i)) for i, folder in enumerate(folders))

    @property
    def _is_late(self) -> bool:
        return self._task.deadline is not None and time.time() > self._task.deadline

    def _may_start(self, folder: TrialFolder) -> bool:
        """Whether a trial is to be trained here and now; one that never will be is told so in its folder."""
        status = folder.read_status()["status"]
        if status not in UNDER_WAY:
            return False
        if (end := self._end_without_start(folder, status)) is None:
            return True
        _write_status(folder, end.status, end.reason)
        return False

    def _end_without_start(self, folder: TrialFolder, status: str) -> End | None:
        """How a trial ends that is not to be trained here; ``None`` for one that is."""
        if asked_to_stop(folder.path):
            return End("interrupted", NOT_STARTED)
        if self._is_late:
            return End("timeout", "its deadline passed before it started")
        if self._differences:
            more = f"; and {len(self._differences) - 1} more" if len(self._differences) > 1 else ""
            return End("failed", f"{self._differences[0]}{more}; install the same version there")
        started = self._started(folder)
        # One that was asked to stop, by preemption or the end of its time, has lost nothing: only losses count.
        if status != "interrupted" and started >= self._task.attempts:
            return End("failed", f"its process or machine was lost {started} times; it is not tried again")
        return None

    def _started(self, folder: TrialFolder) -> int:
        """How often a trial was started within this submission."""
        return sum(line.get("submission") == self._task.submission for line in read_lines(folder.starts))

    @staticmethod
    def _was_killed(folder: TrialFolder, why: str) -> bool:
        return why.startswith("killed by") and folder.read_status()["status"] in ("pending", "running")

    @contextmanager
    def _alone(self) -> Iterator[list[TrialFolder]]:
        """Wait until no other attempt works on these trials any more, and keep others from starting one."""
        leases = Leases()
        deadline = time.monotonic() + WAIT_SECONDS
        mine = []
        try:
            for folder in self._folders:
                (folder.path / LEASE).mkdir(exist_ok=True)
                while not (taken := leases.take(folder.path / LEASE)) and time.monotonic() < deadline:
                    time.sleep(1.0)
                if taken:
                    mine.append(folder)
                else:
                    print(f"{folder.trial_id}: an earlier attempt is still working on it", file=sys.stderr)
            yield mine
        finally:
            leases.release_all()


def _write_status(folder: TrialFolder, status: str, reason: str) -> None:
    """Write a trial's status; where that cannot be, the node's log has it, and its other trials go on."""
    try:
        folder.write_status(status, reason)
    except StoreError as problem:
        print(f"{folder.trial_id}: {status}: {reason} ({problem})", file=sys.stderr)


def given_devices() -> tuple[str, ...]:
    """The devices that the cluster gave to this process; none where it says nothing."""
    return tuple(part.strip() for part in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if part.strip())


def read_task(path: Path) -> Task:
    """Read a task file.

    Raises:
        StoreError: it is missing or damaged.
    """
    try:
        return Task.model_validate(read_json(path))
    except ValidationError as error:
        raise StoreError(f"{path} is not a valid task: {error.errors()[0]['msg']}") from error


def run_part(content: Mapping[str, Any], index: int, name: str) -> None:
    """Run one part of a task in this process; what a Ray worker is asked to do."""
    task = Task.model_validate(content)
    os.chdir(task.folder)
    Node(task, index, name).run()


def probe() -> dict[str, Any]:
    """This machine's fingerprint, for a host that asks before it submits anything."""
    return fingerprint().model_dump(mode="json")


def main(arguments: list[str] | None = None) -> int:
    """Run the part of the task file that is named; exit code 0 once every trial's folder says how it ended."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 2 or not arguments[1].isdigit():
        print("usage: python -m ganbench.executors.node TASK INDEX", file=sys.stderr)
        return 2
    try:
        task = read_task(Path(arguments[0]))
        os.chdir(task.folder)
        node = Node(task, int(arguments[1]), _name(task))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: node.stop())
        node.run()
    except GanbenchError as error:
        print(f"ganbench: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _name(task: Task) -> str:
    """The cluster's own name of this part, as its tools print it."""
    job = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"{task.executor} {job}_{os.environ.get('SLURM_ARRAY_TASK_ID')}" if job else task.executor


if __name__ == "__main__":
    sys.exit(main())
