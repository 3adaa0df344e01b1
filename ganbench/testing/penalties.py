"""What a penalty must do: its closed form on critics whose gradients are known, sample by sample."""

import itertools
import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganbench.api import Penalty
from ganbench.testing.formulas import SLOPE, NotAFormula, names, parse
from ganbench.testing.kit import Flaw, NotApplicable, Subject

POINT, IMAGE = (3,), (3, 8, 8)
SLOPES = (0.3, 1.0, 3.0)
Critic = Callable[[Tensor], Tensor]


def stream(seed: int = 0) -> torch.Generator:
    """A stream such as a trial hands to its penalties."""
    return torch.Generator().manual_seed(seed)


def samples(n: int, shape: tuple[int, ...], *, seed: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    """Draw a batch (n, *shape)."""
    return torch.randn(n, *shape, generator=stream(seed), dtype=torch.float64).to(dtype)


def linear(weights: Tensor) -> Critic:
    """D(x) = w.x, whose gradient is w everywhere."""
    return lambda x: x.flatten(1) @ weights.flatten()


def small_critic(inputs: int, *, dtype: torch.dtype = torch.float64) -> nn.Module:
    """A smooth network (N, ...) to (N,) with ordinary weights."""
    layers = nn.Sequential(nn.Flatten(), nn.Linear(inputs, 6), nn.Softplus(), nn.Linear(6, 1), nn.Flatten(0))
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=stream(7)) * 0.7)
    return layers.to(dtype)


def build(subject: Subject) -> Penalty:
    """Return a fresh instance."""
    return cast(Penalty, subject.build())


def sample_shapes(penalty: Penalty) -> list[tuple[int, ...]]:
    """Sample shapes of the kinds that it understands."""
    return [shape for kind, shape in (("vector", POINT), ("image", IMAGE)) if kind in penalty.kinds]


def batches(penalty: Penalty, n: int, *, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, nn.Module]:
    """Draw a batch of real and one of fake samples, and a small critic of them."""
    shape = sample_shapes(penalty)[0]
    critic = small_critic(math.prod(shape), dtype=dtype)
    return samples(n, shape, dtype=dtype), samples(n, shape, seed=2, dtype=dtype), critic


def term(penalty: Penalty, critic: Any, real: Tensor, fake: Tensor, seed: int = 0) -> Tensor:
    """The penalty, called as the training loop calls it."""
    value: Any = penalty(critic, real, fake, stream(seed))
    if not isinstance(value, Tensor) or value.shape != ():
        what = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise Flaw(f"it returns {what}, not a scalar; the first discriminator update would fail in backward()")
    return value


def differentiable(subject: Subject) -> Penalty:
    """Return an instance if it adds a term to the objective."""
    penalty = build(subject)
    if not penalty.differentiable:
        raise NotApplicable("it adds no term to the objective (differentiable is False)")
    return penalty


def on_gradient(subject: Subject) -> Penalty:
    """Return an instance if it acts on the discriminator's gradient."""
    penalty = differentiable(subject)
    if penalty.constrains != "gradient":
        raise NotApplicable(f"it constrains {penalty.constrains}, not the gradient")
    return penalty


def image_penalty(subject: Subject) -> Penalty:
    """Return an instance if it acts on the discriminator's gradient by images."""
    penalty = on_gradient(subject)
    if IMAGE not in sample_shapes(penalty):
        raise NotApplicable("it is not for images")
    return penalty


def scalar(subject: Subject) -> None:
    """The penalty is a finite scalar, for vectors and images, at any batch size."""
    penalty = differentiable(subject)
    for shape in sample_shapes(penalty):
        for n in (1, 2, 7):
            critic = small_critic(math.prod(shape), dtype=torch.float32)
            real, fake = (samples(n, shape, seed=seed, dtype=torch.float32) for seed in (1, 2))
            value = term(penalty, critic, real, fake)
            if not math.isfinite(value.item()):
                raise Flaw(f"it is {value.item()} on {n} samples of shape {shape}; a trial would end as diverged")


