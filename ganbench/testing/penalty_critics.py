"""How a penalty is tried: samples, a small critic, and the penalty called as the training loop calls it."""

import math
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganbench.api import GeneratorPenalty, Penalty
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.penalty_properties import as_it_acts
from ganbench.testing.trial_streams import stream

POINT, IMAGE = (3,), (3, 8, 8)


def samples(n: int, shape: tuple[int, ...], *, seed: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    """Draw a batch (n, *shape)."""
    return torch.randn(n, *shape, generator=stream(seed), dtype=torch.float64).to(dtype)


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


def sample_shapes(penalty: Penalty | GeneratorPenalty) -> list[tuple[int, ...]]:
    """Sample shapes of the kinds that it understands."""
    return [shape for kind, shape in (("vector", POINT), ("image", IMAGE)) if kind in penalty.kinds]


def batches(penalty: Penalty, n: int, *, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, nn.Module]:
    """Draw a batch of real and one of fake samples, and a small critic of them."""
    shape = sample_shapes(penalty)[0]
    critic = small_critic(math.prod(shape), dtype=dtype)
    return samples(n, shape, dtype=dtype), samples(n, shape, seed=2, dtype=dtype), critic


def term(penalty: Penalty, critic: Any, real: Tensor, fake: Tensor, seed: int | torch.Generator = 0) -> Tensor:
    """The penalty, called as the training loop calls it, with a stream or one of a seed."""
    rng = stream(seed) if isinstance(seed, int) else seed
    return require_scalar(penalty(critic, real, fake, rng), "it", len(real))


def require_scalar(value: Any, what: str, n: int, *, player: str = "discriminator") -> Tensor:
    """Return ``value``, which ``what`` returned for a batch of ``n`` in an update of ``player``, if it is a scalar."""
    if isinstance(value, Tensor) and value.shape == ():
        return value
    is_tensor = isinstance(value, Tensor)
    found = f"shape {tuple(value.shape)}" if is_tensor else type(value).__name__
    mend = "use .mean() to make one" if is_tensor else "return one tensor"
    raise Flaw(
        f"{what} returns {found} on {n} samples, not a scalar tensor; the first {player} update would fail in "
        f"backward(); {mend}"
    )


def at_update(
    penalty: Penalty,
    critic: Any,
    number: int,
    *,
    shape: tuple[int, ...],
    scale: float = 1.0,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """The penalty at one discriminator update, on a batch of its own, as the loop computes it; 0 without a term."""
    real, fake = (scale * (1 + number + samples(4, shape, seed=2 * number + one, dtype=dtype)) for one in (0, 1))
    if penalty.of_outputs:
        return penalty.on_outputs(critic(real), critic(fake))
    return term(penalty, critic, real, fake, number) if penalty.differentiable else torch.zeros(())


def differentiable(subject: Subject) -> Penalty:
    """Return an instance if it adds a term to the objective, as it is before the update in which it does."""
    penalty = build(subject)
    if not penalty.differentiable:
        raise NotApplicable("it adds no term to the objective (differentiable is False)")
    real, fake, critic = batches(penalty, 4)
    found: Penalty = as_it_acts(penalty, critic, lambda tried: term(tried, critic, real, fake))
    return found
