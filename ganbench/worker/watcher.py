"""Between a training loop and a trial's folder: progress, evaluations, snapshots, checkpoints, and being stopped."""

import signal
import sys
import time
from typing import Any

from ganbench.errors import StoreError
from ganbench.evaluation.drawing import draw_to_score
from ganbench.evaluation.querying import to_query
from ganbench.evaluation.snapshots import snapshot, snapshot_steps, truth
from ganbench.training import checkpoint
from ganbench.training.objective import Objective
from ganbench.training.state import State
from ganbench.worker.outputs import as_pictured, preview_samples
from ganbench.worker.parts import Parts
from ganbench.worker.recording import Recorder


class StopFlag:
    """Set by SIGTERM and SIGINT; looked at between steps, so that a step is never torn."""

    def __init__(self) -> None:
        self.requested = False

    def set(self, number: int, frame: Any) -> None:
        """Ask to stop after this step."""
        self.requested = True


def stop_on_signals() -> StopFlag:
    """Have the signals that ask a process to end set a flag."""
    flag = StopFlag()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, flag.set)
    return flag


class Watcher:
    """The observer of one trial's training: writes its progress, evaluations, snapshots and checkpoints."""

    def __init__(self, parts: Parts, objective: Objective | None, recorder: Recorder, stop: StopFlag) -> None:
        self._spec = recorder.trial.spec
        self._parts = parts
        self._objective = objective
        self.recorder = recorder
        self._stop = stop
        self._interval = recorder.trial.execution.checkpoint_seconds
        self._written = time.monotonic()
        frames = recorder.trial.execution.snapshots
        self._snapshot_steps = snapshot_steps(self._spec.recipe.steps, frames) if frames else frozenset()

    def report(self, state: State, discriminator_loss: float, generator_loss: float) -> None:
        """Write a line of progress."""
        self.recorder.progress(state.step, state.real_images, discriminator_loss, generator_loss)

    def evaluate(self, state: State) -> None:
        """Score the generator as it is. Draws only from the evaluation's own stream: training goes on unchanged."""
        untrained = self._objective is None
        final = untrained or state.step == self._spec.recipe.steps
        with self.recorder.not_training():
            generator = state.scored  # once: standing statistics are taken at each access
            fakes, labels = draw_to_score(generator, self._spec, self._parts.reference, state.device)
            asked = to_query(generator, self._spec, state.device)
            values = self._parts.evaluator.score(fakes, final=final, labels=labels, generator=asked)
            self.recorder.evaluation(state.step, state.real_images, values)

    def first_snapshot(self, state: State) -> None:
        """Record real samples and those of the generator, if it is before its first step."""
        if state.step == 0 and self._snapshot_steps:
            real = as_pictured(self._parts.train)
            self._record_snapshot(state, truth(real, self._parts.dataset.mixture()))

    def after_step(self, state: State) -> bool:
        """Take a snapshot and write a checkpoint where it is time; return whether a signal asked to stop."""
        if state.step in self._snapshot_steps:
            with self.recorder.not_training():
                self._record_snapshot(state, {})
        if time.monotonic() - self._written >= self._interval and state.step < self._spec.recipe.steps:
            self.write_checkpoint(state)
        return self._stop.requested

    def _record_snapshot(self, state: State, more: dict[str, Any]) -> None:
        """Take a snapshot; without room for it there are no more, and the animation of a report ends there."""
        content = snapshot(preview_samples(state, self._spec))
        if content is None:  # a generator on its way to diverging may make nothing that can be drawn
            return
        try:
            self.recorder.folder.append_snapshot({"step": state.step, **content, **more})
        except StoreError as error:
            self._snapshot_steps = frozenset()
            self._unwritten(f"no snapshots from step {state.step} on", error)

    def write_checkpoint(self, state: State) -> str:
        """Write all that is needed to go on; return why it could not be written, or an empty text.

        A full disk may have room again later, and the checkpoint before this one is still there: training goes on.
        """
        problem = ""
        with self.recorder.not_training():
            try:
                content = {
                    "state": state.state_dict(),
                    "objective": self._objective.state_dict() if self._objective is not None else {},
                    "record": self.recorder.state_dict(),
                }
                checkpoint.save(self.recorder.folder.checkpoint, self.recorder.trial.trial_id, content)
            except StoreError as error:
                problem = self._unwritten(f"no checkpoint at step {state.step}", error)
        self._written = time.monotonic()
        return problem

    def _unwritten(self, what: str, error: StoreError) -> str:
        """Say in the log and in the result what the trial goes on without, and why; return that line."""
        problem = f"{what}: {str(error).partition(';')[0]}"
        print(problem, file=sys.stderr)
        self.recorder.warn(problem)
        return problem

    def interrupted(self, state: State) -> str:
        """Save a trial that was asked to stop, so that it can be resumed; return its status."""
        problem = self.write_checkpoint(state)
        reason = f"stopped after step {state.step}{problem and '; '}{problem}; run again to resume"
        self.recorder.folder.write_status("interrupted", reason)
        return "interrupted"
