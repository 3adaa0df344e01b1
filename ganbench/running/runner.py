"""Plan, look up, dispatch, collect: a grid from its request to its rows."""

import contextlib
import os
import time
from collections.abc import Sequence

from ganbench.display import Display
from ganbench.errors import GanbenchError, StoreError, with_kind
from ganbench.executors import Executor, JobState
from ganbench.executors.batching import Batching
from ganbench.planning.request import RunRequest
from ganbench.planning.trials import executor_class, plan_trials, settings, trains
from ganbench.plugins import Plugins
from ganbench.processes.server import shared_server
from ganbench.records.folder import NOT_STARTED
from ganbench.running.dispatching import Dispatcher
from ganbench.running.interrupts import Interrupts
from ganbench.running.outcome import Outcome
from ganbench.running.waiting import Elsewhere
from ganbench.spec import TrialFile
from ganbench.store.handed import STOPPED, refuse_what_others_hold
from ganbench.store.lease_file import STALE_SECONDS
from ganbench.store.results import trial_label
from ganbench.store.settling import settle
from ganbench.store.store import ReadOnly, Store
from ganbench.tables.wording import counted, duration

POLL_SECONDS = 0.2
"""How long to wait for news of an executor at a time."""
REMOTE_POLL_SECONDS = 1.0
"""The same when only trials of other runs are left."""
SILENT_SECONDS = 5.0
"""How long an executor may be silent about a trial that it has taken."""


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
    store = Store(request.out, request.out_option)
    # A folder that is there is tried in full, so that a refusal has the system's reason; a new one is made below.
    is_there = os.path.isdir(store.path)
    unwritable: ReadOnly | None = None
    try:
        (store.prepare if is_there else store.require_possible)()
    except ReadOnly as error:
        unwritable = error  # which keeps nobody from the table of what is done
    display.planning()
    with shared_server(place.device, place.threads, needs_gpu=bool(place.devices)) as server:
        trials = plan_trials(request, server, place, display.note)
        look = place.devices or unwritable
        if look and any(store.cached(trial.trial_id, retry=request.retry) is None for trial in trials):
            if unwritable:
                raise unwritable
            server()  # a plan that was known has not opened it, and so has not asked torch
        executor: Executor = chosen(settings(request, place, server))
        if request.batch_seeds:
            executor = Batching(executor)
        try:
            if not is_there:
                store.prepare()  # whoever refuses a grid, there is no folder of it
            # What runs elsewhere need not end because a terminal closes here.
            with Interrupts(hangup=not chosen.detachable) as interrupts:
                return _Run(request, store, executor, plugins, display, trials, interrupts).to_its_end()
        finally:
            try:
                executor.close()
            except (Exception, SystemExit) as error:
                # What its executor does at the end must cost neither the table nor the error that ended the run.
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
        self._outcome = Outcome(
            trials=list(self._trials.values()), folders=[store.folder(trial_id) for trial_id in self._trials]
        )
        self._elsewhere = Elsewhere(store)
        self._dispatcher = Dispatcher(
            self._trials,
            store,
            executor,
            display,
            elsewhere=self._elsewhere,
            unwritten=self._outcome.unwritten,
            retry=request.retry,
        )
        self._mine: set[str] = set()  # those that this run has the leases of, and sees to their end
        # Those of them that ran out of memory beside others, with the reason: they wait to be tried alone.
        self._crowded_out: dict[str, str] = {}
        self._tried_alone: set[str] = set()
        self._shown: set[str] = set()  # those that the display and the plugins know of
        self._silent_since: dict[str, float] = {}  # those that the executor says nothing about
        self._answered = 0  # interrupts

    def to_its_end(self) -> Outcome:
        """Dispatch what is missing and wait for all of it."""
        cached = {trial_id for trial_id in self._trials if self._dispatcher.is_done(trial_id)}
        missing = [trial_id for trial_id in self._trials if trial_id not in cached]
        refuse_what_others_hold(map(self._store.folder, missing), self._request.executor)
        self._mine |= self._dispatcher.dispatch(missing)
        self._display.planned(len(self._trials), len(cached), len(self._elsewhere))
        for line in dict.fromkeys(warning for trial in self._trials.values() for warning in trial.warnings):
            self._display.note(line)
        if self._request.detach and self._mine:
            self._outcome.detached = self._executor.detach()
        else:
            self._say_who_is_elsewhere()
            while self._mine or (self._elsewhere and not self._interrupts.count):
                if self._interrupts.count > self._answered:
                    self._stop()
                self._look()
        self._outcome.interrupted = bool(self._interrupts.count)
        return self._outcome

    def _look(self) -> None:
        """Wait a moment for news, and take them in."""
        if not self._mine:
            self._interrupts.sleep(REMOTE_POLL_SECONDS)
        states = self._executor.states(timeout=POLL_SECONDS)
        for trial_id, state in states.items():
            if trial_id not in self._mine or trial_id in self._crowded_out:
                continue
            if state not in (JobState.PENDING, JobState.UNKNOWN):
                self._show(trial_id)
            if state in (JobState.ENDED, JobState.LOST):
                self._end(trial_id, state)
        self._end_what_the_executor_forgot(set(states))
        self._display.tick()
        self._give_up_what_was_lost()
        self._try_again_alone()
        self._take_over()

    def _show(self, trial_id: str) -> None:
        """Tell the display and the plugins that a trial has begun, once."""
        if trial_id in self._shown:
            return
        self._shown.add(trial_id)
        trial = self._trials[trial_id]
        steps = trial.spec.recipe.steps if trains(trial) else 0
        self._display.started(self._store.folder(trial_id), trial_label(trial), steps)
        self._tell("trial_started", trial_id)

    def _end_what_the_executor_forgot(self, known: set[str]) -> None:
        """End trials that an executor took and has not spoken of for a while: they would be waited for without end."""
        now, silent = time.monotonic(), self._mine - known - self._crowded_out.keys()
        self._silent_since = {trial_id: self._silent_since.get(trial_id, now) for trial_id in silent}
        for trial_id, since in self._silent_since.items():
            if now - since > SILENT_SECONDS:
                self._end(trial_id, JobState.LOST)

    def _end(self, trial_id: str, state: JobState) -> None:
        """Finish a trial whose process has ended, unless it lacked memory beside others and is tried again."""
        folder = self._store.folder(trial_id)
        end = settle(folder, self._executor.why(trial_id), lost=state is JobState.LOST)
        beside = end.status == "out-of-memory" and not end.own_limit
        if beside and trial_id in self._tried_alone:
            end = end._replace(reason=f"{end.reason}; tried twice, the second time alone")
            with contextlib.suppress(StoreError):
                folder.write_status(end.status, end.reason)
        elif beside and not self._interrupts.count:
            label = trial_label(self._trials[trial_id])
            self._display.note(f"{label}: {end.reason}; it is tried once more later, alone")
            self._crowded_out[trial_id] = end.reason
            return
        self._finish(trial_id, end.status, end.reason)

    def _finish(self, trial_id: str, status: str, reason: str) -> None:
        folder = self._store.folder(trial_id)
        if folder.read_status()["status"] != status:
            self._outcome.unwritten[trial_id] = (status, reason)
        self._give_back(trial_id)
        self._display.finished(folder, trial_label(self._trials[trial_id]), status, reason)
        self._tell("trial_finished", trial_id, status=status, result=folder.read_result())

    def _give_back(self, trial_id: str) -> None:
        self._mine.discard(trial_id)
        self._store.release(trial_id)

    def _try_again_alone(self) -> None:
        """Once nothing else runs, try a trial again that ran out of memory beside others."""
        if self._interrupts.count:
            for trial_id, reason in self._crowded_out.items():
                self._finish(trial_id, "out-of-memory", reason)
            self._crowded_out = {}
        elif self._crowded_out and self._mine <= self._crowded_out.keys():
            chosen = next(iter(self._crowded_out))
            del self._crowded_out[chosen]
            self._tried_alone.add(chosen)
            self._mine.discard(chosen)
            self._mine |= self._dispatcher.dispatch([chosen])

    def _take_over(self) -> None:
        """Take over what another run has not finished, once it has given it back or died."""
        # One that is tried alone is left alone.
        if self._interrupts.count or self._mine & self._tried_alone:
            return
        free = self._elsewhere.free()
        for trial_id in free:
            self._elsewhere.discard(trial_id)
        # Together, so that seeds which one run gives back at once are trained as one batch.
        if missing := [trial_id for trial_id in free if not self._dispatcher.is_done(trial_id)]:
            self._mine |= self._dispatcher.dispatch(missing)

    def _give_up_what_was_lost(self) -> None:
        """Stop working on trials that another run has taken over while this one was suspended."""
        for trial_id in self._store.lost() & self._mine:
            self._display.note(f"{trial_label(self._trials[trial_id])}: another run has taken it over")
            self._executor.cancel([trial_id], hard=True)
            self._crowded_out.pop(trial_id, None)
            self._give_back(trial_id)
            self._elsewhere.add(trial_id)

    def _say_who_is_elsewhere(self) -> None:
        for owner, count in self._elsewhere.owners():
            self._display.note(f"{counted(count, 'trial')} held by {owner}; waiting for the results")
        ahead = [seconds for trial_id in self._elsewhere if (seconds := self._store.ahead(trial_id)) > STALE_SECONDS]
        if ahead:
            self._display.note(
                f"of {counted(len(ahead), 'trial')} the lease is dated up to {duration(max(ahead))} in the future, as "
                f"where a clock was set back; it is taken over once nobody has touched it for {STALE_SECONDS:g} s"
            )

    def _stop(self) -> None:
        """Answer an interrupt: the first one gently, the second at once."""
        hard = self._interrupts.count > 1
        self._answered = self._interrupts.count
        if hard:
            self._display.note("stopping at once")
        else:
            self._display.note("writing checkpoints and stopping; press Ctrl-C again to stop at once")
        under_way = self._mine - self._crowded_out.keys()
        with contextlib.suppress(GanbenchError):
            self._executor.cancel(list(under_way), hard=hard)
        for trial_id in under_way - set(self._executor.states()):
            self._set_aside(trial_id)

    def _set_aside(self, trial_id: str) -> None:
        """Let go of a trial that the executor has forgotten when it was to stop: most often it had not begun."""
        folder = self._store.folder(trial_id)
        begun = folder.read_status()["status"] == "running"
        # One that came to its end at that moment has the last word.
        end = settle(folder, f"interrupted: {STOPPED if begun else NOT_STARTED}")
        if end.status != "interrupted":
            self._show(trial_id)
        if trial_id in self._shown:
            self._finish(trial_id, end.status, end.reason)
        else:
            self._give_back(trial_id)

    def _tell(self, hook: str, trial_id: str, **more: object) -> None:
        spec = self._trials[trial_id].spec.model_dump(mode="json")
        for problem in self._plugins.call(hook, trial_id=trial_id, spec=spec, **more):
            self._display.note(problem)
