"""An exponential moving average of the generator's weights (Yazıcı et al. 2019, arXiv:1806.04498)."""

import copy

import torch
from torch import Tensor, nn


class Average:
    """Keeps ``average = decay * average + (1 - decay) * weights`` from a given step on, and a plain copy
    of the weights before it.

    The decay begins small and grows with the steps ``t`` since then, ``min(decay, (1 + t) / (10 + t))``: with a
    constant one, ``decay ** t`` of the average would still be the weights that it began with, which are random.
    Buffers (batch-norm statistics) are copied, not averaged.
    """

    def __init__(self, generator: nn.Module, decay: float, start: int) -> None:
        self.module = copy.deepcopy(generator).requires_grad_(False)
        self._decay = decay
        self._start = start

    @torch.no_grad()
    def update(self, generator: nn.Module, step: int) -> None:
        """Take in the weights after ``step``."""
        own: list[Tensor] = [parameter.detach() for parameter in self.module.parameters()]
        new: list[Tensor] = [parameter.detach() for parameter in generator.parameters()]
        torch._foreach_lerp_(own, new, 1.0 - self._decay_at(step - self._start))
        if buffers := list(self.module.buffers()):
            torch._foreach_copy_(buffers, list(generator.buffers()))

    def _decay_at(self, steps: int) -> float:
        """The decay so many steps after averaging began; 0 until then."""
        return min(self._decay, (1 + steps) / (10 + steps)) if steps > 0 else 0.0