def batch_size(subject: Subject) -> None:
    """On a linear critic it is the same at every batch size."""
    penalty = on_gradient(subject)
    for shape in sample_shapes(penalty):
        weights = samples(1, shape, seed=3)[0]
        found = {
            n: term(deepcopy(penalty), linear(weights), samples(n, shape), samples(n, shape, seed=2)).item()
            for n in (1, 2, 8)
        }
        if not all(math.isclose(value, found[1], rel_tol=1e-6, abs_tol=1e-9) for value in found.values()):
            listed = ", ".join(f"{value:.4g} at {n}" for n, value in found.items())
            raise Flaw(
                f"on D(x) = w.x, whose gradient is w at every sample, it depends on the batch size ({listed}): the "
                "gradient's norm is taken over the whole batch, not per sample; the critic would be held to another "
                "slope for every --batch-size"
            )


def all_dimensions(subject: Subject) -> None:
    """A sample's gradient counts whole: over channels, rows and columns together."""
    penalty, shape = image_penalty(subject), IMAGE
    one, channels, everywhere = torch.zeros(shape), torch.zeros(shape), torch.ones(shape)
    one[0, 0, 0], channels[:, 0, 0] = 1.0, 1.0
    cases = {"in one number": one, "over the channels of a pixel": channels, "over all numbers": everywhere}
    found = {}
    for where, direction in cases.items():
        weights = 3.0 * (direction / direction.norm()).double()
        found[where] = term(deepcopy(penalty), linear(weights), samples(4, shape), samples(4, shape, seed=2)).item()
    if max(found.values()) - min(found.values()) > 1e-6 * (1 + abs(max(found.values()))):
        listed = ", ".join(f"{value:.4g} where it lies {where}" for where, value in found.items())
        raise Flaw(
            f"a gradient of norm 3 costs {listed}: the norm is not taken over all dimensions of a sample (per pixel, "
            "say); the critic would be held to another slope for every image size"
        )


def closed_form(subject: Subject) -> None:
    """On a linear critic it is what its declared formula says, at several slopes and batch sizes."""
    penalty = on_gradient(subject)
    if not penalty.formula:
        raise NotApplicable("no formula is declared; declare one, and it is held against the code")
    constants = {name: value for name, value in vars(penalty).items() if isinstance(value, int | float)}
    try:
        if SLOPE not in names(penalty.formula):
            raise NotApplicable("its formula does not speak of ||grad D(x)||")
        expression = parse(penalty.formula)
        for slope in SLOPES:
            wanted = float(expression({**constants, SLOPE: torch.tensor([slope], dtype=torch.float64)}).mean())
            for shape, n in itertools.product(sample_shapes(penalty), (1, 4)):
                weights = samples(1, shape, seed=3)[0]
                weights = slope * weights / weights.norm()
                found = term(deepcopy(penalty), linear(weights), samples(n, shape), samples(n, shape, seed=2)).item()
                if not math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-9):
                    raise Flaw(
                        f"on a critic of slope {slope:g} it is {found:.6g} at {n} samples of shape {shape}, the "
                        f"declared '{penalty.formula}' gives {wanted:.6g}; a run would not train what it says"
                    )
    except NotAFormula as reason:
        raise NotApplicable(f"its formula is not one that can be computed: {reason}") from reason


def neighbours(subject: Subject) -> None:
    """One sample's share does not depend on the others in the batch."""
    penalty = on_gradient(subject)
    for shape in sample_shapes(penalty):
        slopes = [samples(1, shape, seed=10 + i)[0] * scale for i, scale in enumerate((0.2, 1.0, 4.0))]
        real, fake = samples(3, shape), samples(3, shape, seed=2)
        together = term(deepcopy(penalty), _row_linear(slopes), real, fake).item()
        alone = [term(deepcopy(penalty), _row_linear([one] * 3), real, fake).item() for one in slopes]
        wanted = sum(alone) / 3
        if not math.isclose(together, wanted, rel_tol=1e-6, abs_tol=1e-9):
            raise Flaw(
                f"three samples whose penalties are {', '.join(f'{value:.4g}' for value in alone)} cost "
                f"{together:.4g} together, not their mean {wanted:.4g}; a sample's penalty would depend on which "
                "others are in its batch"
            )


