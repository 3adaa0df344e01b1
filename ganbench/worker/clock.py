"""The time that a trial takes over all attempts: its training, its evaluation, and the whole."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class Clock:
    """Runs from the moment it is made; its training clock runs from :meth:`start_training`.

    ``wait`` is called before the training clock stops: work that a device has yet to finish is training, too.
    """

    def __init__(self, wait: Callable[[], None]) -> None:
        self.stopped_at = 0.0
        """Seconds of training when that clock last stood still."""
        self.evaluated = 0.0
        """Seconds of evaluation."""
        self._wait = wait
        self._made = time.monotonic()
        self._before = 0.0
        self._since: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds in all."""
        return self._before + time.monotonic() - self._made

    @property
    def trained(self) -> float:
        """Seconds spent in training steps."""
        return self.stopped_at + (time.monotonic() - self._since if self._since is not None else 0.0)

    def start_training(self) -> None:
        """Let the training clock run."""
        self._since = time.monotonic()

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Stop the training clock meanwhile; the time counts as evaluation."""
        self._wait()
        begin = time.monotonic()
        self.stopped_at = self.trained
        self._since = None
        try:
            yield
        finally:
            self._since = time.monotonic()
            self.evaluated += self._since - begin

    def state_dict(self) -> dict[str, float]:
        """What a later attempt has to know to go on from here."""
        return {"seconds": self.trained, "elapsed": self.elapsed, "evaluated": self.evaluated}

    def load_state_dict(self, earlier: Mapping[str, Any]) -> None:
        """Add the times of earlier attempts, as :meth:`state_dict` gave them, to those of this one."""
        self._before = float(earlier["elapsed"])
        self.stopped_at = float(earlier["seconds"])
        # Checkpoints of older versions do not know it.
        self.evaluated = float(earlier.get("evaluated", 0.0))
