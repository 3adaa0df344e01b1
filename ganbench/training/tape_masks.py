"""Masks of a tape that are made of zeros and ones, where they are only multiplied by and counted.

The gradient of a maximum does so with the mask of what is the largest. Torch compares into numbers, multiplies by them
and adds them up several times as fast.
"""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx
from torch._ops import OpOverload

from ganbench.training.tape_forms import FORM, GIVEN, OWN, VIEWS, Form

aten = torch.ops.aten
COMPARISONS: dict[OpOverload, OpOverload] = {
    getattr(getattr(aten, name), kind): getattr(getattr(aten, name), f"{kind}_out")
    for name in ("eq", "ne", "lt", "le", "gt", "ge")
    for kind in ("Tensor", "Scalar")
}
"""Operators that return a mask, and what writes it into a tensor, as numbers if that holds numbers."""
COUNTED = 2**24
"""As many ones float32 can count without rounding."""


def make_masks_of_numbers(graph: fx.Graph) -> None:
    """Let a comparison of numbers return zeros and ones of their type, where its result is only multiplied or counted.

    Torch converts a mask to just these where it is multiplied by numbers, and its count where numbers are divided by
    it. So both ways all results are the same.
    """
    for node in list(graph.nodes):
        into, form = COMPARISONS.get(node.target), node.meta.get(FORM)
        if into is None or form is None:
            continue
        types = {_type(given) for given in node.all_input_nodes}
        numbers = next((dtype for dtype in (torch.float32, torch.float64) if types == {dtype}), None)
        if numbers is None or not all(_multiplies(user, numbers) or _counts(user, numbers) for user in node.users):
            continue
        for user in node.users:
            user.meta[FORM] = replace(user.meta[FORM], dtype=numbers)
        with graph.inserting_before(node):
            place = graph.call_function(aten.empty_strided.default, (form.shape, form.strides), {"dtype": numbers})
        place.meta.update({VIEWS: frozenset(), FORM: replace(form, dtype=numbers), OWN: True})
        node.target, node.kwargs = into, {"out": place}
        node.meta[FORM] = place.meta[FORM]


def _type(value: object) -> torch.dtype | None:
    """Of the numbers in a tensor of the graph; ``None`` for anything else, and where that is not known."""
    if not isinstance(value, fx.Node):
        return None
    found: Form | Tensor | None = value.meta.get(FORM) or value.meta.get(GIVEN)
    return found.dtype if isinstance(found, Form | Tensor) else None


def _multiplies(node: fx.Node, numbers: torch.dtype) -> bool:
    """Whether an operator multiplies a mask so that numbers of a type come of it."""
    return node.target is aten.mul.Tensor and _type(node) == numbers


def _counts(node: fx.Node, numbers: torch.dtype) -> bool:
    """Whether an operator counts along dimensions of a mask, and divisions by its result give numbers of a type."""
    if node.target is not aten.sum.dim_IntList or node.kwargs:
        return False
    mask: Any = node.args[0]
    small = math.prod(mask.meta[FORM].shape) <= COUNTED
    return small and all(user.target is aten.div.Tensor and _type(user) == numbers for user in node.users)
