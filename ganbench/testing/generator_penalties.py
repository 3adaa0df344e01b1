"""What a penalty on the generator must do."""

import math
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.components import kinds_of
from ganbench.errors import UsageError, with_kind
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.loss_outputs import gradients
from ganbench.testing.other_device import fails_elsewhere
from ganbench.testing.penalty_generators import (
    batch,
    build,
    latent_points,
    sample_shapes,
    small_generator,
    term,
)
from ganbench.testing.penalty_memory import require_memory, through_backward
from ganbench.testing.trial_streams import stream
from ganbench.testing.used_parameters import used_parameters

UPDATES = 20
"""How long a penalty may be 0 and yet be seen at work: one that counts its updates, or is for large slopes only."""


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
    _until_it_acts(penalty, generator, z)
    slopes = gradients(term(deepcopy(penalty), generator, z), *weights)
    if not any(bool(slope.abs().sum() > 0) for slope in slopes):
        raise Flaw(
            "it has no gradient by the generator's weights (a .detach(), .item() or no_grad, or create_graph=True is "
            "missing); the generator would be trained as without it"
        )
    directions = [torch.randn(weight.shape, generator=stream(11), dtype=weight.dtype) for weight in weights]
    wanted = sum(float((slope * way).sum()) for slope, way in zip(slopes, directions, strict=True))
    near = 1e-8 * (1 + max(float(slope.abs().max()) for slope in slopes))
    found = _along(directions, penalty, generator, z, step=1e-5)
    if math.isclose(found, wanted, rel_tol=1e-4, abs_tol=near):
        return
    # A penalty may compute in float32; steps must be coarser then, as its digits are fewer.
    found = _along(directions, penalty, generator, z, step=1e-3)
    if not math.isclose(found, wanted, rel_tol=1e-2, abs_tol=near):
        raise Flaw(
            f"its gradient is not the derivative of its value ({wanted:.4g} against {found:.4g} by finite "
            "differences); part of it is detached, so the generator would not move to a lower penalty"
        )


def training_modes(subject: Subject) -> None:
    """It is the same on a conditional generator, and on that of one of several seeds trained together."""
    # Imported here: most checks need nothing of the training loop.
    from ganbench.training.conditional import Labelled
    from ganbench.training.stacked import Stacked

    penalty = build(subject)
    generator, z = batch(penalty, 4)
    plain = _OfClasses(generator)
    wanted = term(deepcopy(penalty), plain, z).item()
    _compare(penalty, Labelled(plain, torch.arange(len(z))), z, wanted, "with a conditional architecture")
    # The second of two, so that a penalty that only looks at the first is found out.
    other, own = deepcopy(plain), deepcopy(plain)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.5)
    _compare(penalty, Stacked([other, own]).each()[1], z, wanted, "under --batch-seeds")


def undisturbed(subject: Subject) -> None:
    """Calling it changes neither the generator nor the latent points and samples: its term belongs to the loss."""
    penalty = build(subject)
    generator, z = batch(penalty, 4)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    fake = generator(z)
    kept = z.clone(), fake.detach().clone()
    penalty(generator, z, fake, stream())
    changed = [name for name, value in generator.state_dict().items() if not torch.equal(value, before[name])]
    if changed:
        raise Flaw(
            f"calling it changes the generator's weights ({', '.join(changed)}): it takes an optimiser step of its "
            "own, to which --set g_lr would not apply; it must return a term of the loss"
        )
    if any(parameter.grad is not None for parameter in generator.parameters()):
        raise Flaw("calling it leaves gradients on the generator (a backward() of its own); they would be wrong")
    if not all(parameter.requires_grad for parameter in generator.parameters()) or not generator.training:
        raise Flaw("calling it freezes the generator or leaves it in eval mode, and training would continue like that")
    if not (torch.equal(z, kept[0]) and torch.equal(fake, kept[1])):
        raise Flaw("it changes the latent points or samples in place; a second penalty would see others")
    if z.requires_grad:
        raise Flaw(
            "it switches on gradients of the latent points it is given; call the generator on "
            "z.detach().requires_grad_(True)"
        )


def repeatable(subject: Subject) -> None:
    """Its randomness comes from the stream it is given, and from nowhere else."""
    penalty = build(subject)
    generator, z = batch(penalty, 6)
    state = torch.get_rng_state()
    first = term(deepcopy(penalty), generator, z).item()
    if not torch.equal(torch.get_rng_state(), state):
        torch.set_rng_state(state)
        raise Flaw(
            "it draws from torch's own random stream, not from the one it is given; adding it would change what "
            "other layers draw, so two losses could not be compared"
        )
    if term(deepcopy(penalty), generator, z).item() != first:
        raise Flaw(
            "the same random stream gives another value when it is called again; a resumed trial would give other "
            "results"
        )


