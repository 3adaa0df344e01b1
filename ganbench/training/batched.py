"""Several seeds of one trial trained as one batched model: one call of each network for all of them.

Nothing is shared between the seeds but the calls. Each has its own state, with its own random streams, data order and
objective; its networks' weights are views into stacks of all seeds' weights, (K, ...) for K seeds, so that whatever
looks at one seed's state sees what it would see had the seed been trained alone. As no seed's loss depends on another's
weights, the gradient of the sum of all losses is every seed's own gradient, and an optimiser that works element by
element makes of it every seed's own update.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from ganbench import seeds
from ganbench.api import Architecture
from ganbench.errors import in_one_line
from ganbench.evaluation.isolation import full_precision
from ganbench.spec import Recipe
from ganbench.training.adversarial import adversarial_loss
from ganbench.training.loop import (
    Objective,
    Observer,
    add_penalties,
    begin,
    latents,
    precision,
    widened,
)
from ganbench.training.optimisers import set_rate
from ganbench.training.stacked import Stacked, StackedOptimiser
from ganbench.training.state import State, nothing


@dataclass(kw_only=True, eq=False)
class Member:
    """One seed: its state, what its players minimise, and who watches it."""

    state: State
    objective: Objective
    observer: Observer


End = Callable[[Member, Exception | None], None]
"""Told of each member that has reached its last step, or that has ended with an error."""


class Stack:
    """The members' networks and optimisers as one of each, while the context lasts; afterwards each has its own.

    ``errors`` holds the first error of each member whose own code has failed.
    """

    def __init__(self, members: Sequence[Member], recipe: Recipe) -> None:
        self.members = members
        self.recipe = recipe
        self.errors: dict[Member, Exception] = {}
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self.members:
            member.state.refresh()
            member.state.refresh = nothing
        self.generator.separate()
        self.discriminator.separate()

    @contextmanager
    def own(self, member: Member) -> Iterator[None]:
        """Around code that is one member's own: what it raises ends that member, and the others finish their step."""
        try:
            yield
        except Exception as error:
            self.errors.setdefault(member, error)

    def _hand_back(self, index: int) -> None:
        self.g_optimiser.hand_back(index)
        self.d_optimiser.hand_back(index)


def obstacle(architecture: Architecture, states: Sequence[State], recipe: Recipe) -> str:
    """Say why these seeds cannot be trained as one batched model; empty where they can. Changes nothing.

    Both networks are called once, on copies: what draws random numbers or decides by its data cannot be batched, and
    what does not come out as from each network alone must not be.
    """
    if architecture.conditioning != "none":
        return "its networks take class labels"
    device, tolerance = states[0].device, 1e-3 if recipe.precision == "float32" else 5e-2
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(len(states), states[0].samples_per_update, recipe.latent_dim, generator=rng).to(device)
    x = z
    try:
        for networks in ([state.generator for state in states], [state.discriminator for state in states]):
            alone, stacked = copy.deepcopy(networks), copy.deepcopy(networks)
            # Not in TF32: a convolution of all networks may be another kernel than each network's own, as where
            # they have one channel each, and would be rounded otherwise.
            with torch.no_grad(), full_precision(), precision(recipe, device):
                given, x = x, widened(Stacked(stacked)(x))
                for network, batched, own, found in zip(alone, stacked, given, x, strict=True):
                    pairs = [(widened(network(own)), found), *zip(network.buffers(), batched.buffers(), strict=True)]
                    if not all(_close(a, b, tolerance) for a, b in pairs):
                        return f"{type(network).__name__} computes something else when it is batched"
    except Exception as error:  # of whatever kind: where they are trained one by one, a real one shows itself
        return in_one_line(error, 200)
    return ""


def train_together(members: Sequence[Member], recipe: Recipe, *, evaluate_every: int, end: End) -> bool:
    """Train all members to the recipe's last step.

    Members that were taken up from different steps catch up first. A member whose own code fails, which is its loss,
    its penalties, its augmentations and its observer, is ended with that error, and leaves the others to go on as they
    would have.

    Returns:
        Whether every member has ended; false where an observer asked to stop earlier.

    Raises:
        Exception: what the shared networks and optimisers raised. It is no member's own, and ``end`` is not told.
    """
    for member in members:
        begin(member.state, member.objective, recipe)
    going = list(members)
    while going:
        start = min(member.state.step for member in going)
        group = [member for member in going if member.state.step == start]
        until = min([recipe.steps, *(member.state.step for member in going if member.state.step > start)])
        with Stack(group, recipe) as stack:
            stopped = _advance(stack, until, evaluate_every)
        for member in group:
            error = stack.errors.get(member)
            if error is not None or member.state.step == recipe.steps:
                going.remove(member)
                end(member, error)
        if stopped and going:
            return False
    return True


