"""Trials as tasks on an existing Ray cluster (``pip install 'ganbench[ray]'``).

A task runs a part of a grid as every other node does (:mod:`ganbench.node`); Ray only chooses where, and starts a task
again whose worker or machine died. What it returns says nothing: how a trial ended stands in its folder.
"""

import importlib.util
import math
import os
import re
import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ganbench import node
from ganbench.errors import GanbenchError, UsageError
from ganbench.executors import Executor, Job, JobState, Layout, Settings, Wish
from ganbench.executors.handed import STOP, UNDER_WAY, ask_to_stop
from ganbench.executors.options import check_names, count, number, seconds
from ganbench.fingerprint import Fingerprint, fingerprint
from ganbench.folder import TrialFolder

OPTIONS = ("address", "gpus", "cpus", "memory", "pack", "attempts", "deadline")
PROBE_SECONDS = 120.0
KNOCK_SECONDS = 10.0
NOWHERE = "http://127.0.0.1:9"
"""Where Ray's usage reports go: the discard port of this machine."""


class Ray(Executor):
    """Submits tasks to the cluster at ``address``: one per trial, or per ``pack`` of trials that run one by one."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        options = settings.options
        self._pack = count(options, "pack", 1)
        self._attempts = count(options, "attempts", 3)
        self._deadline = seconds(options, "deadline", math.inf)
        self._resources = resources(options, settings.device)
        self._expected = fingerprint()
        self._waiting: list[Job] = []
        self._jobs: dict[str, tuple[Job, Any]] = {}
        self._ended: dict[str, str] = {}
        self._ray = connect(options.get("address", "auto"), self._attempts)
        try:
            self._check_that_it_fits()
            self._check_the_nodes()
        except BaseException:
            self._ray.shutdown()
            raise

    @classmethod
    def layout(cls, wish: Wish) -> Layout:
        """GPU trials where ``gpus`` is more than 0, CPU trials elsewhere."""
        check_names("ray", wish.options, OPTIONS)
        if wish.devices or wish.per_device:
            option = "--devices" if wish.devices else "--per-device"
            raise UsageError(
                f"{option} is about this machine; Ray gives devices out: --ray gpus=1, or gpus=0.5 for two"
            )
        if wish.device not in ("auto", "cpu", "cuda"):
            raise UsageError(f"--device {wish.device} is about this machine; with Ray use --device cuda")
        gpus = number(wish.options, "gpus", 1.0 if wish.device == "cuda" else 0.0)
        if gpus > 1 and not gpus.is_integer():
            raise UsageError(f"option gpus={gpus:g} must be a fraction of one GPU, or a whole number")
        if wish.device == "cuda" and not gpus:
            raise UsageError("--device cuda needs --ray gpus=1 or a fraction")
        device = "cuda" if gpus and wish.device != "cpu" else "cpu"
        processors = number(wish.options, "cpus", 1.0)
        return Layout(
            device=device, slots=wish.jobs, threads=max(1, int(processors)), shared=device == "cuda" and gpus < 1
        )

    def submit(self, jobs: Iterable[Job]) -> None:
        """Queue trials, heavy ones first; the cluster gets them all at once unless ``--jobs`` says how many."""
        for job in jobs:
            (job.folder / STOP).unlink(missing_ok=True)
            self._ended.pop(job.trial_id, None)
            self._jobs.pop(job.trial_id, None)
            self._waiting.append(job)
        self._waiting.sort(key=lambda job: -job.weight)
        self._fill()

    def states(self, timeout: float = 0.0) -> Mapping[str, JobState]:
        """Ask Ray which tasks are over, and the folders of the others whether they have begun."""
        running = list({reference for _, reference in self._jobs.values()})
        if running:
            over, _ = self._ray.wait(running, num_returns=1, timeout=timeout)
            if over:
                over, _ = self._ray.wait(running, num_returns=len(running), timeout=0)
            for reference in over:
                self._take_end(reference)
        self._fill()
        states = {job.trial_id: JobState.PENDING for job in self._waiting}
        for trial_id, (job, _) in self._jobs.items():
            status = TrialFolder(job.folder).read_status()["status"]
            if status not in UNDER_WAY and self._pack > 1:  # others of its task go on
                states[trial_id] = JobState.ENDED
            else:
                states[trial_id] = JobState.RUNNING if status == "running" else JobState.PENDING
        return states | dict.fromkeys(self._ended, JobState.ENDED)

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        """Ask the nodes through the trials' folders, or end the workers; forget what waits."""
        chosen = set(trial_ids)
        self._waiting = [job for job in self._waiting if job.trial_id not in chosen]
        ending = {trial_id: self._jobs[trial_id] for trial_id in chosen & set(self._jobs)}
        for job, _ in ending.values():
            ask_to_stop(job.folder)
        begun = {
            reference
            for job, reference in self._jobs.values()
            if TrialFolder(job.folder).read_status()["status"] == "running"
        }
        wanted = {reference for trial_id, (_, reference) in self._jobs.items() if trial_id not in chosen}
        for trial_id, (_, reference) in ending.items():
            if (hard or reference not in begun) and reference not in wanted:
                self._ray.cancel(reference, force=True)
                del self._jobs[trial_id]

    def why(self, trial_id: str) -> str:
        """How its task ended, where the folder does not say."""
        return self._ended.get(trial_id, "")

    def close(self) -> None:
        """Disconnect; what still runs ends with its driver."""
        self._ray.shutdown()

    def _fill(self) -> None:
        room = self.settings.slots or math.inf
        while self._waiting and len({reference for _, reference in self._jobs.values()}) < room:
            jobs, self._waiting = self._waiting[: self._pack], self._waiting[self._pack :]
            task = node.Task(
                executor="ray",
                submission=secrets.token_hex(6),
                packs=(tuple(str(job.folder.absolute()) for job in jobs),),
                folder=str(Path.cwd()),
                device=self.settings.device,
                threads=self.settings.threads,
                timeout=self.settings.timeout,
                memory_limit=self.settings.memory_limit,
                attempts=self._attempts,
                deadline=time.time() + self._deadline if math.isfinite(self._deadline) else None,
                expected=self._expected,
            )
            # A worker keeps its devices until it exits, so each runs one task only.
            function = self._ray.remote(
                max_calls=1, max_retries=self._attempts - 1, retry_exceptions=False, **self._resources
            )(node.run_part)
            more = f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""
            options = function.options(name=f"ganbench {jobs[0].trial_id}{more}")
            reference = options.remote(task.model_dump(mode="json"), 0, "ray")
            self._jobs |= {job.trial_id: (job, reference) for job in jobs}

    def _take_end(self, reference: Any) -> None:
        why = "its task ended without a result"
        try:
            self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            why = f"{type(error).__name__} after {self._attempts} attempts: {lines[-1] if lines else 'no message'}"
        for trial_id, (job, its_reference) in list(self._jobs.items()):
            if its_reference != reference:
                continue
            del self._jobs[trial_id]
            if TrialFolder(job.folder).read_status()["status"] not in UNDER_WAY:
                (job.folder / STOP).unlink(missing_ok=True)
            self._ended[trial_id] = why

    def _check_that_it_fits(self) -> None:
        """Refuse what no node could ever run: Ray would wait for ever.

        Raises:
            UsageError: says what is asked for and what the largest node has.
        """
        wanted = {"CPU": self._resources["num_cpus"], "GPU": self._resources["num_gpus"]}
        wanted |= {"memory": self._resources["memory"]} if "memory" in self._resources else {}
        alive = [one["Resources"] for one in self._ray.nodes() if one["Alive"]]
        if any(all(one.get(name, 0.0) >= amount for name, amount in wanted.items()) for one in alive):
            return
        asked = ", ".join(f"{amount:g} {name}" for name, amount in wanted.items() if amount)
        offers = "; ".join(sorted({", ".join(f"{one.get(name, 0.0):g} {name}" for name in wanted) for one in alive}))
        raise UsageError(f"no node of the Ray cluster has {asked}; its nodes have: {offers or 'nothing'}; see --ray")

    def _check_the_nodes(self) -> None:
        """Compare every node's packages with this machine's.

        Raises:
            UsageError: they differ; names the package and both versions.
            GanbenchError: a node does not answer.
        """
        strategies = self._ray.util.scheduling_strategies
        probe = self._ray.remote(num_cpus=0, max_retries=0)(node.probe)
        asked = {}
        for one in self._ray.nodes():
            if one["Alive"]:
                there = strategies.NodeAffinitySchedulingStrategy(one["NodeID"], soft=False)
                asked[one["NodeID"]] = (one["NodeManagerAddress"], probe.options(scheduling_strategy=there).remote())
        for address, reference in asked.values():
            try:
                found = Fingerprint.model_validate(self._ray.get(reference, timeout=PROBE_SECONDS))
            except self._ray.exceptions.RayError as error:
                lines = [line.strip() for line in str(error).splitlines() if line.strip()]
                reason = lines[-1] if lines else type(error).__name__
                raise GanbenchError(f"node {address} of the Ray cluster cannot run ganbench: {reason}") from error
            if differences := self._expected.differences(found):
                more = f"; and {len(differences) - 1} more" if len(differences) > 1 else ""
                raise UsageError(f"{differences[0]} ({address}){more}; install the same there")


