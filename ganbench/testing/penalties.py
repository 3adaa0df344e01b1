"""What a penalty must do, whatever it constrains."""

import math
from copy import deepcopy
from typing import Any

import torch
from torch import nn

from ganbench.api import Penalty
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.loss_outputs import gradients
from ganbench.testing.penalty_critics import batches, build, differentiable, sample_shapes, samples, small_critic, term
from ganbench.testing.penalty_declarations import declared, once_differentiated
from ganbench.testing.penalty_gradients import all_dimensions, batch_size, closed_form, neighbours, positions
from ganbench.testing.penalty_memory import memory
from ganbench.testing.penalty_modes import training_modes
from ganbench.testing.penalty_outputs import on_outputs, reduction
from ganbench.testing.penalty_properties import (
    NOT_YET,
    acts_in_time,
    require_any_device,
    require_derivative,
    require_digits,
    require_repeatable,
    require_undisturbed,
)
from ganbench.testing.trial_streams import stream
from ganbench.testing.used_parameters import used_parameters


def scalar(subject: Subject) -> None:
    """The penalty is a finite scalar, for vectors and images, at any batch size."""
    for shape in sample_shapes(differentiable(subject)):
        penalty = differentiable(subject)  # what it remembers is of one shape
        for n in (1, 2, 7):
            critic = small_critic(math.prod(shape), dtype=torch.float32)
            real, fake = (samples(n, shape, seed=seed, dtype=torch.float32) for seed in (1, 2))
            value = term(penalty, critic, real, fake)
            if not math.isfinite(value.item()):
                raise Flaw(f"it is {value.item()} on {n} samples of shape {shape}; a trial would end as diverged")


def detached(subject: Subject) -> None:
    """Nothing flows back into the generator or the real samples."""
    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 4)
    generator = nn.PReLU().double()
    value = term(penalty, critic, real.requires_grad_(), generator(fake))
    if value.requires_grad:
        value.backward()
    if any(parameter.grad is not None for parameter in generator.parameters()):
        raise Flaw(
            "the fake batch is not detached, so the penalty's gradient flows into the generator, which costs "
            "memory and time and spoils its gradients; use fake.detach()"
        )
    if real.grad is not None:
        raise Flaw("the penalty's gradient flows into the real samples; use real.detach().requires_grad_(True)")


def double_backward(subject: Subject) -> None:
    """Its gradient reaches the discriminator's weights, and is the derivative of its value."""
    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 4)
    weights = [*critic.parameters()]
    # One that remembers nothing is not a late one: it would be 0 for ever.
    if not acts_in_time(penalty, critic, lambda tried: term(tried, critic, real, fake)) and penalty.state_dict():
        raise NotApplicable(NOT_YET)
    value = term(deepcopy(penalty), critic, real, fake)
    slopes = gradients(value, *weights)
    if not any(bool(slope.abs().sum() > 0) for slope in slopes):
        raise Flaw(
            "the penalty has no gradient by the discriminator's weights (create_graph=True is missing, or it "
            "is detached, or it takes an optimiser step of its own?); it would have no effect"
        )
    require_derivative(lambda network: term(deepcopy(penalty), network, real, fake), critic, "discriminator")


def flat_critic(subject: Subject) -> None:
    """Value and gradient are finite where the critic is flat."""
    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 4, dtype=torch.float32)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.zero_()
    value = term(penalty, critic, real, fake)
    if not all(bool(torch.isfinite(x).all()) for x in (value, *gradients(value, *critic.parameters()))):
        raise Flaw(
            "the value or gradient is NaN or infinite where the critic's gradient is 0 (the square root of a "
            "sum of squares?); a network whose last layer starts at zero would diverge at the first step"
        )


def undisturbed(subject: Subject) -> None:
    """Calling it changes neither the discriminator nor the samples: its term belongs to the loss."""
    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 4)
    require_undisturbed(lambda: term(penalty, critic, real, fake), critic, (real, fake), "discriminator")


def repeatable(subject: Subject) -> None:
    """Its randomness comes from the stream it is given, and from nowhere else."""
    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 6)
    require_repeatable(lambda rng: term(deepcopy(penalty), critic, real, fake, rng))


def devices(subject: Subject) -> None:
    """It computes where the samples are, also with what it remembers from a checkpoint."""
    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 4, dtype=torch.float32)
    term(penalty, critic, real, fake)

    def call(fresh: Any, device: str) -> None:
        fresh(deepcopy(critic).to(device), real.to(device), fake.to(device), stream(device=device))

    such = ", such as grad_outputs or alpha,"
    require_any_device(lambda: build(subject), penalty.state_dict(), call, "real", such)


def half_precision(subject: Subject) -> None:
    """Under bfloat16 autocast it is finite, and nearly what it is in float32."""
    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 8, dtype=torch.float32)
    exact = term(deepcopy(penalty), critic, real, fake).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = term(deepcopy(penalty), critic, real, fake).float()
    require_digits(exact, value, critic)


def projection(subject: Subject) -> None:
    """The projection changes weights in place, and projecting twice changes no more."""
    penalty = build(subject)
    if type(penalty).project is Penalty.project:
        if not penalty.differentiable:
            raise Flaw("it adds no term (differentiable is False) and projects nothing; it would have no effect")
        raise NotApplicable("it projects nothing")
    _, _, critic = batches(penalty, 4, dtype=torch.float32)
    held = [*critic.parameters()]
    penalty.project(critic)
    once = [parameter.detach().clone() for parameter in critic.parameters()]
    if any(a is not b for a, b in zip(held, critic.parameters(), strict=True)):
        raise Flaw(
            "project() replaces parameters instead of their values; the optimiser would continue with the old ones"
        )
    if not all(bool(torch.isfinite(value).all()) for value in once):
        raise Flaw("project() makes weights NaN or infinite; the trial would end as diverged")
    if not all(parameter.requires_grad for parameter in held):
        raise Flaw("project() freezes parameters; the discriminator would stop learning")
    penalty.project(critic)
    for value, parameter in zip(once, critic.parameters(), strict=True):
        if not torch.allclose(value, parameter, rtol=1e-4, atol=1e-6):
            raise Flaw("projecting twice gives other weights than projecting once; they would drift with n_critic")


CHECKS = (
    used_parameters,
    declared,
    scalar,
    batch_size,
    reduction,
    on_outputs,
    all_dimensions,
    closed_form,
    neighbours,
    positions,
    detached,
    double_backward,
    once_differentiated,
    flat_critic,
    training_modes,
    undisturbed,
    repeatable,
    devices,
    half_precision,
    projection,
    memory,
)