def _advance(stack: Stack, until: int, evaluate_every: int) -> bool:
    """Train to the step ``until``, or to the first at which a member fails or its observer asks to stop.

    The schedule is that of :func:`ganbench.training.loop.train`. Returns whether an observer asked to stop.
    """
    members, recipe = stack.members, stack.recipe
    report_every = max(1, recipe.steps // 100)
    stopped = False
    step = members[0].state.step
    while step < until and not stack.errors and not stopped:
        step += 1
        set_rate(stack.d_optimiser.optimiser, recipe.d_lr, recipe, step)
        set_rate(stack.g_optimiser.optimiser, recipe.g_lr, recipe, step)
        for _ in range(recipe.n_critic):
            d_losses = discriminator_updates(stack)
            _look(members, step, d_losses)
        g_losses = generator_updates(stack)
        _look(members, step, g_losses)
        last = step == recipe.steps
        for index, member in enumerate(members):
            if member in stack.errors:
                continue
            state, observer = member.state, member.observer
            if state.average is not None:
                state.average.update(state.generator, step)
            state.step = step
            with stack.own(member):
                if step % report_every == 0 or last:
                    state.watch.check()
                    observer.report(state, float(d_losses[index]), float(g_losses[index]))
                if last or (evaluate_every and step % evaluate_every == 0):
                    state.watch.check()
                    observer.evaluate(state)
                stopped |= observer.after_step(state) and not last
    if stopped:
        for member in members:
            with stack.own(member):
                member.state.watch.check()
    return stopped


def discriminator_updates(stack: Stack) -> Tensor:
    """One update of every member's discriminator on its own samples; returns their losses (K,)."""
    members, recipe = stack.members, stack.recipe
    device = members[0].state.device
    real = torch.stack([member.state.batches.next() for member in members])
    for member in members:
        member.state.real_images += real.shape[1]
    with torch.no_grad(), precision(recipe, device):
        fake = stack.generator(torch.stack([latents(member.state, recipe) for member in members]))
    fake = widened(fake)
    if recipe.replay:
        fake = torch.stack([_mixed(member.state, own) for member, own in zip(members, fake, strict=True)])
    real, fake = _augmented(stack, real), _augmented(stack, fake)

    with precision(recipe, device):
        if recipe.discriminator_batch == "joint":
            r, f = stack.discriminator(torch.cat([real, fake], dim=1)).chunk(2, dim=1)
        else:
            r, f = stack.discriminator(real), stack.discriminator(fake)
    r, f = widened(r), widened(f)
    for member, own in zip(members, r, strict=True):
        if member.state.adaptation is not None:
            member.state.adaptation.observe(own, real.shape[1])
    critics = stack.discriminator.each()
    each = []
    for member, critic, real_own, fake_own, r_own, f_own in zip(members, critics, real, fake, r, f, strict=True):
        loss = None
        with stack.own(member):
            loss = add_penalties(
                adversarial_loss(member.objective.loss, r_own, f_own, recipe),
                member.objective, critic, real_own, fake_own, r_own, f_own,
                recipe=recipe, rng=member.state.streams[seeds.PENALTY],
            )  # fmt: skip
        each.append(_or_zero(loss, f_own))
    losses = torch.stack(each)
    stack.d_optimiser.update(losses)
    for member in members:
        with stack.own(member):
            for penalty in member.objective.penalties:
                penalty.project(member.state.discriminator)
    return losses.detach()


def generator_updates(stack: Stack) -> Tensor:
    """One update of every member's generator; returns their losses (K,)."""
    members, recipe = stack.members, stack.recipe
    needs_real, count = members[0].objective.loss.needs_real, recipe.g_batches
    real = torch.stack([member.state.batches.next(count) for member in members]) if needs_real else None
    with precision(recipe, members[0].state.device):
        fake = stack.generator(torch.stack([latents(member.state, recipe, count) for member in members]))
        f = widened(stack.discriminator(_augmented(stack, fake), frozen=True))
        r = None
        if real is not None:
            r = widened(stack.discriminator(_augmented(stack, real), frozen=True))
    each_r: Sequence[Tensor | None] = [None] * len(members) if r is None else r.unbind()
    each = []
    for member, f_own, r_own in zip(members, f, each_r, strict=True):
        loss = None
        with stack.own(member):
            loss = member.objective.loss.generator(f_own, r_own)
        each.append(_or_zero(loss, f_own))
    losses = torch.stack(each)
    stack.g_optimiser.update(losses)
    return losses.detach()


def _or_zero(loss: Tensor | None, outputs: Tensor) -> Tensor:
    """The loss, or, for a member that has failed, one that moves nothing and can be differentiated like the others'."""
    return 0.0 * outputs.sum() if loss is None else loss


def _augmented(stack: Stack, images: Tensor) -> Tensor:
    if not stack.members[0].state.augment.transforms:
        return images
    each = []
    for member, own in zip(stack.members, images, strict=True):
        augmented = own
        with stack.own(member):
            augmented = member.state.augment(own)
        each.append(augmented)
    return torch.stack(each)


def _mixed(state: State, fake: Tensor) -> Tensor:
    return state.replay.mix(fake) if state.replay is not None else fake


def _look(members: Sequence[Member], step: int, losses: Tensor) -> None:
    for member, loss in zip(members, losses, strict=True):
        member.state.watch.look(step, loss)


def _close(one: Tensor, other: Tensor, tolerance: float) -> bool:
    """Whether two tensors differ by no more than rounding, as a share of their size."""
    if not one.is_floating_point():
        return torch.equal(one, other)
    one, other = one.double(), other.double()
    return bool((one - other).norm() <= tolerance * one.norm())