def devices(subject: Subject) -> None:
    """It computes where the samples are, also with what it remembers from a checkpoint."""
    penalty = build(subject)
    generator, z = batch(penalty, 4, dtype=torch.float32)
    term(penalty, generator, z)
    remembered = penalty.state_dict()
    for state in ({}, remembered) if remembered else ({},):

        def call(device: str, state: dict[str, Any] = state) -> None:
            fresh = build(subject)
            if state:
                fresh.load_state_dict(deepcopy(state))  # its tensors arrive on the CPU
            moved, points = deepcopy(generator).to(device), z.to(device)
            fresh(moved, points, moved(points), stream(device=device))

        if said := fails_elsewhere(call):
            what, mend = (
                ("has loaded in load_state_dict()", "move it to fake.device")
                if state
                else ("makes", "make it with device=fake.device")
            )
            raise Flaw(
                f"it fails on samples of another device ({said}): a tensor that it {what} stays on the CPU; {mend}; "
                "--device cuda would fail"
            )


def half_precision(subject: Subject) -> None:
    """Under bfloat16 autocast it is finite, and nearly what it is in float32."""
    penalty = build(subject)
    generator, z = batch(penalty, 8, dtype=torch.float32)
    exact = term(deepcopy(penalty), generator, z).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        fake = generator(z).float()
        value = penalty(generator, z, fake, stream()).float()
    slopes = gradients(value, *generator.parameters())
    if not all(bool(torch.isfinite(x).all()) for x in (value, *slopes)):
        raise Flaw("value or gradient is not finite under bfloat16; precision=bfloat16 would end as diverged")
    if abs(value.item() - exact) > 0.1 * (abs(exact) + 0.01):
        raise Flaw(f"it is {value.item():.4g} under bfloat16 and {exact:.4g} in float32; it loses its digits there")


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


def _compare(penalty: Any, generator: Any, z: Tensor, wanted: float, where: str) -> None:
    """Compare the penalty in one mode with that on a plain module with the same weights."""
    mend = "use generator(z), generator.parameters() and generator.named_parameters() only"
    try:
        found = term(deepcopy(penalty), generator, z).item()
    except Flaw:
        raise
    except Exception as error:
        raise Flaw(
            f"{where} it fails ({with_kind(error, 160)}), because the generator it gets there is not a module; {mend}, "
            "and call it with whole batches; every trial would fail at its first step"
        ) from error
    if not abs(found - wanted) <= 1e-6 * (1 + abs(wanted)):
        raise Flaw(
            f"{where} it is {found:.6g}, but {wanted:.6g} otherwise on the same weights and latent points, because the "
            f"generator it gets there is not a module and its weights are no nn.Parameter; {mend}, and call it with "
            "whole batches"
        )


def _expected(subject: Subject, n: int) -> float:
    """What it is on batches of n, on average."""
    generator, _ = batch(build(subject), n)
    return sum(term(build(subject), generator, latent_points(n, seed=seed), seed).item() for seed in range(16)) / 16


def _until_it_acts(penalty: Any, generator: nn.Module, z: Tensor) -> None:
    """Call a penalty on a generator whose weights move and grow, up to the update in which it acts, often the first.

    Raises:
        NotApplicable: it is 0, without a gradient, in all that are tried.
    """
    weights = [*generator.parameters()]
    for number in range(UPDATES):
        value = term(deepcopy(penalty), generator, z)
        if value.item() != 0 or any(bool(slope.any()) for slope in gradients(value, *weights)):
            return
        term(penalty, generator, z)
        with torch.no_grad():
            for weight in weights:
                moved = 0.01 * torch.randn(weight.shape, generator=stream(number), dtype=weight.dtype)
                weight.mul_(1.1).add_(moved)
    raise NotApplicable(f"it is 0 in its first {UPDATES} updates; check it with parameters with which it acts earlier")


def _along(directions: list[Tensor], penalty: Any, generator: nn.Module, z: Tensor, *, step: float) -> float:
    """The penalty's derivative where each weight moves in a direction of its own, by central differences."""
    values = []
    for way in (step, -step):
        moved = deepcopy(generator)
        with torch.no_grad():
            for weight, direction in zip(moved.parameters(), directions, strict=True):
                weight.add_(way * direction)
        values.append(term(deepcopy(penalty), moved, z).item())
    return (values[0] - values[1]) / (2 * step)


def _update(penalty: Any, generator: nn.Module, number: int) -> float:
    """One generator update, with its backward pass; the penalty's value at it."""
    value = term(penalty, generator, latent_points(4, seed=number, dtype=torch.float32), number)
    return through_backward(value, generator, number)
