"""Several trials that differ in nothing but their seed, trained as one batched model.

Each keeps what a trial has: its folder, progress, evaluations, checkpoints, result and status. Data, extractor and the
reference's features are there once for all.
"""

from collections.abc import Sequence
from functools import partial

import torch

from ganbench import plugins
from ganbench.errors import StoreError, UsageError
from ganbench.training.batchable import obstacle_to_batching
from ganbench.training.batched import train_together
from ganbench.training.batched_model import Member
from ganbench.worker.failures import ended_by
from ganbench.worker.heap import keep_freed_memory
from ganbench.worker.outputs import conclude
from ganbench.worker.parts import Parts
from ganbench.worker.recording import Recorder
from ganbench.worker.resuming import fresh_or_resumed, fresh_state
from ganbench.worker.watcher import StopFlag, Watcher


class Batch:
    """The trials of some seeds, in one process.

    Attributes:
        obstacle: why they cannot be trained as one; empty where they can.
    """

    def __init__(self, recorders: Sequence[Recorder], stop: StopFlag) -> None:
        """Build what they share, and find out whether their networks can be batched.

        Raises:
            Exception: what they share cannot be built, or they differ in more than their seed.
        """
        specs = [recorder.trial.spec for recorder in recorders]
        execution = recorders[0].trial.execution
        self._recorders, self._stop = recorders, stop
        for recorder in recorders:  # before anything can fail: what ends them now ends them as a batch
            recorder.beside = len(recorders) - 1
        self._spec = spec = specs[0]
        if any(other.model_copy(update={"seed": spec.seed}) != spec for other in specs):
            raise UsageError("only trials that differ in nothing but their seed can be trained together")
        if spec.loss is None:
            raise UsageError("only a baseline has no loss, and baselines are not trained together")
        torch.set_num_threads(execution.threads)
        self._parts = parts = Parts(spec, execution, plugins.load().registry)
        if parts.device.type == "cpu":
            keep_freed_memory()
        torch.backends.cudnn.benchmark = False
        # Kept nowhere: those that are trained are built when these are gone, so that a device never holds both.
        self.obstacle = obstacle_to_batching(
            parts.architecture, [fresh_state(one, parts) for one in specs], spec.recipe
        )
        if self.obstacle:  # from here on each is a trial of its own
            for recorder in recorders:
                recorder.beside = 0

    def run(self) -> list[str]:
        """Train all to their ends; return their statuses. Never raises for a failed trial."""
        statuses: dict[Recorder, str] = {}
        watchers: dict[Member, Watcher] = {}
        try:
            for recorder in self._recorders:
                try:
                    member, watcher = self._begin(recorder)
                except StoreError as error:  # of its own folder: the others are trained without it
                    statuses[recorder] = ended_by(error, recorder)
                else:
                    watchers[member] = watcher
        except BaseException as error:
            # Of the batch, not of one member: out of memory, for example.
            return [statuses.get(one) or ended_by(error, one) for one in self._recorders]
        self._train(watchers, statuses)
        return [statuses[recorder] for recorder in self._recorders]

    def _train(self, watchers: dict[Member, Watcher], statuses: dict[Recorder, str]) -> None:
        """Train those that have begun; each has a status afterwards."""

        def end(member: Member, error: Exception | None) -> None:
            recorder = watchers[member].recorder
            try:
                if error is not None:
                    raise error
                conclude(member.state, self._parts, recorder)
                statuses[recorder] = "done"
            except BaseException as problem:
                statuses[recorder] = ended_by(problem, recorder)

        try:
            for member, watcher in watchers.items():
                watcher.recorder.train(partial(_real_images, member))
            every = self._spec.evaluation.every
            train_together(list(watchers), self._spec.recipe, evaluate_every=every, end=end)
        except BaseException as error:
            # Of the batch, not of one member: out of memory, for example.
            for watcher in watchers.values():
                if watcher.recorder not in statuses:
                    statuses[watcher.recorder] = ended_by(error, watcher.recorder)
        for member, watcher in watchers.items():
            recorder = watcher.recorder
            if recorder not in statuses:
                try:
                    statuses[recorder] = watcher.interrupted(member.state)
                except BaseException as problem:  # of this member alone, as what its penalty remembers
                    statuses[recorder] = ended_by(problem, recorder)

    def _begin(self, recorder: Recorder) -> tuple[Member, Watcher]:
        """Build one seed's state, or read it from its checkpoint."""
        parts = self._parts
        recorder.start()
        recorder.prepared(parts.values, parts.owners, parts.device)
        state, objective = fresh_or_resumed(parts, recorder)
        assert objective is not None  # it has a loss
        watcher = Watcher(parts, objective, recorder, self._stop)
        watcher.first_snapshot(state)
        return Member(state=state, objective=objective, observer=watcher), watcher


def _real_images(member: Member) -> int:
    return member.state.real_images
