"""Plan, look up, dispatch, collect: a grid from its request to its rows."""

import contextlib
import time
from collections.abc import Sequence

from ganbench.display import Display
from ganbench.errors import GanbenchError, StoreError, with_kind
from ganbench.executors import Executor, Job, JobState
from ganbench.executors.batching import Batching
from ganbench.executors.handed import refuse_what_others_hold
from ganbench.planning.request import RunRequest
from ganbench.planning.trials import executor_class, plan_trials, settings, shared_server, weight
from ganbench.plugins import Plugins
from ganbench.running.interrupts import Interrupts
from ganbench.running.outcome import Outcome
from ganbench.running.waiting import Elsewhere
from ganbench.spec import TrialFile
from ganbench.store.results import trial_label
from ganbench.store.store import Store, settle

POLL_SECONDS = 0.2
SILENT_SECONDS = 5.0
REMOTE_POLL_SECONDS = 1.0


def run_grid(request: RunRequest, plugins: Plugins, display: Display) -> Outcome:
    """Run a grid to its end.

    A trial that is done is looked up, one that another run is working on is waited for, every other one is run here.
    The first interrupt (SIGINT, SIGTERM or SIGHUP) lets running trials finish their step and write a checkpoint, the
    second ends them at once. A trial that ran out of memory is tried once more when no other one runs.

    Raises:
        NoGPU: torch cannot use the GPUs that trials would run on; none of them has been written then.
        GanbenchError: whatever else keeps the grid from running.
    """
    chosen = executor_class(request, plugins)
    place = chosen.layout(request.wish)
    store = Store(request.out)
    store.prepare()
    display.planning()
    with shared_server(place.device, place.threads, needs_gpu=bool(place.devices)) as server:
        trials = plan_trials(request, server, place, display.note)
        if place.devices and any(store.cached(trial.trial_id, retry=request.retry) is None for trial in trials):
            server()  # a plan that was known has not opened it, and so has not asked torch
        executor: Executor = chosen(settings(request, place, server))
        if request.batch_seeds:
            executor = Batching(executor)
        try:
            # What runs elsewhere need not end because a terminal closes here.
            with Interrupts(hangup=not chosen.detachable) as interrupts:
                return _Run(request, store, executor, plugins, display, trials, interrupts).to_its_end()
        finally:
            try:
                executor.close()
            except (Exception, SystemExit) as error:
                # Neither the table nor what ended the run is to be lost for what its executor does at the end.
                display.note(f"executor '{request.executor}' failed while closing: {with_kind(error)}")
            finally:
                store.release_all()


