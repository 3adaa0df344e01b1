"""A history of earlier fakes, drawn from as CycleGAN does from its pool.

That a part of each fake batch comes from a history is Shrivastava et al.'s (2017, arXiv:1612.07828, section 2.3). They
draw and renew independently; here, as in the authors' code of CycleGAN (Zhu et al. 2017, arXiv:1703.10593, section 4),
what is drawn leaves the history, and new fakes take its place.
"""

from typing import Any

import torch
from torch import Tensor

from ganbench.training.draws import Draws, sent


class Choice:
    """Which groups of a full history are drawn for a batch.

    Args:
        size: of the history.
        rng: on the CPU.

    Attributes:
        count: how many are drawn.
        device: of the fakes.
    """

    def __init__(self, size: int, rng: torch.Generator) -> None:
        self._size = size
        self._rng = rng
        self.count = 0
        self.device = torch.device("cpu")

    def draw(self) -> Tensor:
        """Return the numbers (count,) of different groups."""
        return sent(torch.randperm(self._size, generator=self._rng)[: self.count], self.device)


class Replay:
    """Replaces a share of each fake batch by earlier fakes, so that the discriminator does not forget them.

    The history fills with the first part of each batch; until it is full, nothing is drawn. From then on the first part
    takes the places of those that are drawn, so that none comes back twice.

    Args:
        size: how many groups are kept.
        share: the share of a batch drawn from them.
        rng: the trial's own stream for replay, on the CPU.
        pack: samples in a group, which the discriminator judges together. Groups are kept and drawn as they were made:
            one of samples from generators of different steps would be more varied than any of them.

    Attributes:
        chosen: which groups of a full history are drawn for each batch.
    """

    def __init__(self, size: int, share: float, rng: torch.Generator, pack: int = 1) -> None:
        self._size = size
        self._share = share
        self._pack = pack
        self._kept: Tensor | None = None
        self._choice = Choice(size, rng)
        self.chosen = Draws(self._choice.draw, size)

    @property
    def settled(self) -> bool:
        """Whether each further batch is treated as the last one was: that one has left a full history behind.

        Not yet so where a checkpoint's was full, before the first batch has shown where fakes are.
        """
        return self._choice.count > 0 and self._kept is not None and len(self._kept) == self._size

    def tensors(self) -> list[Tensor]:
        """What :meth:`mix` changes, in place once the history is full."""
        return [] if self._kept is None else [self._kept]

    def mix(self, fake: Tensor) -> Tensor:
        """Return a batch (N·pack, ...) with its last part drawn from the history, and put its first part into it."""
        groups = fake.unflatten(0, (-1, self._pack))
        count = min(round(self._share * len(groups)), self._size)
        self._choice.count, self._choice.device = count, fake.device
        if count == 0:
            return fake
        new = groups[:count].detach()
        kept = new[:0] if self._kept is None else self._kept.to(fake.device)  # of a checkpoint it is on the CPU
        if len(kept) < self._size:
            self._kept = torch.cat([kept, new[: self._size - len(kept)]])
            return fake
        self._kept = kept
        chosen = self.chosen.next()
        old = kept[chosen]
        kept[chosen] = new
        return torch.cat([groups[: len(groups) - count], old]).flatten(0, 1)

    def state_dict(self) -> dict[str, Any]:
        """The kept samples (n·pack, ...), group after group."""
        return {"kept": None if self._kept is None else self._kept.flatten(0, 1)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        # A copy, as what is full changes in place.
        self._kept = None if state["kept"] is None else state["kept"].unflatten(0, (-1, self._pack)).clone()
