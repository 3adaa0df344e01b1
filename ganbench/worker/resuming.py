"""The state that a trial's training begins with: a fresh one, or that of its newest usable checkpoint."""

from typing import Any

import torch

from ganbench.spec import TrialSpec
from ganbench.training import checkpoint
from ganbench.training.objective import Objective
from ganbench.training.state import State
from ganbench.worker.parts import Parts, build_objective
from ganbench.worker.recording import Recorder


def fresh_state(spec: TrialSpec, parts: Parts) -> State:
    """The state before the first step."""
    return State(
        architecture=parts.architecture,
        samples=parts.resident,
        recipe=spec.recipe,
        seed=spec.seed,
        device=parts.device,
        augmentations=parts.augmentations,
    )


def fresh_or_resumed(parts: Parts, recorder: Recorder) -> tuple[State, Objective | None]:
    """Return the state that training begins with, at step 0 where no checkpoint is usable, and what it minimises."""
    spec = recorder.trial.spec

    def build() -> tuple[State, Objective | None]:
        # Before the state, which sets the stream that layers draw from.
        objective = build_objective(spec, parts.registry)
        return fresh_state(spec, parts), objective

    # Built before a checkpoint is looked at: where building fails, the checkpoint is not to blame.
    unused = [build()]

    def fresh() -> tuple[State, Objective | None]:
        """A state that nothing was loaded into, not even in part by an attempt that failed."""
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
        recorder.begin()
    else:
        state, objective, record = taken
        recorder.resume(state.step, state.real_images, record)
    if len(parts.train.shape) == 3 and state.memory_format is not torch.channels_last:
        print("the networks run in the plain memory layout: they fail or differ in channels-last", flush=True)
    return state, objective
