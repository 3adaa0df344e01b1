"""A history of earlier fakes (Shrivastava et al. 2017, arXiv:1612.07828, section 2.3)."""

from typing import Any

import torch
from torch import Tensor


class Replay:
    """Replaces a share of each fake batch by earlier fakes, so that the discriminator does not forget them.

    Args:
        size: how many earlier fakes are kept.
        share: the share of a batch drawn from them.
        rng: the trial's own stream for replay, on the CPU.
    """

    def __init__(self, size: int, share: float, rng: torch.Generator) -> None:
        self._size = size
        self._share = share
        self._rng = rng
        self._kept: Tensor | None = None

    def mix(self, fake: Tensor) -> Tensor:
        """Return the batch with its last part drawn from the history, and put its first part into the history."""
        count = min(round(self._share * len(fake)), self._size)
        if count == 0:
            return fake
        new = fake[:count].detach()
        if self._kept is not None:
            self._kept = self._kept.to(fake.device)  # of a checkpoint it is on the CPU
        if self._kept is None or len(self._kept) < self._size:
            room = self._size - (0 if self._kept is None else len(self._kept))
            kept = new[:room].clone() if self._kept is None else torch.cat([self._kept, new[:room]])
            self._kept = kept
            return fake
        chosen = torch.randperm(self._size, generator=self._rng)[:count].to(fake.device)
        old = self._kept[chosen]
        self._kept[chosen] = new
        return torch.cat([fake[: len(fake) - count], old])

    def state_dict(self) -> dict[str, Any]:
        """The kept samples."""
        return {"kept": self._kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self._kept = state["kept"]
