"""Trials as arrays of batch jobs: plain ``sbatch``, ``squeue`` and ``scancel``, and the trials' folders.

The queue says only whether a trial is still under way; how it ended stands in its folder. So the controller may be
restarted, the login node may go away, and a later run of the same grid collects what the cluster did meanwhile: a
submission has a name of its own, noted in the trials' folders before it is sent.
"""

import contextlib
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ganbench.errors import GanbenchError, StoreError, UsageError
from ganbench.executors import Executor, Job, JobState, Layout, Settings, Wish
from ganbench.executors import slurm_site as site
from ganbench.executors.slurm_jobs import SILENCE_SECONDS, Submissions
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import (
    STOP,
    STOPPED,
    UNDER_WAY,
    Handed,
    ask_to_stop,
    asked_to_stop,
    forget,
    got_on,
    read_handed,
)
from ganbench.tables.wording import counted

OVER = (JobState.ENDED, JobState.LOST)

Places = Mapping[tuple[str, int], site.Place]


@dataclass
class _Trial:
    """One trial that is Slurm's for the moment.

    Attributes:
        job: the trial.
        handed: its submission, as noted in its folder.
        missing_since: since when its job is over and its folder does not say so, by the monotonic clock.
        next_attempt: the number of the attempt with which it is to be submitted again; 0 where it is not.
    """

    job: Job
    handed: Handed
    missing_since: float | None = None
    next_attempt: int = 0