class _Run:
    """One grid while it runs."""

    def __init__(
        self,
        request: RunRequest,
        store: Store,
        executor: Executor,
        plugins: Plugins,
        display: Display,
        trials: Sequence[TrialFile],
        interrupts: Interrupts,
    ) -> None:
        self._request = request
        self._store = store
        self._executor = executor
        self._plugins = plugins
        self._display = display
        self._trials = {trial.trial_id: trial for trial in trials}
        self._interrupts = interrupts
        self._answered = 0
        self._mine: set[str] = set()
        self._shown: set[str] = set()
        self._elsewhere = Elsewhere(store)
        self._crowded: list[str] = []
        self._alone: set[str] = set()
        self._unwritten: dict[str, tuple[str, str]] = {}
        self._unheard: dict[str, float] = {}

    def to_its_end(self) -> Outcome:
        """Dispatch what is missing and wait for all of it."""
        cached = [trial_id for trial_id in self._trials if self._is_cached(trial_id)]
        missing = [trial_id for trial_id in self._trials if trial_id not in set(cached)]
        refuse_what_others_hold(map(self._store.folder, missing), self._request.executor)
        self._dispatch(missing)
        self._display.planned(len(self._trials), len(cached), len(self._elsewhere))
        for line in dict.fromkeys(warning for trial in self._trials.values() for warning in trial.warnings):
            self._display.note(line)
        if self._request.detach and self._mine:
            return self._outcome(detached=self._executor.detach())
        self._say_who_is_elsewhere()
        while self._mine or (self._elsewhere and not self._interrupts.count):
            if self._interrupts.count > self._answered:
                self._stop()
            self._look()
        return self._outcome()

    def _outcome(self, detached: str = "") -> Outcome:
        return Outcome(
            trials=list(self._trials.values()),
            folders=[self._store.folder(trial_id) for trial_id in self._trials],
            unwritten=self._unwritten,
            interrupted=bool(self._interrupts.count),
            detached=detached,
        )

    def _is_cached(self, trial_id: str) -> bool:
        return self._store.cached(trial_id, retry=self._request.retry) is not None

    def _is_restored(self, trial_id: str) -> bool:
        """Whether a trial that had ended lacked nothing but its specification, which is there again."""
        if not self._store.damage_of_finished(trial_id) or not self._store.restore_spec(self._trials[trial_id]):
            return False
        label = trial_label(self._trials[trial_id])
        self._display.note(f"{label}: its spec.json was lost or damaged; it is written again, as its manifest confirms")
        return self._is_cached(trial_id)

    def _dispatch(self, trial_ids: Sequence[str]) -> None:
        """Take the leases of trials and hand them to the executor, but for those that it has from an earlier run."""
        leased = []
        for trial_id in trial_ids:
            try:
                if not self._store.lease(trial_id):
                    self._elsewhere.add(trial_id)
                    continue
                # Finished by another run between looking and leasing, or long ago.
                if self._is_cached(trial_id) or self._is_restored(trial_id):
                    self._store.release(trial_id)
                    continue
                path = self._store.folder(trial_id).path
                leased.append(Job(trial_id, path, weight(self._trials[trial_id])))
            except StoreError as error:
                self._store.release(trial_id)
                self._unwritten[trial_id] = ("failed", str(error))
                self._display.note(f"{trial_label(self._trials[trial_id])}: {error}")
        under_way = self._executor.adopt(leased)
        jobs = self._prepare([job for job in leased if job.trial_id not in under_way])
        self._mine.update(under_way, (job.trial_id for job in jobs))
        self._executor.submit(jobs)

    def _prepare(self, jobs: Sequence[Job]) -> list[Job]:
        """Write what the workers are told; a trial whose folder cannot be written to has failed and is left out."""
        trials = [self._trials[job.trial_id] for job in jobs]
        for trial in trials:
            if damage := self._store.damage_of_finished(trial.trial_id):
                self._display.note(f"{trial_label(trial)}: it had ended, but is trained again: {damage}")
        problems = self._store.enqueue(trials)
        for trial, problem in zip(trials, problems, strict=True):
            if problem:
                self._store.release(trial.trial_id)
                self._unwritten[trial.trial_id] = ("failed", problem)
                self._display.note(f"{trial_label(trial)}: {problem}")
        return [job for job, problem in zip(jobs, problems, strict=True) if not problem]

    def _look(self) -> None:
        """Wait a moment for news, and take them in."""
        if not self._mine:
            self._interrupts.sleep(REMOTE_POLL_SECONDS)
        states = self._executor.states(timeout=POLL_SECONDS)
        for trial_id, state in states.items():
            if trial_id not in self._mine or trial_id in self._crowded:
                continue
            if state not in (JobState.PENDING, JobState.UNKNOWN) and trial_id not in self._shown:
                self._shown.add(trial_id)
                trial = self._trials[trial_id]
                steps = 0 if trial.spec.baseline or trial.execution.source_path else trial.spec.recipe.steps
                self._display.started(self._store.folder(trial_id), trial_label(trial), steps)
                self._tell("trial_started", trial_id)
            if state in (JobState.ENDED, JobState.LOST):
                self._end(trial_id, state)
        self._end_what_the_executor_forgot(set(states))
        self._display.tick()
        self._give_up_what_was_lost()
        self._retry_alone()
        self._take_over()

    def _end_what_the_executor_forgot(self, known: set[str]) -> None:
        """End trials that an executor took and has not spoken of for a while: they would be waited for without end."""
        now, silent = time.monotonic(), self._mine - known - set(self._crowded)
        self._unheard = {trial_id: self._unheard.get(trial_id, now) for trial_id in silent}
        for trial_id, since in list(self._unheard.items()):
            if now - since > SILENT_SECONDS:
                self._end(trial_id, JobState.LOST)

    def _end(self, trial_id: str, state: JobState) -> None:
        folder = self._store.folder(trial_id)
        why = self._executor.why(trial_id)
        status, reason = settle(folder, state, why)
        # A limit of its own is passed just as well alone.
        beside = status == "out-of-memory" and "--memory-limit" not in reason
        if beside and trial_id not in self._alone and not self._interrupts.count:
            self._display.note(f"{trial_label(self._trials[trial_id])}: {reason}; it is tried once more later, alone")
            self._crowded.append(trial_id)
            return
        if beside and trial_id in self._alone:
            reason = f"{reason}; tried twice, the second time alone"
            with contextlib.suppress(StoreError):
                folder.write_status(status, reason)
        self._finish(trial_id, status, reason)

    def _finish(self, trial_id: str, status: str, reason: str) -> None:
        folder = self._store.folder(trial_id)
        if folder.read_status()["status"] != status:
            self._unwritten[trial_id] = (status, reason)
        self._mine.discard(trial_id)
        self._store.release(trial_id)
        self._display.finished(folder, trial_label(self._trials[trial_id]), status, reason)
        self._tell("trial_finished", trial_id, status=status, result=folder.read_result())

    def _retry_alone(self) -> None:
        """Once nothing else runs, try a trial again that ran out of memory beside others."""
        if self._interrupts.count:
            for trial_id in self._crowded:
                status = self._store.folder(trial_id).read_status()
                self._finish(trial_id, str(status["status"]), str(status["reason"]))
            self._crowded.clear()
        elif self._crowded and self._mine == set(self._crowded):
            trial_id = self._crowded.pop(0)
            self._alone.add(trial_id)
            self._mine.discard(trial_id)
            self._dispatch([trial_id])

    def _take_over(self) -> None:
        """What another run worked on and did not finish is ours, once it has given it back or died."""
        if self._interrupts.count:
            return
        free = self._elsewhere.free()
        for trial_id in free:
            self._elsewhere.discard(trial_id)
        # Together, so that seeds which one run gives back at once are trained as one batch.
        if missing := [trial_id for trial_id in free if not self._is_cached(trial_id)]:
            self._dispatch(missing)

    def _give_up_what_was_lost(self) -> None:
        """Stop working on trials that another run has taken over while this one was suspended."""
        for trial_id in self._store.lost() & self._mine:
            self._display.note(f"{trial_label(self._trials[trial_id])}: another run has taken it over")
            self._executor.cancel([trial_id], hard=True)
            self._mine.discard(trial_id)
            self._store.release(trial_id)
            self._elsewhere.add(trial_id)

    def _say_who_is_elsewhere(self) -> None:
        for owner, count in self._elsewhere.owners():
            self._display.note(f"{count} trial{'' if count == 1 else 's'} held by {owner}; waiting for the results")

    def _stop(self) -> None:
        """Answer an interrupt: the first one gently, the second at once."""
        hard = self._interrupts.count > 1
        self._answered = self._interrupts.count
        if hard:
            self._display.note("stopping at once")
        else:
            self._display.note("writing checkpoints and stopping; press Ctrl-C again to stop at once")
        with contextlib.suppress(GanbenchError):
            self._executor.cancel(list(self._mine), hard=hard)
        known = self._executor.states()
        for trial_id in self._mine - set(known) - set(self._crowded):
            with contextlib.suppress(StoreError):
                self._store.folder(trial_id).write_status("interrupted", "not started yet; run again to start it")
            self._mine.discard(trial_id)
            self._store.release(trial_id)

    def _tell(self, hook: str, trial_id: str, **more: object) -> None:
        spec = self._trials[trial_id].spec.model_dump(mode="json")
        for problem in self._plugins.call(hook, trial_id=trial_id, spec=spec, **more):
            self._display.note(problem)
