"""Trials as tasks on an existing Ray cluster (``pip install 'ganbench[ray]'``).

A task runs a part of a grid as every other node does (:mod:`ganbench.executors.node`); Ray only chooses where, and
starts a task again whose worker or machine died. What it returns says nothing: how a trial ended stands in its folder.
"""

import math
import secrets
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError, UsageError
from ganbench.executors import Executor, Job, JobState, Layout, Settings, Wish, node
from ganbench.executors import ray_site as site
from ganbench.executors.options import check_names, number
from ganbench.provenance.fingerprint import fingerprint
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import STOP, UNDER_WAY, ask_to_stop

SILENCE_SECONDS = 30.0
"""How long the head may be away. A minute without it ends this process: Ray does, in words of its own."""


class Ray(Executor):
    """Submits tasks to the cluster at ``address``: one per trial, or per ``pack`` of trials, one by one on each GPU."""

    options = {
        "address": "the cluster's address, HOST:6379; by default auto, which works on its nodes",
        "cpus": "processors per task; by default 1",
        "gpus": "GPUs per task; a fraction lets trials share one; by default 0, or 1 with --device cuda",
        "memory": "MiB per task, for placement alone; by default none",
        "pack": "trials in one task, which run one after another, on several GPUs as many at once; by default 1",
        "attempts": "how often to start a trial that was killed or lost; by default 3",
        "deadline": "how long a trial may wait before it is given up: 12h, 1-00:00:00; by default for ever",
    }
    batches = False  # a node counts the starts of the trials it was handed, and tries those again that were lost

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        options = settings.options
        self._terms = site.terms(options, settings.device)
        self._expected = fingerprint()
        self._waiting: list[Job] = []
        self._jobs: dict[str, tuple[Job, Any]] = {}
        self._ended: dict[str, str] = {}
        self._ray = site.connect(options.get("address", "auto"), self._terms.attempts)
        head = str(self._ray.get_runtime_context().gcs_address)
        # Through Ray's own proxy (ray://) the head may be out of reach from here, and is there all the same.
        self._head = "" if site.refusal(head) else head
        self._next_knock = 0.0
        self._silent_since: float | None = None
        try:
            site.check_that_it_fits(self._ray, self._terms.resources)
            site.check_the_nodes(self._ray, self._expected)
        except BaseException:
            self._ray.shutdown()
            raise
        # A worker keeps its devices until it exits, so each runs one task only.
        self._run_part = self._ray.remote(
            max_calls=1, max_retries=self._terms.attempts - 1, retry_exceptions=False, **self._terms.resources
        )(node.run_part)

    @classmethod
    def layout(cls, wish: Wish) -> Layout:
        """GPU trials where ``gpus`` is more than 0, CPU trials elsewhere.

        Raises:
            UsageError: an option or a value that needs no cluster to be refused.
        """
        check_names("ray", wish.options, cls.options)
        if wish.devices or wish.per_device:
            option = "--devices" if wish.devices else "--per-device"
            raise UsageError(
                f"{option} is for this machine, but Ray assigns devices itself; use --ray gpus=1, or gpus=0.5 "
                "for two trials on each"
            )
        if wish.device not in ("auto", "cpu", "cuda"):
            raise UsageError(f"--device {wish.device} is for this machine; with Ray use --device cuda")
        gpus = number(wish.options, "gpus", 1.0 if wish.device == "cuda" else 0.0)
        if gpus > 1 and not gpus.is_integer():
            raise UsageError(f"option gpus={gpus:g} must be a fraction of one GPU, or a whole number")
        if wish.device == "cuda" and not gpus:
            raise UsageError("--device cuda needs --ray gpus=1 or a fraction such as gpus=0.5")
        device = "cuda" if gpus and wish.device != "cpu" else "cpu"
        terms = site.terms(wish.options, device)
        threads = max(1, int(terms.resources["num_cpus"]) // _at_once(terms, device))
        return Layout(device=device, slots=wish.jobs, threads=threads, shared=device == "cuda" and gpus < 1)

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
        """Ask Ray which tasks are over, and the folders of the others whether they have begun.

        Raises:
            GanbenchError: the cluster's head has been away for :data:`SILENCE_SECONDS`.
        """
        self._check_that_it_is_there()
        running = list({reference for _, reference in self._jobs.values()})
        if running:
            over, _ = self._ray.wait(running, num_returns=1, timeout=timeout)
            if over:
                over, _ = self._ray.wait(running, num_returns=len(running), timeout=0)
            self._take_ends(over)
        self._fill()
        states = {job.trial_id: JobState.PENDING for job in self._waiting}
        for trial_id, (job, _) in self._jobs.items():
            status = TrialFolder(job.folder).read_status()["status"]
            if status not in UNDER_WAY and self._terms.pack > 1:  # others of its task go on
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
        # A task goes on for its other trials, and where it has begun, until it has written a checkpoint.
        kept = {reference for trial_id, (_, reference) in self._jobs.items() if trial_id not in chosen}
        if not hard:
            kept |= {
                reference
                for job, reference in ending.values()
                if TrialFolder(job.folder).read_status()["status"] == "running"
            }
        for trial_id, (_, reference) in ending.items():
            if reference not in kept:
                self._ray.cancel(reference, force=True)
                del self._jobs[trial_id]

    def why(self, trial_id: str) -> str:
        """How its task ended, where the folder does not say."""
        return self._ended.get(trial_id, "")

    def close(self) -> None:
        """Disconnect; what still runs ends with its driver."""
        self._ray.shutdown()

    def _fill(self) -> None:
        at_once = _at_once(self._terms, self.settings.device)
        most = max(1, self.settings.slots // at_once) if self.settings.slots else math.inf
        room = most - len({reference for _, reference in self._jobs.values()})
        while self._waiting and room > 0:
            room -= 1
            jobs, self._waiting = self._waiting[: self._terms.pack], self._waiting[self._terms.pack :]
            task = node.Task(
                executor="ray",
                submission=secrets.token_hex(6),
                packs=(tuple(str(job.folder.absolute()) for job in jobs),),
                folder=str(Path.cwd()),
                device=self.settings.device,
                threads=self.settings.threads,
                timeout=self.settings.timeout,
                memory_limit=self.settings.memory_limit,
                attempts=self._terms.attempts,
                deadline=time.time() + self._terms.deadline if math.isfinite(self._terms.deadline) else None,
                expected=self._expected,
            )
            more = f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""
            named = self._run_part.options(name=f"ganbench {jobs[0].trial_id}{more}")
            reference = named.remote(task.model_dump(mode="json"), 0, "ray")
            self._jobs |= {job.trial_id: (job, reference) for job in jobs}

    def _take_ends(self, over: Iterable[Any]) -> None:
        whys = {reference: self._how_it_ended(reference) for reference in over}
        for trial_id, (job, reference) in list(self._jobs.items()):
            if reference in whys:
                del self._jobs[trial_id]
                if TrialFolder(job.folder).read_status()["status"] not in UNDER_WAY:
                    (job.folder / STOP).unlink(missing_ok=True)
                self._ended[trial_id] = whys[reference]

    def _how_it_ended(self, reference: Any) -> str:
        try:
            self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            said = lines[-1] if lines else "no message"
            return f"{type(error).__name__} after {self._terms.attempts} attempts: {said}"
        return "its task ended without a result"

    def _check_that_it_is_there(self) -> None:
        now = time.monotonic()
        if now < self._next_knock:
            return
        self._next_knock = now + site.KNOCK_SECONDS
        if not site.refusal(self._head):
            self._silent_since = None
            return
        self._silent_since = self._silent_since or now
        if now - self._silent_since > SILENCE_SECONDS:
            raise GanbenchError(
                f"the Ray cluster at {self._head} is gone, and so are its tasks; start it and run again: trials "
                "resume from their checkpoints"
            )


def _at_once(terms: site.Terms, device: str) -> int:
    """How many trials a task runs at once: one on each of its GPUs, and the others of its pack after these."""
    return min(terms.pack, max(1, int(terms.resources["num_gpus"]))) if device == "cuda" else 1
