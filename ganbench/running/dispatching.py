"""From the trials that a run wants to those that its executor works on."""

from collections.abc import Mapping, Sequence

from ganbench.display import Display
from ganbench.errors import StoreError
from ganbench.executors import Executor, Job
from ganbench.planning.trials import weight
from ganbench.running.waiting import Elsewhere
from ganbench.spec import TrialFile
from ganbench.store.results import trial_label
from ganbench.store.store import Store


class Dispatcher:
    """Takes the leases of trials, writes the files that their workers read, and hands them to the executor.

    Args:
        trials: all of the run, by name.
        store: their folders.
        executor: who works on them.
        display: shows notes on what is unusual.
        elsewhere: gets the trials whose leases other runs have.
        unwritten: gets status and reason of trials whose folders cannot be written to.
        retry: whether trials that diverged run again.
    """

    def __init__(
        self,
        trials: Mapping[str, TrialFile],
        store: Store,
        executor: Executor,
        display: Display,
        *,
        elsewhere: Elsewhere,
        unwritten: dict[str, tuple[str, str]],
        retry: bool,
    ) -> None:
        self._trials = trials
        self._store = store
        self._executor = executor
        self._display = display
        self._elsewhere = elsewhere
        self._unwritten = unwritten
        self._retry = retry

    def is_done(self, trial_id: str) -> bool:
        """Whether a trial need not run: it has ended, now or long ago."""
        return self._store.cached(trial_id, retry=self._retry) is not None

    def dispatch(self, trial_ids: Sequence[str]) -> frozenset[str]:
        """Hand over those that must run; return those that the executor works on, some perhaps since an earlier run."""
        leased = [
            Job(name, self._store.folder(name).path, weight(self._trials[name]))
            for name in trial_ids
            if self._take(name)
        ]
        under_way = self._executor.adopt(leased)
        jobs = self._prepare([job for job in leased if job.trial_id not in under_way])
        self._executor.submit(jobs)
        return under_way | {job.trial_id for job in jobs}

    def _take(self, trial_id: str) -> bool:
        """Return whether this run has a trial's lease now: not if another run has it, or the trial need not run."""
        try:
            if not self._store.lease(trial_id):
                self._elsewhere.add(trial_id)
                return False
            # Finished by another run between looking and leasing, or long ago.
            if self.is_done(trial_id) or self._is_restored(trial_id):
                self._store.release(trial_id)
                return False
        except StoreError as error:
            self._leave_out(trial_id, str(error))
            return False
        return True

    def _is_restored(self, trial_id: str) -> bool:
        """Whether a trial that had ended lacked nothing but its specification, which is there again."""
        if not self._store.damage_of_finished(trial_id) or not self._store.restore_spec(self._trials[trial_id]):
            return False
        label = trial_label(self._trials[trial_id])
        self._display.note(f"{label}: its spec.json was lost or damaged; it is written again, as its manifest confirms")
        return self.is_done(trial_id)

    def _prepare(self, jobs: Sequence[Job]) -> list[Job]:
        """Write the files that workers read; a trial whose folder cannot be written to has failed and is left out."""
        trials = [self._trials[job.trial_id] for job in jobs]
        for trial in trials:
            if damage := self._store.damage_of_finished(trial.trial_id):
                self._display.note(f"{trial_label(trial)}: it had ended, but is trained again: {damage}")
        problems = self._store.enqueue(trials)
        for trial, problem in zip(trials, problems, strict=True):
            if problem:
                self._leave_out(trial.trial_id, problem)
        return [job for job, problem in zip(jobs, problems, strict=True) if not problem]

    def _leave_out(self, trial_id: str, problem: str) -> None:
        self._store.release(trial_id)
        self._unwritten[trial_id] = ("failed", problem)
        self._display.note(f"{trial_label(self._trials[trial_id])}: {problem}")
