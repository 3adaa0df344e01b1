"""Several seeds of one trial as one batched model: one network and one optimiser in place of each seed's own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganbench.spec import Recipe
from ganbench.training.batchable import judges_each_alone
from ganbench.training.loop import Observer
from ganbench.training.objective import Objective
from ganbench.training.stacked import Stacked, StackedOptimiser
from ganbench.training.state import State


@dataclass(kw_only=True, eq=False)
class Member:
    """One seed: its state, what its players minimise, and who watches it."""

    state: State
    objective: Objective
    observer: Observer


class BatchedModel:
    """The members' networks and optimisers as one of each while the context lasts; afterwards each has its own again.

    Attributes:
        errors: the first error of each member whose own code has failed.
    """

    def __init__(self, members: Sequence[Member], recipe: Recipe) -> None:
        self.members = members
        self.recipe = recipe
        self.errors: dict[Member, Exception] = {}
        self._strict = False
        self._together: bool | None = None
        states = [member.state for member in members]
        self.generator = Stacked([state.generator for state in states])
        self.discriminator = Stacked([state.discriminator for state in states])
        self.g_optimiser = StackedOptimiser(
            self.generator, [state.g_optimiser for state in states], recipe.g_lr, recipe
        )
        self.d_optimiser = StackedOptimiser(
            self.discriminator, [state.d_optimiser for state in states], recipe.d_lr, recipe
        )
        for index, state in enumerate(states):
            state.refresh = partial(self._hand_back, index)

    @property
    def states(self) -> list[State]:
        """Of each member."""
        return [member.state for member in self.members]

    @property
    def networks(self) -> list[nn.Module]:
        """Each member's own, whose weights are parts of the stacks."""
        return [network for state in self.states for network in state.networks]

    @property
    def optimisers(self) -> tuple[Optimizer, Optimizer]:
        """Those of the stacks: the generators' and the discriminators'."""
        return self.g_optimiser.optimiser, self.d_optimiser.optimiser

    @property
    def device(self) -> torch.device:
        """The device that everything is on."""
        return self.members[0].state.device

    def judge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Raw outputs (K, N) of the discriminators for samples (K, N, ...), in the two calls or the one of the recipe.

        Two calls are one if that makes no difference: larger products of matrices are faster.
        """
        if self._together is None:
            self._together = self.recipe.discriminator_batch == "joint" or judges_each_alone(
                self.states[0].discriminator, real[0], fake[0]
            )
        if not self._together:
            return self.discriminator(real), self.discriminator(fake)
        r, f = self.discriminator(torch.cat([real, fake], dim=1)).chunk(2, dim=1)
        return r, f

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for index, member in enumerate(self.members):
            self._hand_back(index)
            member.state.refresh = None
        self.generator.separate()
        self.discriminator.separate()

    @contextmanager
    def own(self, member: Member) -> Iterator[None]:
        """Around code that is one member's own: what it raises ends that member, and the others finish their step."""
        try:
            yield
        except Exception as error:
            if self._strict:
                raise
            self.errors.setdefault(member, error)

    @contextmanager
    def strict(self) -> Iterator[None]:
        """Let through what a member's own code raises, as long as this is entered: it is tried, and nobody's step."""
        self._strict = True
        try:
            yield
        finally:
            self._strict = False

    def _hand_back(self, index: int) -> None:
        """Bring a member's own optimisers to where the shared ones are; its weights are there already."""
        self.g_optimiser.hand_back(index)
        self.d_optimiser.hand_back(index)
