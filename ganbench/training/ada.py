"""Adaptive discriminator augmentation (Karras et al. 2020, arXiv:2006.06676): the surer the discriminator
is of real images, the more images are transformed."""

from typing import Any

import torch
from torch import Tensor

INTERVAL = 4
"""Discriminator updates between two adjustments, as in the paper."""


class Adaptation:
    """Moves the probability p of each transform so that the mean sign of D on real images, r_t of equation 1, stays
    near a target: up where the discriminator is surer, down where it is less sure.

    The sign is that of the distance to ``level``, the output of a discriminator in doubt: 0 in the paper, as it is for
    the paper's loss.

    p starts at 0 and needs ``images`` real images to reach 1. Everything is on the device and stays in its place, so
    nothing waits for the device, and a recorded step goes on with it.

    Args:
        target: of the mean sign, in (0, 1]; the paper has 0.6.
        images: real images that p takes from 0 to 1; the paper has 500,000.
        device: of the outputs.
    """

    def __init__(self, target: float, images: int, device: torch.device) -> None:
        self._target = target
        self._images = images
        self.level = 0.0
        self.p = torch.zeros((), device=device)
        self._signs = torch.zeros((), device=device)
        self._seen = torch.zeros((), dtype=torch.int64, device=device)
        self._updates = torch.zeros((), dtype=torch.int64, device=device)

    @torch.no_grad()
    def observe(self, outputs: Tensor, images: int) -> None:
        """Take in the raw outputs (N,) of one discriminator update on a real batch of ``images`` images.

        There are more images than outputs where the discriminator judges several at once: each then counts with its
        group's sign.
        """
        self._signs.add_((outputs - self.level).sign().sum() * (images / len(outputs)))
        self._seen.add_(images)
        self._updates.add_(1)
        due = self._updates.remainder(INTERVAL) == 0
        direction = (self._signs / self._seen - self._target).sign()
        adjusted = (self.p + direction * (self._seen / self._images)).clamp(0.0, 1.0)
        self.p.copy_(torch.where(due, adjusted, self.p))
        self._signs.masked_fill_(due, 0)
        self._seen.masked_fill_(due, 0)

    def tensors(self) -> list[Tensor]:
        """All that :meth:`observe` changes, in place."""
        return [self.p, self._signs, self._seen, self._updates]

    def state_dict(self) -> dict[str, Any]:
        """The probability, and what was observed since it was last adjusted."""
        return {"p": self.p.cpu(), "signs": self._signs.cpu(), "seen": int(self._seen), "updates": int(self._updates)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self.p.copy_(state["p"])
        self._signs.copy_(state["signs"])
        self._seen.fill_(state["seen"])
        self._updates.fill_(state["updates"])
