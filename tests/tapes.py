"""Tapes of a piece of work."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ganbench.training.tape import Tape


def shortened(work: Callable[[], object]) -> tuple[Tape, Callable[[], object]]:
    """The tape of work and its replay."""
    tape = Tape()
    with tape:
        work()
    return tape, tape.replay()


def replayed(work: Callable[[], Tensor], found: Tensor) -> tuple[Tape, Tensor]:
    """The tape of work that writes into ``found``, now written by its replay; and what the work itself wrote."""
    expected = work().clone()
    tape, again = shortened(work)
    found.zero_()
    again()
    return tape, expected


def called(tape: Tape) -> Counter[Any]:
    return Counter(node.target for node in tape.graph.nodes if node.op == "call_function")


def shared_out(gradient: Tensor, x: Tensor, dim: int) -> Tensor:
    """The gradient of a maximum along a dimension: in equal parts to all that are the largest."""
    mask = x == x.amax(dim, keepdim=True)
    return gradient / mask.sum(dim, keepdim=True) * mask
