"""Real samples, resident on the device as they are stored, drawn in shuffled epochs."""

from typing import Any

import torch
from torch import Tensor


def to_network_range(data: Tensor) -> Tensor:
    """uint8 images in 0..255 to float32 in [-1, 1]; vectors as they are."""
    if data.dtype == torch.uint8:
        return data.to(torch.float32).div_(127.5).sub_(1.0)
    return data


class Batches:
    """An endless stream of equal batches: every epoch a new permutation, its incomplete rest left out.

    Args:
        data: all samples, uint8 (N, C, H, W) or float32 (N, D), on the training device.
        batch_size: samples per batch, at most N.
        rng: the trial's own stream for the data order, on the CPU, so that every device sees the same order.
        labels: of all samples, int64 (N,), on the training device, where they are wanted.
    """

    def __init__(self, data: Tensor, batch_size: int, rng: torch.Generator, labels: Tensor | None = None) -> None:
        self._data = data
        self._all_labels = labels
        self._batch_size = batch_size
        self._rng = rng
        self._order = torch.empty(0, dtype=torch.int64, device=data.device)
        self._position = 0
        self._latest = self._order

    @property
    def labels(self) -> Tensor | None:
        """The labels (batch_size,) of the batch that was drawn last, or ``None`` without labels."""
        return None if self._all_labels is None else self._all_labels[self._latest]

    def next(self) -> Tensor:
        """Return the next batch in the range the networks see."""
        if self._position + self._batch_size > len(self._order):
            order = torch.randperm(len(self._data), generator=self._rng)
            self._order = order.to(self._data.device)
            self._position = 0
        index = self._order[self._position : self._position + self._batch_size]
        self._position += self._batch_size
        self._latest = index
        return to_network_range(self._data[index])

    def state_dict(self) -> dict[str, Any]:
        """The position in the data: order of this epoch, place in it. The stream's own state is kept elsewhere."""
        return {"order": self._order.cpu(), "position": self._position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self._order = state["order"].to(self._data.device)
        self._position = state["position"]
