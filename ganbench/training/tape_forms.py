"""What a tape knows of the tensors that it notes: how they lie in memory, and which of them share it.

It is noted in the ``meta`` of what stands for them in the tape's graph.
"""

import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

FORM, OWN, VIEWS, GIVEN = "form", "own", "views", "given"
"""What a tape says of tensors: their form, ``None`` where that changes or cannot be told, and whether they fill memory
that their operator has allocated; of an operator: whose memory what it returns shares; of what was there before the
tape: what that is."""


@dataclass(frozen=True)
class Form:
    """How the numbers of a tensor lie in its memory."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    dtype: torch.dtype


def is_known(func: Any) -> bool:
    """Whether it is one of torch's own operators: others may keep what they are given, or return what they keep."""
    return func is operator.getitem or getattr(func, "namespace", "") == "aten"


def form_of(tensor: Tensor) -> Form | None:
    """The form of a tensor, ``None`` if it has another layout than strides, or its numbers are not what lies there."""
    if not _is_strided(tensor) or tensor.is_conj() or tensor.is_neg():
        return None
    return Form(tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset()), tensor.dtype)


def fills_memory(tensor: Tensor) -> bool:
    """Whether there is nothing else in a tensor's memory."""
    return _is_strided(tensor) and tensor.untyped_storage().nbytes() == tensor.nbytes


def share_memory(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same memory, or that cannot be told; all empty ones have."""
    if not (_is_strided(one) and _is_strided(other)):
        return True
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def _is_strided(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and not tensor.is_nested