def positions(subject: Subject) -> None:
    """Points between real and fake have one random position per sample."""
    penalty, shape = image_penalty(subject), IMAGE
    real = 10 + 0.01 * samples(8, shape)
    fake = -10 + 0.01 * samples(8, shape, seed=2)
    drawn = [torch.cat(_seen(penalty, real, fake, seed=seed)) for seed in range(16)]
    if any(len(points) != len(real) for points in drawn):
        raise NotApplicable("it does not look at one point per sample")
    every = [((points - fake) / (real - fake)).flatten(1) for points in drawn]
    position = every[0]
    if not any(bool(((one > 0.2) & (one < 0.8)).any()) for one in every):
        raise NotApplicable("it does not look between real and fake samples")
    if float((position - position[:, :1]).abs().max()) > 1e-3:
        raise Flaw(
            "the position between real and fake differs from pixel to pixel of one sample: the points lie off the "
            "line between the two, on noisy pictures that neither is, and that is where the critic would be held"
        )
    if len(position[:, 0].mul(1e4).round().unique()) < len(real):
        raise Flaw(
            "all samples of a batch share one position between real and fake; the critic would be held at one "
            "distance per step only, and the penalty's noise would not average out"
        )
    if torch.allclose(drawn[0], drawn[1]):
        raise Flaw("the positions between real and fake are the same at every step; only they would be held")


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
            "the fake batch is not detached: the penalty's gradient flows into the generator; memory and time for "
            "its graph would be spent at every discriminator update, and its gradients spoiled; use fake.detach()"
        )
    if real.grad is not None:
        raise Flaw("the penalty's gradient flows into the real samples; use real.detach().requires_grad_(True)")


def double_backward(subject: Subject) -> None:
    """Its gradient reaches the discriminator's weights, and is the derivative of its value."""
    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 4)
    weights = [*critic.parameters()]
    value = term(deepcopy(penalty), critic, real, fake)
    by_weights = (
        torch.autograd.grad(value, weights, allow_unused=True) if value.requires_grad else [None] * len(weights)
    )
    slopes = [torch.zeros_like(w) if g is None else g for w, g in zip(weights, by_weights, strict=True)]
    if not any(bool(slope.abs().sum() > 0) for slope in slopes):
        raise Flaw(
            "the penalty has no gradient by the discriminator's weights (create_graph=True is missing, or it is "
            "detached, or it takes an optimiser step of its own); it would be printed and have no effect"
        )
    for seed in range(3):
        directions = [samples(1, tuple(w.shape), seed=20 + seed)[0] for w in weights]
        wanted = sum(float((slope * way).sum()) for slope, way in zip(slopes, directions, strict=True))
        found = _along(lambda: term(deepcopy(penalty), critic, real, fake).item(), weights, directions)
        if not math.isclose(found, wanted, rel_tol=1e-4, abs_tol=1e-5 * (1 + abs(value.item()))):
            raise Flaw(
                f"the penalty's gradient is not the derivative of its value ({wanted:.4g} against {found:.4g} by "
                "finite differences); part of it is detached, so the discriminator would be pushed elsewhere than to "
                "a lower penalty"
            )


def flat_critic(subject: Subject) -> None:
    """Value and gradient are finite where the critic is flat."""
    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 4, dtype=torch.float32)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.zero_()
    value = term(penalty, critic, real, fake)
    grads = torch.autograd.grad(value, [*critic.parameters()], allow_unused=True) if value.requires_grad else ()
    numbers = [value, *(g for g in grads if g is not None)]
    if not all(bool(torch.isfinite(x).all()) for x in numbers):
        raise Flaw(
            "value or gradient is not finite where the critic's gradient is 0 (the square root of a sum of squares); "
            "a network whose last layer starts at zero would diverge at the first step"
        )


def undisturbed(subject: Subject) -> None:
    """Calling it changes neither the discriminator nor the samples: its term belongs to the loss."""
    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 4)
    before = {name: value.clone() for name, value in critic.state_dict().items()}
    kept = real.clone(), fake.clone()
    term(penalty, critic, real, fake)
    changed = [name for name, value in critic.state_dict().items() if not torch.equal(value, before[name])]
    if changed:
        raise Flaw(
            f"calling it changes the discriminator's weights ({', '.join(changed)}): it takes an optimiser step of "
            "its own instead of returning a term of the loss; the optimiser's moments and --set d_lr would not apply"
        )
    if any(parameter.grad is not None for parameter in critic.parameters()):
        raise Flaw("calling it leaves gradients on the discriminator (a backward() of its own); they would be wrong")
    if not all(parameter.requires_grad for parameter in critic.parameters()) or not critic.training:
        raise Flaw("calling it freezes the discriminator or leaves it in eval mode; training would go on like that")
    if not (torch.equal(real, kept[0]) and torch.equal(fake, kept[1])):
        raise Flaw("it changes the samples it is given in place; a second penalty would see other samples")
    if real.requires_grad or fake.requires_grad:
        raise Flaw("it switches on gradients of the samples it is given; use x.detach().requires_grad_(True)")


