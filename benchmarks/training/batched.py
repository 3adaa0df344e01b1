"""ganbench's training of several seeds as one batched model, for a given number of steps."""

from collections.abc import Sequence

import torch

from benchmarks.harness import timed
from benchmarks.training.operators import shares
from benchmarks.training.ours import Silent
from benchmarks.training.workloads import Workload
from ganbench.training.batched import advance, whole_steps
from ganbench.training.batched_model import BatchedModel, Member
from ganbench.training.objective import Objective
from ganbench.training.recorded import WARM_UP
from ganbench.training.state import State

FOREVER = 2**31
"""More steps than are ever timed."""


class Batched:
    """Trains the seeds of a workload as one batched model."""

    def __init__(self, workload: Workload, seeds: Sequence[int], device: str) -> None:
        self._recipe = workload.settings
        self._members = [
            Member(
                state=State(
                    architecture=workload.architecture,
                    samples=workload.samples(),
                    recipe=self._recipe,
                    seed=seed,
                    device=torch.device(device),
                ),
                objective=Objective(loss=workload.build_loss(), penalties=()),
                observer=Silent(),
            )
            for seed in seeds
        ]
        self._model = BatchedModel(self._members, self._recipe)
        self._one_step = whole_steps(self._model, until=FOREVER)
        self.steps(WARM_UP + 1)  # with the last of which all further ones are recorded, once in a trial

    def steps(self, count: int) -> float:
        """Train ``count`` steps of every seed and return the seconds per seed and step."""
        until = self._members[0].state.step + count

        def work() -> None:
            advance(self._model, until, self._one_step, evaluate_every=0)

        return timed(work, self._members[0].state.device) / count / len(self._members)

    def operators(self, count: int) -> dict[str, float]:
        """The operators that take the largest shares of the time of ``count`` steps."""
        return shares(lambda: self.steps(count))
