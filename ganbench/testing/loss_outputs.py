"""How a loss is tried: raw outputs, both players' objectives of them, and gradients."""

from typing import cast

import torch
from torch import Tensor

from ganbench.api import Loss
from ganbench.testing.kit import Subject

EXTREMES = (-50.0, -30.0, -10.0, -1.0, 0.0, 1.0, 10.0, 30.0, 50.0)
LEVELS = (-0.9, -0.5, -0.1, 0.0, 0.1, 0.5, 0.9)
"""Outputs of a discriminator that cannot tell real from fake."""
PLAYERS = ("discriminator", "generator")


def outputs(*sizes: int, seed: int = 0, scale: float = 2.0, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Draw raw outputs of the given batch sizes; they require gradients."""
    rng = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(n, generator=rng, dtype=torch.float64) * scale for n in sizes]
    return [x.to(dtype).requires_grad_() for x in drawn]


def objective(loss: Loss, player: str, real: Tensor, fake: Tensor) -> Tensor:
    """What ``player`` minimises, called as the training loop calls it."""
    if player == "discriminator":
        return loss.discriminator(real, fake)
    return loss.generator(fake, real if loss.needs_real else None)


def gradients(value: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    """The gradient by each input, zeros if there is none."""
    if not value.requires_grad:
        return tuple(torch.zeros_like(x) for x in inputs)
    found = torch.autograd.grad(value, inputs, allow_unused=True, retain_graph=True)
    return tuple(torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True))


def build(subject: Subject) -> Loss:
    """Return a fresh instance."""
    return cast(Loss, subject.build())


def number(value: Tensor) -> str:
    """A value in a message, or its shape if it is no scalar."""
    return f"{value.item():.6g}" if value.numel() == 1 else f"a tensor of shape {tuple(value.shape)}"
