"""What it takes to try a component: what it is given, and how whatever is wrong with it is refused in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from ganbench.api import Architecture
from ganbench.errors import UsageError, in_one_line
from ganbench.spec import Component, Recipe

MOST = 1024
"""Raw outputs that a loss is tried on: what is wrong with it shows with fewer, too."""


def raw_outputs(recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Raw outputs on real and on fake samples, as many as training gives a loss at once, within reason."""
    rng = torch.Generator().manual_seed(0)
    r, f = torch.randn(2, min(recipe.batch_size, MOST), generator=rng).unbind()
    return r.requires_grad_(), f.requires_grad_()


def require_scalar(component: Component, what: str, value: object, given: str) -> None:
    """Refuse a ``value`` for ``given`` that is no scalar tensor."""
    if not has_shape(value, ()):
        raise UsageError(
            f"{what} returns {described(value)} for {given}, not a scalar tensor; use .mean() to make one; "
            f"{more(component)}"
        )


@contextmanager
def refused(what: str, *then: str) -> Iterator[None]:
    """Refuse a component for whatever it raises: ``what`` fails, why, and what to do ``then``."""
    try:
        yield
    except Exception as error:
        raise UsageError("; ".join([f"{what}: {in_one_line(error)}", *then])) from error


@contextmanager
def same_random_state() -> Iterator[None]:
    """Leave torch's own random stream as it was."""
    state = torch.random.get_rng_state()
    try:
        yield
    finally:
        torch.random.set_rng_state(state)


def more(component: Component) -> str:
    """What the author of a component does next."""
    return f"run `ganbench plugins check {component.plugin}` for details"


def some_labels(architecture: Architecture, n: int) -> Tensor | None:
    """The labels of n samples, where the networks take any."""
    return None if architecture.conditioning == "none" else torch.zeros(n, dtype=torch.int64)


def has_shape(value: object, shape: tuple[int, ...]) -> bool:
    """Whether it is a tensor of a shape."""
    return isinstance(value, Tensor) and value.shape == shape


def described(value: object) -> str:
    """What something is that should have been another, for a message."""
    return f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
