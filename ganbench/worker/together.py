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
from ganbench.spec import Execution, TrialSpec
from ganbench.training.batchable import obstacle_to_batching
from ganbench.training.batched import train_together
from ganbench.training.batched_model import Member
from ganbench.trial import fresh_or_resumed, fresh_state, run_trial
from ganbench.worker.failures import ended_by
from ganbench.worker.heap import keep_freed_memory
from ganbench.worker.outputs import conclude
from ganbench.worker.parts import Parts, build_objective
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
        place = environment.place()
        for recorder in recorders:
            recorder.folder.append_start({"time": recorder.started, **place})
            recorder.folder.write_status("running", started=recorder.started, **place)
        torch.set_num_threads(first.execution.threads)
        batch = _Batch([recorder.trial.spec for recorder in recorders], first.execution, recorders, stop)
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


def _real_images(member: Member) -> int:
    return member.state.real_images


class _Batch:
    """The trials while they run."""

    def __init__(
        self, specs: Sequence[TrialSpec], execution: Execution, recorders: Sequence[Recorder], stop: StopFlag
    ) -> None:
        spec = specs[0]
        if any(other.model_copy(update={"seed": spec.seed}) != spec for other in specs) or spec.architecture is None:
            raise UsageError("only trials that differ in nothing but their seed can be trained together")
        registry = plugins.load().registry
        self._specs = specs
        self._stop = stop
        self._parts = parts = Parts(spec, execution, registry)
        if parts.device.type == "cpu":
            keep_freed_memory()
        architecture: Architecture = components.rebuild("architecture", spec.architecture, registry)
        torch.backends.cudnn.benchmark = False
        # Kept by nobody: those that are trained are built after these are gone, so that a device never holds both.
        tried = [fresh_state(one, architecture, parts) for one in specs]
        self.obstacle = obstacle_to_batching(architecture, tried, spec.recipe)
        del tried
        self._recorders: dict[Member, Recorder] = {}
        self._watchers: dict[Member, Watcher] = {}
        if self.obstacle:
            return
        for one, recorder in zip(specs, recorders, strict=True):
            objective = build_objective(one, registry)
            if objective is None:
                raise UsageError("only a baseline has no loss, and baselines are not trained together")
            recorder.beside = len(specs) - 1
            recorder.warn(*environment.cautions(one, execution, parts.device))
            recorder.prepared(parts.values, parts.owners, environment.describe(execution, parts.device), parts.device)
            state, resumed = fresh_or_resumed(one, architecture, parts, objective, recorder)
            watcher = Watcher(one, execution, parts, objective, recorder, stop)
            member = Member(state=state, objective=objective, observer=watcher)
            self._recorders[member], self._watchers[member] = recorder, watcher
            if not resumed:
                watcher.first_snapshot(state)

    def run(self) -> list[str]:
        """Train all to their ends; return their statuses."""
        statuses: dict[Member, str] = {}
        spec = self._specs[0]

        def end(member: Member, error: Exception | None) -> None:
            recorder = self._recorders[member]
            try:
                if error is not None:
                    raise error
                conclude(member.state, recorder.trial.spec, self._parts, recorder)
                statuses[member] = "done"
            except BaseException as problem:
                statuses[member] = ended_by(problem, recorder)

        for member, recorder in self._recorders.items():
            recorder.begin(partial(_real_images, member))
        try:
            train_together(list(self._recorders), spec.recipe, evaluate_every=spec.evaluation.every, end=end)
        except BaseException as error:
            # Of the batch, not of one member: out of memory, for example.
            for member in self._recorders.keys() - statuses.keys():
                statuses[member] = ended_by(error, self._recorders[member])
        for member, watcher in self._watchers.items():
            if member not in statuses:
                try:
                    statuses[member] = watcher.interrupted(member.state)
                except StoreError as problem:  # the others are to have their checkpoints all the same
                    statuses[member] = ended_by(problem, self._recorders[member])
        return [statuses[member] for member in self._recorders]
