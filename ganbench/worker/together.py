"""The worker for several trials that differ in nothing but their seed: trained as one batched model.

Each keeps what a trial has: its folder, progress, evaluations, checkpoints, result and status. Data, extractor and the
reference's features are there once for all. Where the networks cannot be batched, the trials run one after another.
"""

import sys
from collections.abc import Sequence
from functools import partial

import torch

from ganbench import plugins
from ganbench.api import Architecture
from ganbench.errors import StoreError, UsageError
from ganbench.provenance import environment
from ganbench.records.folder import NOT_STARTED, TrialFolder
from ganbench.resolving import components
from ganbench.spec import Execution
from ganbench.training.batchable import obstacle_to_batching
from ganbench.training.batched import train_together
from ganbench.training.batched_model import Member
from ganbench.trial import fresh_or_resumed, fresh_state, run_trial
from ganbench.worker.failures import ended_by
from ganbench.worker.heap import keep_freed_memory
from ganbench.worker.outputs import conclude
from ganbench.worker.parts import Parts
from ganbench.worker.recording import Recorder
from ganbench.worker.watcher import StopFlag, Watcher, stop_on_signals


def run_together(leader: TrialFolder) -> list[str]:
    """Run the trial of ``leader`` and those its specification names beside it; return their statuses.

    Never raises for a failed trial.
    """
    first = leader.read_spec()
    folders = [leader, *(TrialFolder(leader.path.parent / name) for name in first.execution.beside)]
    recorders = [Recorder(folder, folder.read_spec()) for folder in folders]
    stop = stop_on_signals()
    try:
        for recorder in recorders:
            recorder.start()
        torch.set_num_threads(first.execution.threads)
        batch = _Batch(first.execution, recorders, stop)
    except BaseException as error:
        return [ended_by(error, recorder) for recorder in recorders]
    if not batch.obstacle:
        return batch.run()
    print(f"not batched, so the seeds run one after another: {batch.obstacle}", flush=True)
    del batch  # and what it has on the device: each trial brings its own
    return _one_after_another(folders, stop)


def _one_after_another(folders: Sequence[TrialFolder], stop: StopFlag) -> list[str]:
    statuses: list[str] = []
    for folder in folders:
        if stop.requested:  # perhaps while the one before concluded
            try:
                folder.write_status("interrupted", NOT_STARTED)
            except StoreError as problem:  # as of every status that cannot be written, the log has it
                print(f"{folder.trial_id}: {NOT_STARTED} ({problem})", file=sys.stderr)
            statuses.append("interrupted")
        else:
            statuses.append(run_trial(folder, stop))
    return statuses


class _Batch:
    """The trials while they run.

    Attributes:
        obstacle: why they cannot be trained as one; empty where they can.
    """

    def __init__(self, execution: Execution, recorders: Sequence[Recorder], stop: StopFlag) -> None:
        specs = [recorder.trial.spec for recorder in recorders]
        self._spec = spec = specs[0]
        if any(other.model_copy(update={"seed": spec.seed}) != spec for other in specs) or spec.architecture is None:
            raise UsageError("only trials that differ in nothing but their seed can be trained together")
        if spec.loss is None:
            raise UsageError("only a baseline has no loss, and baselines are not trained together")
        registry = plugins.load().registry
        self._parts = parts = Parts(spec, execution, registry)
        if parts.device.type == "cpu":
            keep_freed_memory()
        architecture: Architecture = components.rebuild("architecture", spec.architecture, registry)
        torch.backends.cudnn.benchmark = False
        # Kept by nobody: those that are trained are built after these are gone, so that a device never holds both.
        tried = [fresh_state(one, architecture, parts) for one in specs]
        self.obstacle = obstacle_to_batching(architecture, tried, spec.recipe)
        del tried
        self._running: dict[Member, tuple[Recorder, Watcher]] = {}
        if self.obstacle:
            return
        for recorder in recorders:
            recorder.beside = len(recorders) - 1
            recorder.warn(*environment.cautions(spec, execution, parts.device))
            recorder.prepared(parts.values, parts.owners, environment.describe(execution, parts.device), parts.device)
            state, objective, resumed = fresh_or_resumed(architecture, parts, registry, recorder)
            assert objective is not None  # it has a loss
            watcher = Watcher(parts, objective, recorder, stop)
            self._running[Member(state=state, objective=objective, observer=watcher)] = recorder, watcher
            if not resumed:
                watcher.first_snapshot(state)

    def run(self) -> list[str]:
        """Train all to their ends; return their statuses."""
        statuses: dict[Member, str] = {}

        def end(member: Member, error: Exception | None) -> None:
            recorder, _ = self._running[member]
            try:
                if error is not None:
                    raise error
                conclude(member.state, self._parts, recorder)
                statuses[member] = "done"
            except BaseException as problem:
                statuses[member] = ended_by(problem, recorder)

        for member, (recorder, _) in self._running.items():
            recorder.begin(partial(_real_images, member))
        try:
            every = self._spec.evaluation.every
            train_together(list(self._running), self._spec.recipe, evaluate_every=every, end=end)
        except BaseException as error:
            # Of the batch, not of one member: out of memory, for example.
            for member in self._running.keys() - statuses.keys():
                statuses[member] = ended_by(error, self._running[member][0])
        for member, (recorder, watcher) in self._running.items():
            if member not in statuses:
                try:
                    statuses[member] = watcher.interrupted(member.state)
                except BaseException as problem:  # of this member alone, as what its penalty remembers
                    statuses[member] = ended_by(problem, recorder)
        return [statuses[member] for member in self._running]


def _real_images(member: Member) -> int:
    return member.state.real_images