class Slurm(Executor):
    """Submits trials as arrays, several trials per job where asked, and follows them in the queue."""

    options = site.OPTIONS
    detachable = True

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._terms = site.terms(settings.options, settings.per_device)
        self._submissions = Submissions(settings, self._terms)
        self._trials: dict[str, _Trial] = {}
        self._states: dict[str, JobState] = {}
        self._why: dict[str, str] = {}
        self._unsent: set[str] = set()  # submissions of which nobody knows whether Slurm has them
        self._given_up: dict[tuple[str, int], str] = {}  # jobs, by their elements, of trials that will not start
        self._killed: set[tuple[str, int]] = set()  # elements that were cancelled from here, with all their trials
        self._next = 0.0

    @classmethod
    def layout(cls, wish: Wish) -> Layout:
        """GPU trials where a GPU is asked of Slurm, CPU trials with the job's processors elsewhere."""
        return site.layout(wish)

    def adopt(self, jobs: Iterable[Job]) -> frozenset[str]:
        """Trials that an earlier run left to Slurm; what became of them shows in the queue and in their folders."""
        left = [(job, handed) for job in jobs if (handed := read_handed(TrialFolder(job.folder))) is not None]
        places = self._submissions.queue() if left else {}
        found = set()
        for job, handed in left:
            if handed.executor != "slurm":
                continue
            if places is not None:
                place = places.get(handed.element, site.ABSENT)
                status = TrialFolder(job.folder).read_status()["status"]
                if place.cancelled or (status == "interrupted" and not place.active):
                    continue  # it ended as somebody wanted, and goes on anew
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
        time.sleep(min(timeout, max(0.0, self._next - time.monotonic())))
        if time.monotonic() < self._next:
            return dict(self._states)
        self._next = time.monotonic() + self._terms.poll
        live = [trial_id for trial_id in self._trials if self._states[trial_id] not in OVER]
        places = self._submissions.queue() if live else {}
        for trial_id in live:
            self._states[trial_id] = self._look(self._trials[trial_id], places)
        given_up, self._given_up = self._given_up, {}
        self._cancel_unshared(given_up)
        # What is submitted from here on cannot stand in the queue that was looked at: that is for the next look.
        self._send_again(places)
        self._resubmit()
        return dict(self._states)

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        """Ask the nodes through the trials' folders; take what waits, or everything, out of the queue."""
        chosen = [trial_id for trial_id in trial_ids if trial_id in self._trials]
        for trial_id in chosen:
            ask_to_stop(self._trials[trial_id].job.folder)
        places = self._submissions.queue() or {}
        to_kill, waiting = dict[tuple[str, int], str](), dict[tuple[str, int], str]()
        over: list[_Trial] = []
        for trial in (self._trials[trial_id] for trial_id in chosen):
            status = TrialFolder(trial.job.folder).read_status()["status"]
            if status not in UNDER_WAY:
                continue  # it has come to its end, which the next look at its folder finds
            place = places.get(trial.handed.element, site.ABSENT)
            if hard and place is not site.ABSENT:
                to_kill[trial.handed.element] = place.job
            elif place.waits:
                waiting[trial.handed.element] = place.job
            if hard or place.waits or status != "running":
                over.append(trial)
        self._killed |= to_kill.keys()
        site.cancel(to_kill.values(), "--full", "--signal=KILL")
        site.cancel(to_kill.values())
        self._cancel_unshared(waiting)
        for trial in over:
            # The request to stop stays, should it be about to start after all.
            Handed.path(trial.job.folder).unlink(missing_ok=True)
            del self._trials[trial.job.trial_id], self._states[trial.job.trial_id]
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
        while self._unsent:
            if time.monotonic() > deadline:
                raise GanbenchError("Slurm's controller does not answer; run again to submit")
            time.sleep(self._terms.poll)
            self._send_again(self._submissions.queue())
        names = sorted({f"{site.PREFIX}{trial.handed.submission}" for trial in self._trials.values()})
        return (
            f"{counted(len(self._trials), 'trial')} left to Slurm (job name{'s' if len(names) > 1 else ''} "
            f"{', '.join(names)}); 'ganbench status {shlex.quote(str(self.settings.out))}' shows them, and the "
            "same command collects them"
        )

    def _look(self, trial: _Trial, places: Places | None) -> JobState:
        """Where a trial stands, by its folder first and the queue second; what is amiss is seen to."""
        status = TrialFolder(trial.job.folder).read_status()["status"]
        if status not in UNDER_WAY:
            forget(trial.job.folder)
            return JobState.ENDED
        if trial.handed.submission in self._unsent:
            return JobState.PENDING
        if places is None:
            return JobState.UNKNOWN
        place = places.get(trial.handed.element, site.ABSENT)
        if place.active:
            trial.missing_since = None
            return self._while_active(trial, place, status)
        return self._once_over(trial, place, status)

    def _while_active(self, trial: _Trial, place: site.Place, status: str) -> JobState:
        """Where a trial stands whose job has not ended; one that will not start is taken out of the queue."""
        if place.not_launched:
            site.cancel([place.job])
            return self._try_again(trial, f"job {place.job} was not launched ({place.reason})")
        if place.held:
            reason = f"Slurm holds job {place.job} and will not start it: {place.reason}"
            return self._give_up(trial, "failed", reason, place)
        if place.waits and time.time() - trial.handed.time > self._terms.deadline:
            return self._give_up(trial, "timeout", f"its job did not start within {self._terms.deadline:g} s", place)
        # Of a job that is to start again the trial still says what it said before.
        return JobState.RUNNING if status == "running" and not place.waits else JobState.PENDING

    def _once_over(self, trial: _Trial, place: site.Place, status: str) -> JobState:
        """Where a trial stands whose job is over and whose folder does not say that the trial is."""
        if asked_to_stop(trial.job.folder):
            return self._end(trial, f"interrupted: {STOPPED}")
        by_others = place.cancelled and trial.handed.element not in self._killed
        if status != "interrupted":
            now = time.monotonic()
            trial.missing_since = trial.missing_since or now
            if now - trial.missing_since < self._terms.grace:  # what the node wrote last may be seen late
                return JobState.RUNNING if status == "running" else JobState.PENDING
        elif not by_others and got_on(TrialFolder(trial.job.folder)):
            # The end of its time or preemption stopped it, and it has lost nothing: this was no attempt.
            trial.next_attempt = trial.handed.attempt
            return JobState.PENDING
        if by_others:
            return self._end(trial, f"interrupted: job {place.job} was cancelled; run again to resume")
        if place is site.ABSENT:
            return self._try_again(trial, "its job is not in Slurm's queue", over=JobState.LOST)
        return self._try_again(trial, f"job {place.job} ended as {place.state}")

    def _end(self, trial: _Trial, why: str, over: JobState = JobState.ENDED) -> JobState:
        self._why[trial.job.trial_id] = why
        forget(trial.job.folder)
        return over

    def _try_again(self, trial: _Trial, ended_as: str, over: JobState = JobState.ENDED) -> JobState:
        """Note the next attempt of a trial, or give it up after the last one."""
        attempt = trial.handed.attempt
        if attempt < self._terms.attempts:
            trial.next_attempt = attempt + 1
            return JobState.PENDING
        said = self._submissions.last_line(trial.handed)
        why = f"{ended_as} and left no result (attempt {attempt} of {self._terms.attempts}){said}"
        return self._end(trial, why, over)

    def _give_up(self, trial: _Trial, status: str, reason: str, place: site.Place) -> JobState:
        self._given_up[trial.handed.element] = place.job
        with contextlib.suppress(StoreError):  # its job is to be cancelled all the same, and its end is told
            TrialFolder(trial.job.folder).write_status(status, reason)
        return self._end(trial, f"{status}: {reason}")

    def _cancel_unshared(self, jobs: Mapping[tuple[str, int], str]) -> None:
        """Cancel the jobs in which no trial is wanted any more."""
        if jobs:
            wanted = {
                trial.handed.element
                for trial_id, trial in self._trials.items()
                if self._states[trial_id] not in OVER and not asked_to_stop(trial.job.folder)
            }
            site.cancel(job for element, job in jobs.items() if element not in wanted)

    def _resubmit(self) -> None:
        """Hand over again what was lost or set aside, trials of equal attempts together."""
        by_attempt: dict[int, list[Job]] = {}
        for trial in self._trials.values():
            if trial.next_attempt:
                by_attempt.setdefault(trial.next_attempt, []).append(trial.job)
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
                    self._trials[job.trial_id] = _Trial(job, handed)
                    self._states[job.trial_id] = JobState.PENDING
                    self._why.pop(job.trial_id, None)
            self._unsent.add(submission)
            self._send(submission)

    def _send(self, submission: str) -> None:
        """Submit what is still wanted of a submission; where it is refused, none of these trials will ever run."""
        mine = [
            trial
            for trial_id, trial in self._trials.items()
            if trial.handed.submission == submission and self._states[trial_id] not in OVER
        ]
        try:
            sent = not mine or self._submissions.send(submission, 1 + max(trial.handed.index for trial in mine))
        except UsageError as error:
            for trial in mine:
                forget(trial.job.folder)
                TrialFolder(trial.job.folder).write_status("failed", str(error))
            raise
        if sent:
            self._unsent.discard(submission)

    def _send_again(self, places: Places | None) -> None:
        """Send what the controller did not take, unless it did and only the answer was lost."""
        if places is not None:
            self._unsent -= {submission for submission, _ in places}
            for submission in sorted(self._unsent):
                self._send(submission)
