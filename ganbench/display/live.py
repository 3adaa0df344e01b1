"""Progress on a terminal: one bar for all, one line per running trial, what has ended above them."""

import contextlib
import sys
import time
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ganbench.cleaning import clean
from ganbench.display.plain import end_line, plan_line
from ganbench.display.watching import Clock, Work, roughly
from ganbench.records.folder import TrialFolder
from ganbench.tables.wording import duration

REFRESH_SECONDS = 0.25
_FACTS = ("step", "speed", "losses", "score", "memory")
# What goes first where the terminal is narrow.
_DISPENSABLE = ("memory", "losses", "speed", "score")
_GAP = 2
_STYLES = {"done": "green", "interrupted": "yellow"}


class Live:
    """The live display. It draws only when it is called, in the caller's thread: a forked child inherits no drawer."""

    def __init__(self, stream: TextIO, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._work = Work(clock=clock)
        self._planning = False
        self._began = clock()
        self._drawn = float("-inf")
        self._live = RichLive(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            # What a library writes to stderr goes above the bar, not through it.
            redirect_stderr=stream is sys.stderr,
            get_renderable=self._picture,
        )
        self._open = False

    def planning(self) -> None:
        """Say that it takes a moment."""
        self._planning = True
        self._draw()

    def planned(self, total: int, cached: int, elsewhere: int) -> None:
        """Show the bar."""
        self._planning = False
        self._began = self._clock()
        self._work = Work(total=total, cached=cached, elsewhere=elsewhere, clock=self._clock)
        self._print(Text(plan_line(total, cached, elsewhere)))
        self._draw()

    def started(self, folder: TrialFolder, label: str, steps: int) -> None:
        """Add a trial's line."""
        self._work.start(folder, label, steps)
        self._draw()

    def tick(self) -> None:
        """Look and draw, at most four times a second."""
        if self._clock() - self._drawn >= REFRESH_SECONDS:
            self._work.look()
            self._draw()

    def finished(self, folder: TrialFolder, label: str, status: str, reason: str) -> None:
        """Move a trial from the bar to the lines above it."""
        line = end_line(self._work, folder, label, status, reason)
        self._print(Text(clean(line), style=_STYLES.get(status, "red")))
        self._draw()

    def note(self, line: str) -> None:
        """Write a warning above the bar."""
        self._print(Text(clean(line), style="yellow"))

    def close(self) -> None:
        """Take the bar away; what has ended stays."""
        if self._open:
            self._open = False
            with contextlib.suppress(OSError, ValueError):
                self._live.stop()

    def _print(self, text: Text) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._console.print(text, soft_wrap=True)

    def _draw(self) -> None:
        """Draw; a terminal that has gone away is no reason to end a run."""
        self._drawn = self._clock()
        with contextlib.suppress(OSError, ValueError):
            if not self._open:
                self._open = True
                self._live.start()
            self._live.refresh()

    def _picture(self) -> RenderableType:
        if self._planning:
            return Text("planning: importing components and reading data", style="dim")
        if not self._work.total:
            return Text("")
        return Group(self._overall(), *([self._trials()] if self._work.running else []))

    def _overall(self) -> Table:
        work = self._work
        grid = Table.grid(padding=(0, 1))
        for _ in range(3):
            grid.add_column(no_wrap=True)
        words = [f"{work.finished}/{work.total} trials"]
        if work.failed:
            words.append(f"{work.failed} not done")
        if work.waiting:
            words.append(f"{work.waiting} waiting")
        if work.elsewhere:
            words.append(f"{work.elsewhere} elsewhere")
        words.append(duration(self._clock() - self._began))
        if (left := work.seconds_left) is not None:
            words.append(f"{roughly(left)} left")
        share = work.share
        grid.add_row(ProgressBar(total=1.0, completed=share, width=24), f"{share:4.0%}", Text(", ".join(words)))
        return grid

    def _trials(self) -> Table:
        facts = [watched.facts() for watched in self._work.running.values()]
        widths = {name: max(cell_len(fact.get(name, "")) for fact in facts) for name in _FACTS}
        shown = [name for name in _FACTS if widths[name]]
        label = max(cell_len(watched.label) for watched in self._work.running.values())
        for name in _DISPENSABLE:
            if label + sum(widths[one] + _GAP for one in shown) > self._console.width and name in shown:
                shown.remove(name)
        grid = Table.grid(padding=(0, _GAP))
        grid.add_column(no_wrap=True, overflow="ellipsis")
        for _ in shown:
            grid.add_column(no_wrap=True, overflow="ellipsis", justify="right")
        for watched, fact in zip(self._work.running.values(), facts, strict=True):
            grid.add_row(Text(watched.label), *(Text(fact.get(name, "")) for name in shown))
        return grid
