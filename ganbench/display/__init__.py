"""Live progress of a run, on stderr: stdout belongs to the table."""

import os
import sys
from typing import Protocol, TextIO

from ganbench.records.folder import TrialFolder


class Display(Protocol):
    """What a run tells the person who waits. None of it raises for a trial's missing or torn files."""

    def planning(self) -> None:
        """The grid is being planned."""

    def planned(self, total: int, cached: int, elsewhere: int) -> None:
        """The grid has ``total`` trials; ``cached`` are there already, ``elsewhere`` another run is working on."""

    def started(self, folder: TrialFolder, label: str, steps: int) -> None:
        """A trial of ``steps`` steps (0: a baseline) began; ``label`` says which, in words."""

    def tick(self) -> None:
        """Look at the running trials' files. Called a few times a second."""

    def finished(self, folder: TrialFolder, label: str, status: str, reason: str) -> None:
        """A trial ended."""

    def note(self, line: str) -> None:
        """A warning."""

    def close(self) -> None:
        """The run is over; leave the terminal as it was. May be called twice."""


def make_display(*, quiet: bool, stream: TextIO | None = None) -> Display:
    """The display that suits: warnings and failures alone, a live one on a terminal, or plain lines.

    Args:
        quiet: say nothing but warnings and failures.
        stream: where to write; stderr, as it is at the call, by default.
    """
    stream = sys.stderr if stream is None else stream
    if quiet:
        from ganbench.display.plain import Quiet

        return Quiet(stream)
    if _is_terminal(stream):
        from ganbench.display.live import Live

        return Live(stream)
    from ganbench.display.plain import Plain

    return Plain(stream)


def _is_terminal(stream: TextIO) -> bool:
    """Whether the stream is a terminal that can move its cursor."""
    try:
        return stream.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")
    except (AttributeError, ValueError):
        return False
