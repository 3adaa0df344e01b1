"""What a penalty must remember, so that a trial goes on from its checkpoint as if it had not been interrupted."""

import math
import tempfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.api import Penalty
from ganbench.errors import in_one_line, with_kind
from ganbench.testing.kit import Flaw, Subject
from ganbench.testing.penalty_critics import at_update, build, sample_shapes, small_critic

UPDATES = 3


Update = Callable[[Any, nn.Module, int], float]
"""Does an update of a number with a penalty and the network that it acts on; returns the penalty's value at it."""


def memory(subject: Subject) -> None:
    """It goes on from one update to the next, and after a checkpoint: state_dict() and load_state_dict()."""
    inputs = math.prod(sample_shapes(build(subject))[0])
    require_memory(lambda: build(subject), small_critic(inputs, dtype=torch.float32), _update)


def require_memory(build: Callable[[], Any], network: nn.Module, update: Update) -> None:
    """Refuse a penalty that goes on otherwise after a checkpoint than without one.

    Args:
        build: makes a fresh instance.
        network: that it acts on.
        update: what is done with it.
    """
    penalty, resumed = build(), build()
    for number in range(UPDATES):
        update(penalty, network, number)
    stored = _through_a_checkpoint(penalty.state_dict())
    try:
        resumed.load_state_dict(deepcopy(stored))
    except Exception as error:
        raise Flaw(
            f"load_state_dict() fails on what state_dict() returned ({with_kind(error, 160)}); an interrupted trial "
            "would start again from its first step"
        ) from error
    if not _equal(_through_a_checkpoint(resumed.state_dict()), stored):
        raise Flaw(
            "state_dict() after load_state_dict() differs from what was loaded; a resumed trial would continue "
            "with other averages"
        )
    other = deepcopy(network)
    for number in range(UPDATES, UPDATES + 2):
        wanted, found = update(penalty, network, number), update(resumed, other, number)
        if not math.isclose(wanted, found, rel_tol=1e-6, abs_tol=1e-9):
            raise Flaw(
                f"after load_state_dict() into a fresh instance its next value is {found:.6g}, but without the "
                f"interruption {wanted:.6g}: it remembers something that its state_dict() does not contain"
            )
    if not all(torch.allclose(a, b) for a, b in zip(network.parameters(), other.parameters(), strict=True)):
        raise Flaw(
            "after load_state_dict() into a fresh instance project() gives other weights than without the "
            "interruption: it remembers something that its state_dict() does not contain"
        )


def _update(penalty: Penalty, critic: nn.Module, number: int) -> float:
    """One discriminator update, with its backward pass; the penalty's value at it."""
    value = at_update(penalty, critic, number, shape=sample_shapes(penalty)[0], dtype=torch.float32)
    found = through_backward(value, critic, number)
    penalty.project(critic)
    return found


def through_backward(value: Tensor, network: nn.Module, number: int) -> float:
    """Do the backward pass of a penalty's value in the update of a number; return the value."""
    if value.requires_grad:
        try:
            value.backward()
        except RuntimeError as error:
            if "second time" not in str(error):  # the words of autograd where a graph has been used up
                raise
            raise Flaw(
                f"the backward pass of its update {number + 1} goes back into an update before, whose graph is gone: "
                "it remembers a tensor that still carries a gradient; detach what it remembers, or every trial would "
                "fail at its second step"
            ) from error
        network.zero_grad()
    return value.item()


def _through_a_checkpoint(state: Any) -> Any:
    """The state after being written to a checkpoint and read from it, which runs no code in it."""
    from ganbench.training import checkpoint

    if not isinstance(state, dict):
        raise Flaw(f"state_dict() returns {type(state).__name__}, not a dictionary; a trial could not be resumed")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "checkpoint.pt"
        try:
            checkpoint.save(path, "trial", {"penalties": [state]})
            return checkpoint.load(path, "trial")["penalties"][0]
        except Exception as error:
            raise Flaw(
                f"state_dict() contains what a checkpoint cannot ({in_one_line(error, 160)}): only tensors, "
                "numbers, text, and lists and dictionaries of them are allowed; an interrupted trial would "
                "start again from its first step"
            ) from error


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.shape == b.shape and torch.equal(a, b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(_equal(*pair) for pair in zip(a, b, strict=True))
    return bool(a == b)
