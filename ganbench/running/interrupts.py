"""Ctrl-C and the like, counted instead of raised: a run decides between two steps what they mean."""

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
HANGUP = (signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()  # Windows has none


class Interrupts:
    """Counts SIGINT, SIGTERM and SIGHUP while it is entered, and gives the signals back afterwards.

    The third and later ones raise :class:`KeyboardInterrupt` after all, which ends whatever does not look at the count.
    Outside the main thread signals cannot be taken over: nothing is counted then, and an interrupt reaches the caller.
    """

    def __init__(self, *, hangup: bool = True) -> None:
        """Make it; without ``hangup``, SIGHUP is not counted, and does what it did before."""
        self._signals = (*SIGNALS, *HANGUP) if hangup else SIGNALS
        self.count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in self._signals:
                # Under nohup a closed terminal must not matter.
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before.clear()

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than until the next interrupt."""
        count, deadline = self.count, time.monotonic() + seconds
        while self.count == count and time.monotonic() < deadline:
            time.sleep(0.05)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count > 2:
            raise KeyboardInterrupt
