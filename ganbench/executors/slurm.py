"""Trials as arrays of batch jobs: plain ``sbatch``, ``squeue`` and ``scancel``, and the trials' folders.

The queue says only whether a trial is still under way; how it ended stands in its folder. So the controller may be
restarted, the login node may go away, and a later run of the same grid collects what the cluster did meanwhile: a
submission has a name of its own, noted in the trials' folders before it is sent.
"""

import math
import secrets
import shlex
import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganbench.errors import GanbenchError, StoreError, UsageError
from ganbench.executors import Executor, Job, JobState, Layout, Settings, Wish
from ganbench.executors import slurm_site as site
from ganbench.executors.handed import STOP, UNDER_WAY, Handed, ask_to_stop, forget, read_handed
from ganbench.executors.options import count, seconds
from ganbench.files import write_json, write_text
from ganbench.fingerprint import fingerprint
from ganbench.folder import TrialFolder
from ganbench.node import Task

OVER = (JobState.ENDED, JobState.LOST)
SILENCE_SECONDS = 1800.0
"""How long the controller may be away before a run gives up waiting; its jobs go on."""


@dataclass
class _Trial:
    """One trial that is Slurm's for the moment."""

    job: Job
    handed: Handed
    sent: bool = True
    missing_since: float | None = None
    ended_as: str = ""


