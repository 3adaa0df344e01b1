"""What a penalty on the generator must do."""

import math
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.components import kinds_of
from ganbench.errors import UsageError
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.loss_outputs import gradients
from ganbench.testing.penalty_critics import sample_shapes
from ganbench.testing.penalty_generators import acting, batch, build, latent_points, small_generator, term
from ganbench.testing.penalty_memory import require_memory, through_backward
from ganbench.testing.penalty_properties import (
    NOT_YET,
    acts_in_time,
    require_any_device,
    require_derivative,
    require_digits,
    require_repeatable,
    require_same,
    require_undisturbed,
)
from ganbench.testing.trial_streams import stream
from ganbench.testing.used_parameters import used_parameters


def declared(subject: Subject) -> None:
    """The kinds of samples that it declares are words of the contract."""
    try:
        kinds_of("it", build(subject).kinds)
    except UsageError as error:
        raise Flaw(f"{error}; every run would be refused with this line") from error


def scalar(subject: Subject) -> None:
    """It is a finite scalar, for points and images, at any batch size of two or more."""
    for shape in sample_shapes(build(subject)):
        for n in (2, 3, 8):
            generator = small_generator(shape, dtype=torch.float32)
            value = term(build(subject), generator, latent_points(n, dtype=torch.float32))
            if not math.isfinite(value.item()):
                raise Flaw(f"it is {value.item()} on {n} samples of shape {shape}; a trial would end as diverged")


def reduction(subject: Subject) -> None:
    """It is a mean over samples or pairs of them, or has nothing to do with the batch: no sum over it."""
    few, many = (_expected(subject, n) for n in (8, 64))
    growth = many / few if few else 1.0
    for times, what in ((8, "samples"), (64, "pairs of samples")):
        if 0.85 * times < growth < 1.25 * times:
            raise Flaw(
                f"it is {growth:.1f} times as large on 64 samples as on 8: it is summed over {what}; take the mean, or "
                "--batch-size and --set g_batches would change its weight"
            )


def gradient(subject: Subject) -> None:
    """Its gradient reaches the generator's weights, and is the derivative of its value."""
    penalty = build(subject)
    generator, z = batch(penalty, 4)
    weights = [*generator.parameters()]
    if not acts_in_time(penalty, generator, lambda tried: term(tried, generator, z)):
        raise NotApplicable(NOT_YET)
    slopes = gradients(term(deepcopy(penalty), generator, z), *weights)
    if not any(bool(slope.abs().sum() > 0) for slope in slopes):
        raise Flaw(
            "it has no gradient by the generator's weights (a .detach(), .item() or no_grad, or create_graph=True is "
            "missing); the generator would be trained as without it"
        )
    require_derivative(lambda network: term(deepcopy(penalty), network, z), generator, "generator")


def training_modes(subject: Subject) -> None:
    """It is the same on a conditional generator, and on that of one of several seeds trained together."""
    # Imported here: most checks need nothing of the training loop.
    from ganbench.training.conditional import Labelled
    from ganbench.training.stacked import Stacked

    penalty = acting(subject)
    generator, z = batch(penalty, 4)
    plain = _OfClasses(generator)
    wanted = term(deepcopy(penalty), plain, z).item()

    def require(stand_in: Any, where: str) -> None:
        require_same(lambda: term(deepcopy(penalty), stand_in, z), wanted, where, "generator")

    require(Labelled(plain, torch.arange(len(z))), "with a conditional architecture")
    # The second of two, so that a penalty that only looks at the first is found out.
    other, own = deepcopy(plain), deepcopy(plain)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.5)
    require(Stacked([other, own]).each()[1], "under --batch-seeds")


def undisturbed(subject: Subject) -> None:
    """Calling it changes neither the generator nor the latent points and samples: its term belongs to the loss."""
    penalty = acting(subject)
    generator, z = batch(penalty, 4)
    fake = generator(z)
    require_undisturbed(lambda: penalty(generator, z, fake, stream()), generator, (z, fake), "generator")


def repeatable(subject: Subject) -> None:
    """Its randomness comes from the stream it is given, and from nowhere else."""
    penalty = acting(subject)
    generator, z = batch(penalty, 6)
    require_repeatable(lambda rng: term(deepcopy(penalty), generator, z, rng))


def devices(subject: Subject) -> None:
    """It computes where the samples are, also with what it remembers from a checkpoint."""
    penalty = acting(subject)
    generator, z = batch(penalty, 4, dtype=torch.float32)
    term(penalty, generator, z)

    def call(fresh: Any, device: str) -> None:
        moved, points = deepcopy(generator).to(device), z.to(device)
        fresh(moved, points, moved(points), stream(device=device))

    require_any_device(lambda: build(subject), penalty.state_dict(), call, "fake", "")


def half_precision(subject: Subject) -> None:
    """Under bfloat16 autocast it is finite, and nearly what it is in float32."""
    penalty = acting(subject)
    generator, z = batch(penalty, 8, dtype=torch.float32)
    exact = term(deepcopy(penalty), generator, z).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        fake = generator(z).float()
        value = penalty(generator, z, fake, stream()).float()
    require_digits(exact, value, generator)


def memory(subject: Subject) -> None:
    """It goes on from one update to the next, and after a checkpoint: state_dict() and load_state_dict()."""
    shape = sample_shapes(build(subject))[0]
    require_memory(lambda: build(subject), small_generator(shape, dtype=torch.float32), _update)


CHECKS = (
    used_parameters,
    declared,
    scalar,
    reduction,
    gradient,
    training_modes,
    undisturbed,
    repeatable,
    devices,
    half_precision,
    memory,
)


class _OfClasses(nn.Module):
    """A generator that takes labels and ignores them."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        samples: Tensor = self.generator(z)
        return samples if labels is None else samples + 0 * labels.view(-1, *[1] * (samples.dim() - 1))


def _expected(subject: Subject, n: int) -> float:
    """What it is on batches of n, on average."""
    penalty = acting(subject)
    generator, _ = batch(penalty, n)
    drawn = ((seed, latent_points(n, seed=seed)) for seed in range(16))
    return sum(term(deepcopy(penalty), generator, z, seed).item() for seed, z in drawn) / 16


def _update(penalty: Any, generator: nn.Module, number: int) -> float:
    """One generator update, with its backward pass; the penalty's value at it."""
    value = term(penalty, generator, latent_points(4, seed=number, dtype=torch.float32), number)
    return through_backward(value, generator, number)
