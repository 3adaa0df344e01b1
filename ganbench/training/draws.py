"""What a step draws on the host: whole numbers that say which samples, labels or earlier fakes it takes.

A recorded step does nothing on the host. So these numbers are drawn before it, into a fixed place, where the recording
finds those of each step. They are drawn on the host so that every device takes the same samples.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def sent(drawn: Tensor, device: torch.device) -> Tensor:
    """Return what was drawn on the host on the samples' device, without waiting for what a GPU is still to do."""
    if device.type != "cuda":
        return drawn.to(device)
    # A copy from pinned memory is queued; torch gives that memory to nobody else before the copy is done.
    return drawn.pin_memory().to(device, non_blocking=True)


class Draws:
    """Draws of equal length from one stream, made when they are asked for, or before a step for the whole of it.

    Args:
        draw: makes the next draw, int64 (n,), on the device of the samples. It must not hold whoever holds these draws:
            a state goes, and a GPU's memory with it, when the last reference to it does.
        bound: of what is drawn: from 0 to ``bound`` - 1.
    """

    def __init__(self, draw: Callable[[], Tensor], bound: int) -> None:
        self._draw = draw
        self._bound = bound
        self._place: Tensor | None = None
        self._staged: Tensor | None = None
        self._row = 0

    def next(self) -> Tensor:
        """Return the next draw (n,): one of those that were staged, or a fresh one if nothing is."""
        if self._staged is None:
            return self._draw()
        self._row += 1
        return self._staged[self._row - 1]

    def stage(self, count: int) -> None:
        """Make the next ``count`` draws, into a fixed place from which :meth:`next` will take them.

        So a step that was recorded once finds the draws of each later step where it found those of the first.
        """
        rows = torch.stack([self._draw() for _ in range(count)])
        self._place = rows if self._place is None else self._place.copy_(rows)
        self._staged = self._place
        self.rewind()

    def unstage(self) -> None:
        """Let :meth:`next` draw again, for a step that is done as it is; :meth:`stage` will use the same place."""
        self._staged = None

    def rewind(self) -> None:
        """Let :meth:`next` begin again with the first draw that was staged."""
        self._row = 0

    @contextmanager
    def others(self) -> Iterator[None]:
        """Let :meth:`next` find other numbers in the place of those that were staged, as long as this is entered."""
        assert self._place is not None
        staged = self._place.clone()
        self._place.add_(1).remainder_(self._bound)
        self.rewind()
        try:
            yield
        finally:
            self._place.copy_(staged)
            self.rewind()
