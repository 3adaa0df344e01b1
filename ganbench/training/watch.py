"""Notices the first step at which a loss is not finite or explodes, without waiting for the device at every step."""

import torch
from torch import Tensor

from ganbench.errors import Diverged

_NEVER = 2**62


class Watch:
    """Remembers, on the device, the first step at which a loss went wrong; the host looks only at reports."""

    def __init__(self, limit: float, device: torch.device) -> None:
        self._limit = limit
        self._first = torch.full((), _NEVER, dtype=torch.int64, device=device)
        self._loss = torch.zeros((), device=device)

    @torch.no_grad()
    def look(self, step: int, *losses: Tensor) -> None:
        """Take in the losses of a step."""
        worst = torch.stack([loss.detach().float().abs() for loss in losses]).max()
        # A NaN compares false with everything, so the question is asked the other way round.
        wrong = ~(worst <= self._limit) & (self._first == _NEVER)
        self._loss = torch.where(wrong, worst, self._loss)
        self._first = torch.where(wrong, step, self._first)

    def state_dict(self) -> dict[str, Tensor]:
        """What was seen so far, so that a resumed trial does not forget it."""
        return {"first": self._first.cpu(), "loss": self._loss.cpu()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self._first, self._loss = state["first"].to(self._first.device), state["loss"].to(self._loss.device)

    def check(self) -> None:
        """Raise where a step went wrong.

        Raises:
            Diverged: names the first such step and what the loss was.
        """
        first = int(self._first)
        if first != _NEVER:
            loss = float(self._loss)
            what = f"a loss of magnitude {loss:.3g} beyond {self._limit:g}" if loss == loss else "a loss that is NaN"
            raise Diverged(what, first)