class Slurm(Executor):
    """Submits trials as arrays, several trials per job where asked, and follows them in the queue."""

    detachable = True

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        options = settings.options
        self._pack = site.pack_size(options, settings.per_device)
        self._attempts = count(options, "attempts", 3)
        self._deadline = seconds(options, "deadline", math.inf)
        self._poll = seconds(options, "poll", 5.0)
        self._grace = seconds(options, "grace", 60.0)
        self._warning = site.warning_seconds(options)
        self._sbatch = {name: value for name, value in options.items() if name in site.SBATCH}
        for program in ("sbatch", "squeue", "scancel"):
            if shutil.which(program) is None:
                raise UsageError(f"there is no {program} here; run where jobs are submitted to Slurm")
        setup = options.get("setup")
        if setup is not None and not Path(setup).is_file():
            raise UsageError(f"option setup={setup}: no such file; the shell reads it before Python starts")
        self._ask_whether_it_can_run()
        self._expected = fingerprint()
        self._trials: dict[str, _Trial] = {}
        self._states: dict[str, JobState] = {}
        self._why: dict[str, str] = {}
        self._next = 0.0
        self._silent_since: float | None = None

    @classmethod
    def layout(cls, wish: Wish) -> Layout:
        """GPU trials where a GPU is asked of Slurm, CPU trials with the job's processors elsewhere."""
        return site.layout(wish)

    def adopt(self, jobs: Iterable[Job]) -> frozenset[str]:
        """Trials that an earlier run left to Slurm; what became of them shows in the queue and in their folders."""
        found = set()
        for job in jobs:
            folder = TrialFolder(job.folder)
            handed = read_handed(folder)
            if handed is None or handed.executor != "slurm":
                continue
            if folder.read_status()["status"] == "interrupted" and not self._is_active(handed):
                continue  # it ended as it was asked to, and goes on anew
            (job.folder / STOP).unlink(missing_ok=True)
            self._trials[job.trial_id] = _Trial(job, handed)
            self._states[job.trial_id] = JobState.PENDING
            found.add(job.trial_id)
        return frozenset(found)

    def submit(self, jobs: Iterable[Job]) -> None:
        """Hand trials over, heavy ones first."""
        fresh = sorted(jobs, key=lambda job: -job.weight)
        for job in fresh:
            (job.folder / STOP).unlink(missing_ok=True)
        self._hand_over(fresh, 1)

    def states(self, timeout: float = 0.0) -> Mapping[str, JobState]:
        """Look at the queue and the folders, every ``poll`` seconds; what was lost is submitted again."""
        now = time.monotonic()
        if now < self._next:
            time.sleep(min(timeout, self._next - now))
            if time.monotonic() < self._next:
                return dict(self._states)
        self._next = time.monotonic() + self._poll
        live = [trial_id for trial_id in self._trials if self._states[trial_id] not in OVER]
        places = self._queue() if live else {}
        again: list[Job] = []
        for trial_id in live:
            self._states[trial_id] = self._look(self._trials[trial_id], places, again)
        self._resubmit(again)
        self._send_again(places)
        return dict(self._states)

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        """Ask the nodes through the trials' folders; take what waits, or everything, out of the queue."""
        chosen = [trial_id for trial_id in trial_ids if trial_id in self._trials]
        for trial_id in chosen:
            ask_to_stop(self._trials[trial_id].job.folder)
        places = self._queue() or {}
        for trial_id in chosen:
            trial = self._trials[trial_id]
            place = places.get((trial.handed.submission, trial.handed.index))
            waits = place is not None and place.state in site.WAITING
            started = not waits and TrialFolder(trial.job.folder).read_status()["status"] == "running"
            if hard and place is not None:
                site.call("scancel", "--full", "--signal=KILL", place.job)
            if place is not None and (hard or (waits and not self._shares(trial_id))):
                site.call("scancel", place.job)
            if hard or not started:
                # The request to stop stays, should it be about to start after all.
                Handed.path(trial.job.folder).unlink(missing_ok=True)
                del self._trials[trial_id], self._states[trial_id]
        self._next = 0.0

    def why(self, trial_id: str) -> str:
        """How its job ended, where the folder does not say."""
        return self._why.get(trial_id, "")

    def detach(self) -> str:
        """Leave all jobs to Slurm.

        Raises:
            GanbenchError: the controller does not take them.
        """
        deadline = time.monotonic() + SILENCE_SECONDS
        while any(not trial.sent for trial in self._trials.values()):
            if time.monotonic() > deadline:
                raise GanbenchError("Slurm's controller does not answer; run again to submit")
            time.sleep(self._poll)
            self._send_again(self._queue())
        names = sorted({f"{site.PREFIX}{trial.handed.submission}" for trial in self._trials.values()})
        many = len(self._trials)
        return (
            f"{many} trial{'s' if many != 1 else ''} left to Slurm (job name{'s' if len(names) > 1 else ''} "
            f"{', '.join(names)}); ganbench status {shlex.quote(str(self.settings.out))} shows them, "
            "the same command collects them"
        )

    def _ask_whether_it_can_run(self) -> None:
        answer = site.call("sbatch", "--test-only", *self._request(), "--wrap=true")
        if answer.returncode != 0 and not site.gave_no_answer(answer.stderr):
            raise UsageError(f"Slurm cannot run this: {site.one_line(answer.stderr)}; see --slurm")

    def _request(self) -> list[str]:
        """What is asked of Slurm for every job, as options of sbatch."""
        return ["--nodes=1", "--ntasks=1", *(f"--{name}={value}" for name, value in self._sbatch.items())]

    def _look(self, trial: _Trial, places: "Mapping[tuple[str, int], site.Place] | None", again: list[Job]) -> JobState:
        """Where a trial stands, by its folder first and the queue second; fill ``again`` with what was lost."""
        folder = TrialFolder(trial.job.folder)
        status = folder.read_status()["status"]
        if status not in UNDER_WAY:
            forget(trial.job.folder)
            return JobState.ENDED
        if not trial.sent:
            return JobState.PENDING
        if places is None:
            return JobState.UNKNOWN
        place = places.get((trial.handed.submission, trial.handed.index))
        if place is not None and place.state in site.ACTIVE:
            trial.missing_since = None
            if place.state in site.WAITING and any(held in place.reason for held in site.HELD):
                reason = f"Slurm holds job {place.job} and will not start it: {place.reason}"
                return self._give_up(trial, "failed", reason, place)
            if place.state in site.WAITING and time.time() - trial.handed.time > self._deadline:
                return self._give_up(trial, "timeout", f"its job did not start within {self._deadline:g} s", place)
            return JobState.RUNNING if status == "running" and place.state not in site.WAITING else JobState.PENDING
        if (trial.job.folder / STOP).exists():
            self._why[trial.job.trial_id] = "interrupted: stopped at once; run again to go on"
            forget(trial.job.folder)
            return JobState.ENDED
        # The job is over and its folder does not say so: perhaps the file system has not shown it to us yet.
        trial.ended_as = f"job {place.job} ended as {place.state}" if place else "its job is not in Slurm's queue"
        now = time.monotonic()
        trial.missing_since = trial.missing_since or now
        if status != "interrupted" and now - trial.missing_since < self._grace:
            return JobState.RUNNING if status == "running" else JobState.PENDING
        # One that was stopped by the end of its time or by preemption goes on; it has lost nothing.
        if status == "interrupted" or trial.handed.attempt < self._attempts:
            again.append(trial.job)
            return JobState.PENDING
        self._why[trial.job.trial_id] = (
            f"{trial.ended_as} and left no result, at attempt {trial.handed.attempt} of {self._attempts}"
            f"{_last_line(self._log(trial.handed))}"
        )
        forget(trial.job.folder)
        return JobState.LOST if place is None else JobState.ENDED

    def _give_up(self, trial: _Trial, status: str, reason: str, place: site.Place) -> JobState:
        if not self._shares(trial.job.trial_id):
            site.call("scancel", place.job)
        TrialFolder(trial.job.folder).write_status(status, reason)
        forget(trial.job.folder)
        return JobState.ENDED

    def _shares(self, trial_id: str) -> bool:
        """Whether other trials that are still wanted are in the same job."""
        mine = self._trials[trial_id].handed
        return any(
            (other.handed.submission, other.handed.index) == (mine.submission, mine.index)
            for name, other in self._trials.items()
            if name != trial_id and not (other.job.folder / STOP).exists() and self._states[name] not in OVER
        )

    def _resubmit(self, jobs: Sequence[Job]) -> None:
        by_attempt: dict[int, list[Job]] = {}
        for job in jobs:
            stopped = TrialFolder(job.folder).read_status()["status"] == "interrupted"
            attempt = self._trials[job.trial_id].handed.attempt + (not stopped)
            by_attempt.setdefault(attempt, []).append(job)
        for attempt, group in by_attempt.items():
            self._hand_over(group, attempt)

    def _hand_over(self, jobs: Sequence[Job], attempt: int) -> None:
        """Note in the folders what is about to be submitted, then submit it."""
        packs = [jobs[i : i + self._pack] for i in range(0, len(jobs), self._pack)]
        size = site.largest_array() if packs else 1
        for start in range(0, len(packs), size):
            submission = f"{time.strftime('%m%d-%H%M%S')}-{secrets.token_hex(3)}"
            chunk = packs[start : start + size]
            self._write_task(submission, chunk, attempt)
            for index, pack in enumerate(chunk):
                for job in pack:
                    handed = Handed("slurm", submission, index, attempt, time.time())
                    handed.write(job.folder)
                    self._trials[job.trial_id] = _Trial(job, handed, sent=False)
                    self._states[job.trial_id] = JobState.PENDING
                    self._why.pop(job.trial_id, None)
            self._send(submission, len(chunk))

    def _write_task(self, submission: str, packs: Sequence[Sequence[Job]], attempt: int) -> None:
        options = self.settings.options
        folder = self._folder(submission)
        here = Path.cwd()
        task = Task(
            executor="slurm",
            submission=submission,
            packs=tuple(tuple(str(job.folder.absolute()) for job in pack) for pack in packs),
            folder=str(here),
            device=self.settings.device,
            threads=self.settings.threads,
            per_device=self.settings.per_device,
            timeout=self.settings.timeout,
            memory_limit=self.settings.memory_limit,
            attempts=self._attempts - attempt + 1,
            deadline=time.time() + self._deadline if math.isfinite(self._deadline) else None,
            expected=self._expected,
        )
        write_json(folder / "task.json", task.model_dump(mode="json"))
        setup = options.get("setup")
        source = f". {shlex.quote(str(Path(setup).absolute()))}\n" if setup else ""
        python = options.get("python", sys.executable)
        path = shlex.quote(str((folder / "task.json").absolute()))
        # `exec`: the signal that Slurm sends to the batch shell reaches Python.
        write_text(
            folder / "job.sh",
            f'#!/bin/sh\n{source}exec {shlex.quote(python)} -m ganbench.node {path} "$SLURM_ARRAY_TASK_ID"\n',
        )

    def _send(self, submission: str, parts: int) -> None:
        """Call sbatch; a controller that does not answer is asked again later, a refusal is an error."""
        folder = self._folder(submission).absolute()
        limit = f"%{max(1, self.settings.slots // self._pack)}" if self.settings.slots else ""
        command = [
            "sbatch", "--parsable", f"--array=0-{parts - 1}{limit}", f"--job-name={site.PREFIX}{submission}",
            "--requeue",            "--open-mode=append", f"--output={folder}/%a.log", f"--chdir={Path.cwd()}",
            f"--signal=B:TERM@{self._warning}", *self._request(), str(folder / "job.sh"),
        ]  # fmt: skip
        answer = site.call(*command)
        mine = [trial for trial in self._trials.values() if trial.handed.submission == submission]
        if answer.returncode == 0:
            self._silent_since = None
            for trial in mine:
                trial.sent = True
            return
        if site.gave_no_answer(answer.stderr):
            self._note_silence(answer.stderr)
            return
        for trial in mine:
            forget(trial.job.folder)
            TrialFolder(trial.job.folder).write_status("failed", f"Slurm refused it: {site.one_line(answer.stderr)}")
        raise UsageError(f"sbatch refused: {site.one_line(answer.stderr)}; see --slurm")

    def _send_again(self, places: "Mapping[tuple[str, int], site.Place] | None") -> None:
        """Send what the controller did not take, unless it did and only the answer was lost."""
        if places is None:
            return
        arrived = {submission for submission, _ in places}
        unsent: dict[str, int] = {}
        for trial in self._trials.values():
            if trial.sent:
                continue
            if trial.handed.submission in arrived:
                trial.sent = True
            else:
                known = unsent.get(trial.handed.submission, 0)
                unsent[trial.handed.submission] = max(known, trial.handed.index + 1)
        for submission, parts in unsent.items():
            self._send(submission, parts)

    def _queue(self) -> dict[tuple[str, int], site.Place] | None:
        """Every element of our arrays that Slurm knows, by submission and index; ``None``: it does not answer.

        Slurm forgets a job some minutes after its end (``MinJobAge``).
        """
        places = site.queue()
        if isinstance(places, str):
            self._note_silence(places)
            return None
        self._silent_since = None
        return places

    def _note_silence(self, error: str) -> None:
        now = time.monotonic()
        self._silent_since = self._silent_since or now
        if now - self._silent_since > SILENCE_SECONDS:
            raise GanbenchError(
                f"Slurm's controller has not answered for {SILENCE_SECONDS / 60:.0f} minutes ({site.one_line(error)}); "
                "what it runs goes on, the same command collects it"
            )

    def _is_active(self, handed: Handed) -> bool:
        places = self._queue()
        if places is None:
            return True
        place = places.get((handed.submission, handed.index))
        return place is not None and place.state in site.ACTIVE

    def _folder(self, submission: str) -> Path:
        return self.settings.out / ".slurm" / submission

    def _log(self, handed: Handed) -> Path:
        return self._folder(handed.submission) / f"{handed.index}.log"


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text("utf-8", errors="replace").split("\n")
    except (OSError, StoreError):
        return ""
    said = [line.strip() for line in lines if line.strip()]
    return f"; its output ends: {said[-1]}" if said else ""
