"""The worker: one trial, from its specification to its result. ``python -m ganbench.trial SPEC DIR``.

Seeds of one cell can be handed over together: they are trained as one batched model, or else one after another.
"""

import os
import sys
from pathlib import Path

import torch

from ganbench import plugins
from ganbench.errors import StoreError
from ganbench.provenance import environment
from ganbench.records.folder import NOT_STARTED, TrialFolder
from ganbench.training.loop import train
from ganbench.worker.failures import ended_by
from ganbench.worker.heap import keep_freed_memory
from ganbench.worker.outputs import conclude
from ganbench.worker.parts import Parts
from ganbench.worker.recording import Recorder
from ganbench.worker.rescoring import score_given, score_real_data
from ganbench.worker.resuming import fresh_or_resumed
from ganbench.worker.together import Batch
from ganbench.worker.watcher import StopFlag, Watcher, stop_on_signals

EXIT = {"done": 0, "interrupted": 130}


def run_trial(folder: TrialFolder, stop: StopFlag | None = None) -> str:
    """Run the trial of a folder to its end, whatever it is, and return its status. Never raises for a failed trial.

    Args:
        folder: the trial's.
        stop: asks it to stop; by default a flag that signals set.
    """
    return _run_to_its_end(Recorder(folder, folder.read_spec()), stop_on_signals() if stop is None else stop)


def run_seeds(leader: TrialFolder, stop: StopFlag | None = None) -> list[str]:
    """Run the trial of ``leader`` and those that its specification names beside it; return their statuses.

    They are trained as one batched model, or one after another where their networks cannot be batched. Never raises
    for a failed trial.

    Args:
        leader: the folder of one; those of the others lie next to it.
        stop: asks them to stop; by default a flag that signals set.
    """
    beside = leader.read_spec().execution.beside
    folders = [leader, *(TrialFolder(leader.path.parent / name) for name in beside)]
    recorders = [Recorder(folder, folder.read_spec()) for folder in folders]
    stop = stop_on_signals() if stop is None else stop
    try:
        recorders[0].start()  # it stands for all until it is known whether the others start now or in their turn
        batch = Batch(recorders, stop)
    except BaseException as error:
        return [ended_by(error, recorder) for recorder in recorders]
    if not batch.obstacle:
        return batch.run()
    print(f"not batched, so the seeds run one after another: {batch.obstacle}", flush=True)
    del batch  # and what it has on the device: each trial brings its own
    statuses: list[str] = []
    for folder in folders:
        if stop.requested:  # perhaps while the one before concluded
            statuses.append(_not_started(folder))
        else:
            # Of the others' time only their own turn counts.
            recorder = recorders[0] if folder is leader else Recorder(folder, folder.read_spec())
            statuses.append(_run_to_its_end(recorder, stop))
    return statuses


def _not_started(folder: TrialFolder) -> str:
    try:
        folder.write_status("interrupted", NOT_STARTED)
    except StoreError as problem:  # as of every status that cannot be written, the log has it
        print(f"{folder.trial_id}: {NOT_STARTED} ({problem})", file=sys.stderr)
    return "interrupted"


def _run_to_its_end(recorder: Recorder, stop: StopFlag) -> str:
    try:
        recorder.start()
        return _run(recorder, stop)
    except BaseException as error:  # a component may even raise SystemExit
        return ended_by(error, recorder)


def _run(recorder: Recorder, stop: StopFlag) -> str:
    spec, execution = recorder.trial.spec, recorder.trial.execution
    torch.set_num_threads(execution.threads)
    environment.forget_peak(torch.device(execution.device))
    parts = Parts(spec, execution, plugins.load().registry)
    if parts.device.type == "cpu":
        keep_freed_memory()
    recorder.prepared(parts.values, parts.owners, parts.device)
    if spec.baseline == "real":
        score_real_data(parts, recorder)
        return "done"
    if execution.source_path:
        score_given(parts.evaluator, recorder)
        return "done"

    torch.backends.cudnn.benchmark = False
    state, objective = fresh_or_resumed(parts, recorder)
    observer = Watcher(parts, objective, recorder, stop)
    if objective is None:
        observer.evaluate(state)
    else:
        observer.first_snapshot(state)
        recorder.train(lambda: state.real_images)
        if not train(state, objective, spec.recipe, observer, evaluate_every=spec.evaluation.every):
            return observer.interrupted(state)
    conclude(state, parts, recorder)
    return "done"


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
        return max(EXIT.get(status, 1) for status in run_seeds(folder))
    return EXIT.get(run_trial(folder), 1)


if __name__ == "__main__":
    sys.exit(main())
