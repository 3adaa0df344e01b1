"""Trials as arrays of batch jobs: plain ``sbatch``, ``squeue`` and ``scancel``, and the trials' folders.

The queue says only whether a trial is still under way; how it ended stands in its folder. So the controller may be
restarted, the login node may go away, and a later run of the same grid collects what the cluster did meanwhile: a
submission has a name of its own, noted in the trials' folders before it is sent.
"""

import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ganbench.errors import GanbenchError, UsageError
from ganbench.executors import Executor, Job, JobState, Layout, Settings, Wish
from ganbench.executors import slurm_site as site
from ganbench.executors.handed import STOP, UNDER_WAY, Handed, ask_to_stop, forget, read_handed
from ganbench.executors.slurm_jobs import SILENCE_SECONDS, Submissions
from ganbench.files import read_lines
from ganbench.records.folder import TrialFolder

OVER = (JobState.ENDED, JobState.LOST)

Places = Mapping[tuple[str, int], site.Place]


@dataclass
class _Trial:
    """One trial that is Slurm's for the moment."""

    job: Job
    handed: Handed
    sent: bool = True
    missing_since: float | None = None


class Slurm(Executor):
    """Submits trials as arrays, several trials per job where asked, and follows them in the queue."""

    detachable = True

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._terms = site.terms(settings.options, settings.per_device)
        self._submissions = Submissions(settings, self._terms)
        self._trials: dict[str, _Trial] = {}
        self._states: dict[str, JobState] = {}
        self._why: dict[str, str] = {}
        self._next = 0.0

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
        self._next = time.monotonic() + self._terms.poll
        live = [trial_id for trial_id in self._trials if self._states[trial_id] not in OVER]
        places = self._submissions.queue() if live else {}
        again: dict[str, int] = {}
        for trial_id in live:
            self._states[trial_id] = self._look(self._trials[trial_id], places, again)
        # What is submitted from here on cannot stand in the queue that was looked at: that is for the next look.
        self._send_again(places)
        self._resubmit(again)
        return dict(self._states)

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        """Ask the nodes through the trials' folders; take what waits, or everything, out of the queue."""
        chosen = [trial_id for trial_id in trial_ids if trial_id in self._trials]
        for trial_id in chosen:
            ask_to_stop(self._trials[trial_id].job.folder)
        places = self._submissions.queue() or {}
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
            time.sleep(self._terms.poll)
            self._send_again(self._submissions.queue())
        names = sorted({f"{site.PREFIX}{trial.handed.submission}" for trial in self._trials.values()})
        many = len(self._trials)
        return (
            f"{many} trial{'s' if many != 1 else ''} left to Slurm (job name{'s' if len(names) > 1 else ''} "
            f"{', '.join(names)}); 'ganbench status {shlex.quote(str(self.settings.out))}' shows them, and the "
            "same command collects them"
        )

    def _look(self, trial: _Trial, places: Places | None, again: dict[str, int]) -> JobState:
        """Where a trial stands, by its folder first and the queue second; ``again`` takes what was lost."""
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
            if place.state in site.WAITING and any(failed in place.reason for failed in site.NOT_LAUNCHED):
                site.call("scancel", place.job)
                return self._try_again(trial, f"job {place.job} was not launched ({place.reason})", again)
            if place.state in site.WAITING and any(held in place.reason for held in site.HELD):
                reason = f"Slurm holds job {place.job} and will not start it: {place.reason}"
                return self._give_up(trial, "failed", reason, place)
            if place.state in site.WAITING and time.time() - trial.handed.time > self._terms.deadline:
                return self._give_up(
                    trial, "timeout", f"its job did not start within {self._terms.deadline:g} s", place
                )
            return JobState.RUNNING if status == "running" and place.state not in site.WAITING else JobState.PENDING
        if (trial.job.folder / STOP).exists():
            self._why[trial.job.trial_id] = "interrupted: stopped immediately; run again to resume"
            forget(trial.job.folder)
            return JobState.ENDED
        # The job is over and its folder does not say so: perhaps the file system has not shown it to us yet.
        now = time.monotonic()
        trial.missing_since = trial.missing_since or now
        if status != "interrupted" and now - trial.missing_since < self._terms.grace:
            return JobState.RUNNING if status == "running" else JobState.PENDING
        ended_as = f"job {place.job} ended as {place.state}" if place else "its job is not in Slurm's queue"
        # One that was stopped by the end of its time or by preemption goes on; it has lost nothing.
        if status == "interrupted" and _got_on(folder):
            again[trial.job.trial_id] = trial.handed.attempt
            return JobState.PENDING
        return self._try_again(trial, ended_as, again, over=JobState.ENDED if place else JobState.LOST)

    def _try_again(
        self, trial: _Trial, ended_as: str, again: dict[str, int], over: JobState = JobState.ENDED
    ) -> JobState:
        """Note the next attempt of a trial, or give it up after the last one."""
        attempt = trial.handed.attempt
        if attempt < self._terms.attempts:
            again[trial.job.trial_id] = attempt + 1
            return JobState.PENDING
        said = self._submissions.last_line(trial.handed)
        self._why[trial.job.trial_id] = (
            f"{ended_as} and left no result (attempt {attempt} of {self._terms.attempts}){said}"
        )
        forget(trial.job.folder)
        return over

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

    def _resubmit(self, attempts: Mapping[str, int]) -> None:
        by_attempt: dict[int, list[Job]] = {}
        for trial_id, attempt in attempts.items():
            by_attempt.setdefault(attempt, []).append(self._trials[trial_id].job)
        for attempt, group in by_attempt.items():
            self._hand_over(group, attempt)

    def _hand_over(self, jobs: Sequence[Job], attempt: int) -> None:
        """Note in the folders what is about to be submitted, then submit it."""
        packs = [jobs[i : i + self._terms.pack] for i in range(0, len(jobs), self._terms.pack)]
        size = site.largest_array() if packs else 1
        for start in range(0, len(packs), size):
            chunk = packs[start : start + size]
            submission = self._submissions.write(chunk, self._terms.attempts - attempt + 1)
            for index, pack in enumerate(chunk):
                for job in pack:
                    handed = Handed("slurm", submission, index, attempt, time.time())
                    handed.write(job.folder)
                    self._trials[job.trial_id] = _Trial(job, handed, sent=False)
                    self._states[job.trial_id] = JobState.PENDING
                    self._why.pop(job.trial_id, None)
            self._send(submission, len(chunk))

    def _send(self, submission: str, parts: int) -> None:
        """Submit; where it is refused, none of these trials will ever run."""
        mine = [trial for trial in self._trials.values() if trial.handed.submission == submission]
        try:
            sent = self._submissions.send(submission, parts)
        except UsageError as error:
            for trial in mine:
                forget(trial.job.folder)
                TrialFolder(trial.job.folder).write_status("failed", str(error))
            raise
        for trial in mine:
            trial.sent = sent

    def _send_again(self, places: Places | None) -> None:
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

    def _is_active(self, handed: Handed) -> bool:
        places = self._submissions.queue()
        if places is None:
            return True
        place = places.get((handed.submission, handed.index))
        return place is not None and place.state in site.ACTIVE


def _got_on(folder: TrialFolder) -> bool:
    """Whether a trial that was asked to stop had got further than the last time.

    One whose jobs end before its first step, time and again, would be submitted for ever.
    """
    starts, attempts = read_lines(folder.starts), read_lines(folder.attempts)
    if not starts:
        return True  # it was taken out of the queue before it began
    # A worker notes its start, and its attempt once it begins to train, with one time.
    if not attempts or attempts[-1].get("time") != starts[-1].get("time"):
        return False
    steps = [int(line.get("step", 0)) for line in attempts]
    return len(steps) == 1 or steps[-1] > steps[-2]