def resources(options: Mapping[str, str], device: str) -> dict[str, float]:
    """What each task asks of Ray: processors, GPUs (fractions are bookkeeping, no limit), bytes of memory."""
    found: dict[str, float] = {
        "num_cpus": number(options, "cpus", 1.0),
        "num_gpus": number(options, "gpus", 1.0 if device == "cuda" else 0.0),
    }
    if "memory" in options:
        found["memory"] = count(options, "memory", 0) * 2**20
    return found


def _knock(address: str) -> None:
    """Find out at once that nobody listens at ``HOST:PORT``; other forms of addresses are Ray's to resolve.

    Raises:
        UsageError: nobody does.
    """
    form = re.fullmatch(r"\[?([^\[\]/]+)\]?:([0-9]{1,5})", address)
    if form is None:
        return
    try:
        socket.create_connection((form[1], int(form[2])), timeout=KNOCK_SECONDS).close()
    except (OSError, OverflowError, UnicodeError) as error:
        raise _no_cluster(address, str(error)) from error


def _no_cluster(address: str, reason: str) -> UsageError:
    return UsageError(
        f"there is no Ray cluster at {address} ({reason}); start one with ray start, and name it: "
        "--ray address=HOST:6379"
    )


def connect(address: str, attempts: int) -> Any:
    """Connect to a cluster and return the module.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
    """
    if importlib.util.find_spec("ray") is None:
        raise UsageError("Ray is not installed here; pip install 'ganbench[ray]'")
    # Before the import: Ray reads some of them then. Without the last, a task that the machine's memory does not
    # suffice for is retried for ever.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_USAGE_STATS_REPORT_URL", NOWHERE)
    os.environ.setdefault("RAY_task_oom_retries", str(attempts - 1))
    # An address at which nothing answers is tried 20 times for 40 seconds.
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "2")
    _knock(address)
    import ray
    import ray.exceptions
    import ray.util.scheduling_strategies

    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise _no_cluster(address, lines[0] if lines else type(error).__name__) from error
    return ray
