"""ganbench's own training loop, as a trial runs it, for a given number of steps."""

import torch
from torch import Tensor, nn

from benchmarks.harness import timed
from benchmarks.training.floor import counted
from benchmarks.training.operators import shares
from benchmarks.training.workloads import Workload
from ganbench.api import Architecture, Networks
from ganbench.training.loop import train, whole_step
from ganbench.training.objective import Objective
from ganbench.training.recorded import WARM_UP
from ganbench.training.state import State


class Silent:
    """An observer that wants nothing."""

    def report(self, state: State, discriminator_loss: float, generator_loss: float) -> None:
        """Nothing is written."""

    def evaluate(self, state: State) -> None:
        """Nothing is scored."""

    def after_step(self, state: State) -> bool:
        """Go on."""
        return False


class Ours:
    """Trains a workload; every call goes on where the last one ended."""

    def __init__(self, workload: Workload, *, device: str = "cpu", **recipe: object) -> None:
        self._recipe = workload.settings.model_copy(update=recipe)
        loss = workload.build_loss()
        self._objective = Objective(loss=loss, penalties=(loss.penalty,) if loss.penalty is not None else ())
        self._state = State(
            architecture=workload.architecture,
            samples=workload.samples(),
            recipe=self._recipe,
            seed=0,
            device=torch.device(device),
        )
        self._one_step = whole_step(self._state, self._objective, self._recipe)
        self.steps(WARM_UP + 1)  # with the last of which all further ones are recorded, once in a trial

    def steps(self, count: int) -> float:
        """Train ``count`` steps and return the seconds per step."""
        until = self._recipe.model_copy(update={"steps": self._state.step + count})

        def work() -> None:
            train(self._state, self._objective, until, Silent(), evaluate_every=0, one_step=self._one_step)

        return timed(work, self._state.device) / count

    def operators(self, count: int) -> dict[str, float]:
        """The operators that take the largest shares of the time of ``count`` steps."""
        return shares(lambda: self.steps(count))

    def flops(self) -> int:
        """The floating-point operations of one step: a generator update after ``n_critic`` discriminator updates."""
        # On a GPU a recording calls no operators that could be counted; on a CPU it leaves some out.
        recorded = self._state.device.type == "cpu"
        return counted(self._one_step if recorded else whole_step(self._state, self._objective, self._recipe))


class Flat(nn.Module):
    """Raw outputs (N, 1) of a peer's discriminator as (N,)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        raw: Tensor = self.network(x).flatten()
        return raw


class Theirs(Architecture):
    """A peer's networks, to be trained by ganbench's loop."""

    def __init__(self, generator: type[nn.Module], discriminator: type[nn.Module]) -> None:
        self._classes = (generator, discriminator)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        """Return the peer's networks as it initialises them."""
        generator, discriminator = self._classes
        return Networks(generator(latent_dim), Flat(discriminator()))
