"""In which numbers the networks compute, and in which what is made of their outputs."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from ganbench.spec import Recipe


def widened(x: Tensor) -> Tensor:
    """bfloat16 as float32, anything else as it is: losses are computed in full precision.

    So float64 stays, of raw outputs and of features alike: a network that computes in it does so for its digits.
    """
    return x.float() if x.dtype == torch.bfloat16 else x


def precision(recipe: Recipe, device: torch.device) -> AbstractContextManager[object]:
    """The arithmetic of the networks: float32, or bfloat16 where the recipe says so."""
    if recipe.precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
