"""Real samples, resident on the device as they are stored, drawn in shuffled epochs."""

from typing import Any

import torch
from torch import Tensor

from ganbench.training.draws import Draws, sent


def to_network_range(data: Tensor) -> Tensor:
    """uint8 images in 0..255 to float32 in [-1, 1]; vectors as they are."""
    if data.dtype == torch.uint8:
        return data.to(torch.float32).div_(127.5).sub_(1.0)
    return data


class Mirror:
    """Shows images mirrored, left to right, each with the same probability: what is usual for photographs.

    Args:
        probability: above 0, at most 1.
        rng: the trial's own stream for mirroring, on the device of the images.
    """

    def __init__(self, probability: float, rng: torch.Generator) -> None:
        self._probability = probability
        self._rng = rng

    def __call__(self, images: Tensor) -> Tensor:
        """Return images (N, C, H, W), some of them mirrored."""
        draw = torch.rand((len(images), 1, 1, 1), generator=self._rng, device=images.device)
        return torch.where(draw < self._probability, images.flip(-1), images)


class Order:
    """The order of the samples: every epoch a new permutation, of which what fills no batch is left out.

    Args:
        count: of all samples.
        batch_size: samples per batch, at most ``count``.
        rng: on the CPU.
        device: of the samples.
    """

    def __init__(self, count: int, batch_size: int, rng: torch.Generator, device: torch.device) -> None:
        self._count = count
        self._batch_size = batch_size
        self._rng = rng
        self._device = device
        self._order = torch.empty(0, dtype=torch.int64, device=device)
        self._position = 0

    def draw(self) -> Tensor:
        """Return the indices (batch_size,) of the next batch."""
        if self._position + self._batch_size > len(self._order):
            self._order = sent(torch.randperm(self._count, generator=self._rng), self._device)
            self._position = 0
        index = self._order[self._position : self._position + self._batch_size]
        self._position += self._batch_size
        return index

    def state_dict(self) -> dict[str, Any]:
        """This epoch's order, and the place in it. The stream's own state is kept elsewhere."""
        return {"order": self._order.cpu(), "position": self._position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self._order = state["order"].to(self._device)
        self._position = state["position"]


class Batches:
    """An endless stream of equal batches: every epoch a new permutation, its incomplete rest left out.

    Args:
        data: all samples, uint8 (N, C, H, W) or float32 (N, D), on the training device.
        batch_size: samples per batch, at most N.
        rng: the trial's own stream for the data order, on the CPU, so that every device sees the same order.
        labels: of all samples, int64 (N,), on the training device, where they are wanted.
        mirror: applied to every batch, where there is one.

    Attributes:
        indices: of the samples of each batch, (batch_size,).
    """

    def __init__(
        self,
        data: Tensor,
        batch_size: int,
        rng: torch.Generator,
        labels: Tensor | None = None,
        mirror: Mirror | None = None,
    ) -> None:
        self._data = data
        self._all_labels = labels
        self._mirror = mirror
        self._order = Order(len(data), batch_size, rng, data.device)
        self._latest = torch.empty(0, dtype=torch.int64, device=data.device)
        self.indices = Draws(self._order.draw, len(data))

    @property
    def labels(self) -> Tensor | None:
        """The labels (N,) of what :meth:`next` returned last, or ``None`` without labels."""
        return None if self._all_labels is None else self._all_labels[self._latest]

    def next(self, count: int = 1) -> Tensor:
        """Return the next batch, or the next ``count`` as one, in the range the networks see."""
        indices = [self.indices.next() for _ in range(count)]
        self._latest = indices[0] if count == 1 else torch.cat(indices)
        samples = to_network_range(self._data[self._latest])
        return samples if self._mirror is None else self._mirror(samples)

    def state_dict(self) -> dict[str, Any]:
        """The position in the data: order of this epoch, place in it. The stream's own state is kept elsewhere."""
        return self._order.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self._order.load_state_dict(state)
