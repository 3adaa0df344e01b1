"""Notices the first step at which a loss is not finite or explodes, without waiting for the device at every step."""

import math
from typing import Any

import torch
from torch import Tensor

from ganbench.errors import Diverged

_NEVER = -1
_KEPT = 1024
"""Losses kept before they are looked at: a few hundred kilobytes."""


class Watch:
    """Keeps the losses on the device until it is asked, and then looks for the first that went wrong."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._seen: list[tuple[int, Tensor]] = []
        self._first = _NEVER
        self._loss = 0.0

    def look(self, step: int, *losses: Tensor) -> None:
        """Take in the losses of a step, scalars that are not written to later."""
        self._seen += [(step, loss.detach()) for loss in losses]
        if len(self._seen) >= _KEPT:
            self._examine()

    def state_dict(self) -> dict[str, Any]:
        """What was seen so far, so that a resumed trial does not forget it."""
        self._examine()
        return {"first": self._first, "loss": self._loss}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self._seen = []
        self._first, self._loss = int(state["first"]), float(state["loss"])

    def check(self) -> None:
        """Raise where a step went wrong.

        Raises:
            Diverged: names the first such step and what the loss was.
        """
        self._examine()
        if self._first != _NEVER:
            if math.isnan(self._loss):
                raise Diverged("a loss that is NaN", self._first)
            raise Diverged(f"a loss of magnitude {self._loss:.3g} beyond {self._limit:g}", self._first)

    def _examine(self) -> None:
        if self._seen and self._first == _NEVER:
            sizes = torch.stack([loss for _, loss in self._seen]).abs().tolist()
            for (step, _), size in zip(self._seen, sizes, strict=True):
                # A NaN compares false with everything, so the question is asked the other way round.
                if not size <= self._limit:
                    self._first, self._loss = step, size
                    break
        self._seen.clear()