def repeatable(subject: Subject) -> None:
    """Its randomness comes from the stream it is given, and from nowhere else."""
    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 6)
    state = torch.get_rng_state()
    first = term(deepcopy(penalty), critic, real, fake).item()
    if not torch.equal(torch.get_rng_state(), state):
        torch.set_rng_state(state)
        raise Flaw(
            "it draws from torch's own random stream, not from the one it is given; adding it would change what other "
            "layers draw, and two losses would no longer be compared on the same draws"
        )
    if term(deepcopy(penalty), critic, real, fake).item() != first:
        raise Flaw("the same stream gives another value when called again; a resumed trial would not repeat itself")


def half_precision(subject: Subject) -> None:
    """It is finite, and nearly what it is in float32, under bfloat16 autocast."""
    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 8, dtype=torch.float32)
    exact = term(deepcopy(penalty), critic, real, fake).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = term(deepcopy(penalty), critic, real, fake).float()
    if value.requires_grad:
        value.backward()
    grads = [parameter.grad for parameter in critic.parameters() if parameter.grad is not None]
    if not all(bool(torch.isfinite(x).all()) for x in (value, *grads)):
        raise Flaw("value or gradient is not finite under bfloat16; precision=bfloat16 would end as diverged")
    if abs(value.item() - exact) > 0.1 * (abs(exact) + 0.01):
        raise Flaw(f"it is {value.item():.4g} under bfloat16 and {exact:.4g} in float32; it loses its digits there")


def projection(subject: Subject) -> None:
    """The projection changes weights in place, and twice is once."""
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
        raise Flaw("project() replaces parameters, not their values; the optimiser would go on with the old ones")
    if not all(bool(torch.isfinite(value).all()) for value in once):
        raise Flaw("project() leaves weights that are not finite; the trial would end as diverged")
    if not all(parameter.requires_grad for parameter in held):
        raise Flaw("project() freezes parameters; the discriminator would stop learning")
    penalty.project(critic)
    for value, parameter in zip(once, critic.parameters(), strict=True):
        if not torch.allclose(value, parameter, rtol=1e-4, atol=1e-6):
            raise Flaw("projecting twice is not projecting once; weights would drift with n_critic")


CHECKS = (
    scalar,
    batch_size,
    all_dimensions,
    closed_form,
    neighbours,
    positions,
    detached,
    double_backward,
    flat_critic,
    undisturbed,
    repeatable,
    half_precision,
    projection,
)


def _row_linear(slopes: list[Tensor]) -> Critic:
    """A critic that is linear on each row of a batch with a slope of its own, whatever point is asked for."""
    stacked = torch.stack([one.flatten() for one in slopes])
    return lambda x: (x.flatten(1) * stacked.repeat(-(-len(x) // len(stacked)), 1)[: len(x)]).sum(1)


def _seen(penalty: Penalty, real: Tensor, fake: Tensor, seed: int = 0) -> list[Tensor]:
    """The points at which a penalty asks the critic, flattened to rows like the samples."""
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach().clone())
        return 0.5 * x.flatten(1).square().sum(1)

    term(deepcopy(penalty), critic, real, fake, seed)
    return seen


@torch.no_grad()
def _move(weights: list[nn.Parameter], directions: list[Tensor], step: float) -> None:
    for weight, direction in zip(weights, directions, strict=True):
        weight.add_(step * direction)


def _along(value: Callable[[], float], weights: list[nn.Parameter], directions: list[Tensor]) -> float:
    """The derivative of ``value`` along a direction in the space of weights, by central differences."""
    step = 1e-5
    _move(weights, directions, step)
    above = value()
    _move(weights, directions, -2 * step)
    below = value()
    _move(weights, directions, step)
    return (above - below) / (2 * step)
