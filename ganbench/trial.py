"""The worker: one trial, from its specification to its result. ``python -m ganbench.trial SPEC DIR``."""

import os
import sys
from pathlib import Path
from typing import Any

import torch

from ganbench import plugins
from ganbench.api import Architecture
from ganbench.errors import UsageError
from ganbench.provenance import environment
from ganbench.records.folder import TrialFolder
from ganbench.registry import Registry
from ganbench.resolving import components
from ganbench.spec import TrialSpec
from ganbench.training import checkpoint
from ganbench.training.loop import Objective, train
from ganbench.training.state import State
from ganbench.worker.failures import ended_by
from ganbench.worker.heap import keep_freed_memory
from ganbench.worker.outputs import conclude
from ganbench.worker.parts import Parts, build_objective, held_out
from ganbench.worker.recording import Recorder
from ganbench.worker.rescoring import score_given
from ganbench.worker.watcher import StopFlag, Watcher, stop_on_signals

EXIT = {"done": 0, "interrupted": 130}


def run_trial(folder: TrialFolder, stop: StopFlag | None = None) -> str:
    """Run the trial of a folder to its end, whatever it is, and return its status. Never raises for a failed trial.

    Args:
        folder: the trial's.
        stop: the flag of a process that runs several trials; by default signals set one of this trial's own.
    """
    trial = folder.read_spec()
    recorder = Recorder(folder, trial)
    stop = stop_on_signals() if stop is None else stop
    try:
        recorder.start()
        torch.set_num_threads(trial.execution.threads)
        return _run(recorder, stop)
    except BaseException as error:  # a component may even raise SystemExit
        return ended_by(error, recorder)


def _run(recorder: Recorder, stop: StopFlag) -> str:
    spec, execution = recorder.trial.spec, recorder.trial.execution
    environment.forget_peak(torch.device(execution.device))
    registry = plugins.load().registry
    parts = Parts(spec, execution, registry)
    if parts.device.type == "cpu":
        keep_freed_memory()
    recorder.prepared(parts.values, parts.owners, environment.describe(execution, parts.device), parts.device)
    recorder.warn(*environment.cautions(spec, execution, parts.device))
    if spec.baseline == "real":
        recorder.begin_anew()
        from_train = parts.reference is not parts.train
        recorder.evaluation(0, 0, parts.evaluator.score_real(held_out(parts, spec), from_train=from_train))
        recorder.finish("done")
        return "done"

    if execution.source_path:
        recorder.begin_anew()
        score_given(parts.evaluator, recorder)
        return "done"

    if spec.architecture is None:
        raise UsageError("only the baseline 'real' has no architecture")
    architecture: Architecture = components.rebuild("architecture", spec.architecture, registry)
    torch.backends.cudnn.benchmark = False
    state, objective, resumed = fresh_or_resumed(architecture, parts, registry, recorder)
    observer = Watcher(parts, objective, recorder, stop)
    if objective is None:
        observer.evaluate(state)
    else:
        if not resumed:
            observer.first_snapshot(state)
        recorder.begin(lambda: state.real_images)
        if not train(state, objective, spec.recipe, observer, evaluate_every=spec.evaluation.every):
            return observer.interrupted(state)
    conclude(state, parts, recorder)
    return "done"


def fresh_state(spec: TrialSpec, architecture: Architecture, parts: Parts) -> State:
    """The state before the first step."""
    return State(
        architecture=architecture,
        samples=parts.resident,
        recipe=spec.recipe,
        seed=spec.seed,
        device=parts.device,
        augmentations=parts.augmentations,
    )


def fresh_or_resumed(
    architecture: Architecture, parts: Parts, registry: Registry, recorder: Recorder
) -> tuple[State, Objective | None, bool]:
    """The state that training begins with, and what it minimises; whether they are those of a checkpoint.

    The checkpoint is the newest that is usable.
    """
    spec = recorder.trial.spec

    def build() -> tuple[State, Objective | None]:
        objective = build_objective(spec, registry)  # before the state, which sets the stream that layers draw from
        return fresh_state(spec, architecture, parts), objective

    # Built before a checkpoint is looked at: where building fails, the checkpoint is not to blame.
    unused = [build()]

    def fresh() -> tuple[State, Objective | None]:
        """What nothing was loaded into, not even in part by an attempt that failed."""
        return unused.pop() if unused else build()

    def take(content: dict[str, Any]) -> tuple[State, Objective | None, dict[str, Any]]:
        recorder.folder.require_written(content["record"]["written"])
        state, objective = fresh()
        state.load_state_dict(content["state"])
        if objective is not None:
            objective.load_state_dict(content["objective"])
        return state, objective, content["record"]

    taken, warnings = checkpoint.latest(recorder.folder.checkpoint, recorder.trial.trial_id, take)
    recorder.warn(*warnings)
    if taken is None:
        state, objective = fresh()
        recorder.begin_anew()
    else:
        state, objective, record = taken
        recorder.go_on(state.step, state.real_images, record)
    recorder.attempt()
    if len(parts.train.shape) == 3 and state.memory_format is not torch.channels_last:
        print("the networks run in the plain memory layout: they fail or differ in channels-last", flush=True)
    return state, objective, taken is not None


def main(arguments: list[str] | None = None) -> int:
    """Run the trial whose specification and folder are named; the exit code is 0 only for a trial that is done."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 2:
        print("usage: python -m ganbench.trial SPEC DIR", file=sys.stderr)
        return 2
    spec, path = Path(arguments[0]), Path(arguments[1])
    folder = TrialFolder(path)
    folder.spec = spec
    os.makedirs(path, exist_ok=True)
    if folder.read_spec().execution.beside:
        from ganbench.worker.together import run_together

        return max(EXIT.get(status, 1) for status in run_together(folder))
    return EXIT.get(run_trial(folder), 1)


if __name__ == "__main__":
    sys.exit(main())
