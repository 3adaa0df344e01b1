"""What can be known of a running trial from the ends of its files, and how long the rest will take."""

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heapreplace
from pathlib import Path
from typing import Any, NamedTuple

from ganbench.cleaning import clean
from ganbench.errors import StoreError
from ganbench.files import as_number, open_regular
from ganbench.records.folder import TrialFolder
from ganbench.store.results import read_row
from ganbench.tables.wording import headline, rate, spread

Clock = Callable[[], float]

TAIL_BYTES = 16384
# A speed measured over less than this says little: the first steps are slower than the rest.
MEASURE_SECONDS = 2.0
LOOK_SHARE = 0.05
"""Of the time, at most, is spent on looking: hundreds of trials on a file server are looked at less often."""
# Between two reports a trial goes on; it is taken to do so for this long at most.
TRUST_SECONDS = 10.0


class Tail:
    """The last complete line of a growing file of JSON lines, read again only when the file has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self.record: dict[str, Any] = {}

    def look(self) -> bool:
        """Read the end of the file; return whether there is another last line than before."""
        try:
            with open_regular(self._path) as file:
                known = os.fstat(file.fileno())
                stamp = (known.st_size, known.st_mtime_ns)
                if stamp == self._stamp:
                    return False
                file.seek(max(0, known.st_size - TAIL_BYTES))
                text = file.read(TAIL_BYTES).decode("utf-8", errors="replace")
        except OSError:
            return False
        self._stamp = stamp
        for line in reversed(text.splitlines()):
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(record, dict):
                changed = record != self.record
                self.record = record
                return changed
        return False


@dataclass
class Watched:
    """One running trial."""

    folder: TrialFolder
    label: str
    steps: int
    clock: Clock = time.monotonic
    step: int = 0
    _record: Mapping[str, Any] = field(default_factory=dict)
    _first: int | None = 0
    _origin: tuple[float, int] | None = None
    _changed: float = 0.0

    def __post_init__(self) -> None:
        self.began = self.clock()
        self._attempts = Tail(self.folder.attempts)
        self._progress = Tail(self.folder.progress)
        self._metrics = Tail(self.folder.metrics)
        # Lines of an earlier attempt are there before the worker has gone back to its checkpoint.
        for tail in (self._attempts, self._progress, self._metrics):
            tail.look()
        self._stale = dict(self._progress.record)
        if self._attempts.record:  # the worker says from which step this one goes on, when it has got that far
            self._first = None
        # On a cluster a trial may have begun to train by the time it is known to run.
        if self._attempts.record and self._attempts.record.get("time") == self.folder.read_status().get("started"):
            self._begin()

    @property
    def elapsed(self) -> float:
        """Seconds since it was started."""
        return self.clock() - self.began

    def look(self) -> None:
        """Read what is new."""
        self._metrics.look()
        if self._attempts.look():
            self._begin()
        if not self._progress.look() or self._progress.record == self._stale:
            return
        step = _count(self._progress.record.get("step"))
        if step is None or step <= (self._first or 0):
            return
        now = self.clock()
        if self._origin is None or step < self.step:
            self._origin = (now, step)
        self._record, self.step, self._changed = self._progress.record, step, now

    def _begin(self) -> None:
        """Start over at the step that this attempt goes on from: what came before is none of its speed."""
        self.step = self._first = _count(self._attempts.record.get("step")) or 0
        self._record, self._origin = {}, None

    @property
    def remaining(self) -> float | None:
        """Seconds to the last step at the speed measured so far; ``None`` before there is one."""
        if self.steps == 0:
            return 0.0
        if self._origin is None:
            return None
        seconds, steps = self._changed - self._origin[0], self.step - self._origin[1]
        if seconds < MEASURE_SECONDS or steps <= 0:
            return None
        left = max(0, self.steps - self.step) * seconds / steps
        return max(0.0, left - min(self.clock() - self._changed, TRUST_SECONDS))

    def facts(self) -> dict[str, str]:
        """What is known, as words: ``step``, ``speed``, ``losses``, ``score``, ``memory``, as far as there is one.

        A trial that was begun before has no step until it is known which one it goes on from.
        """
        record = self._record
        found = {}
        if self.steps and (self.step or self._first is not None):
            found["step"] = f"step {self.step:,}/{self.steps:,}"
        if (speed := as_number(record.get("images_per_second"))) is not None:
            found["speed"] = f"{rate(speed)} images/s"
        if "d_loss" in record or "g_loss" in record:
            found["losses"] = f"D {_loss(record.get('d_loss'))} G {_loss(record.get('g_loss'))}"
        if score := self._score():
            found["score"] = score
        if memory := as_number(record.get("memory")):
            found["memory"] = f"{memory / 2**20:,.0f} MiB"
        return found

    def _score(self) -> str:
        values = self._metrics.record.get("values")
        if not isinstance(values, Mapping):
            return ""
        # They are in the order in which they are declared.
        name = next((str(name) for name, value in values.items() if as_number(value) is not None), None)
        if name is None:
            return ""
        heading = name.upper() if len(name) <= 3 else clean(name).replace("_", " ")
        return f"{heading} {as_number(values[name]):.4g}"


class Ended(NamedTuple):
    """A trial that was seen to end: the steps it was to have, those that need no more work, and its seconds."""

    steps: int
    reached: int
    seconds: float


@dataclass
class Work:
    """All trials of a run, as far as they are known: a waiting one is taken to be like those seen so far."""

    total: int = 0
    cached: int = 0
    elsewhere: int = 0
    clock: Clock = time.monotonic
    running: dict[str, Watched] = field(default_factory=dict)
    ended: list[Ended] = field(default_factory=list)
    failed: int = 0
    slots: int = 0
    _next: float = -math.inf

    def start(self, folder: TrialFolder, label: str, steps: int) -> None:
        """Take in a trial that runs; what was waited for elsewhere may turn out to be ours."""
        self.running[folder.trial_id] = Watched(folder, clean(label), steps, clock=self.clock)
        self.slots = max(self.slots, len(self.running))
        ours = len(self.running) + len(self.ended)
        self.elsewhere = max(0, min(self.elsewhere, self.total - self.cached - ours))

    def end(self, folder: TrialFolder, status: str) -> float | None:
        """Take in that a trial ended; return its seconds, if it was seen to start."""
        watched = self.running.pop(folder.trial_id, None)
        self.failed += status != "done"
        steps = watched.steps if watched else 0
        # An interrupted one goes on some time; one that failed does not, as far as this run is concerned.
        reached = watched.step if watched and status == "interrupted" else steps
        self.ended.append(Ended(steps, reached, watched.elapsed if watched else 0.0))
        return watched.elapsed if watched else None

    def look(self) -> None:
        """Read what is new of all running trials, unless the last look took long and was a moment ago."""
        began = self.clock()
        if began < self._next:
            return
        for watched in self.running.values():
            watched.look()
        now = self.clock()
        self._next = now + (now - began) * (1 - LOOK_SHARE) / LOOK_SHARE

    @property
    def finished(self) -> int:
        """Trials that need no more work, the cached ones among them."""
        return min(self.total, self.cached + len(self.ended))

    @property
    def waiting(self) -> int:
        """Trials of this run that have not started."""
        return max(0, self.total - self.cached - self.elsewhere - len(self.running) - len(self.ended))

    @property
    def share(self) -> float:
        """The share of the steps that are done, from 0 to 1; what is not known counts as the mean of what is."""
        known = [one.steps for one in self.ended] + [watched.steps for watched in self.running.values()]
        typical = sum(known) / len(known) if any(known) else 1.0
        unseen = max(0, self.total - len(known))
        whole = sum(known) + unseen * typical
        done = sum(one.reached for one in self.ended) + self.cached * typical
        done += sum(min(watched.step, watched.steps) for watched in self.running.values())
        return min(1.0, done / whole) if whole else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end of this run's own trials; ``None`` where that cannot be known yet.

        Each running trial goes on at its measured speed; each waiting one takes as long as those seen so far, in the
        slot that is free first.
        """
        if not self.running and not self.waiting:
            return None
        trials = [(one, one.remaining) for one in self.running.values()]
        lengths = [one.seconds for one in self.ended if one.steps and one.reached == one.steps]
        lengths += [one.elapsed + left for one, left in trials if one.steps and left is not None]
        if not lengths and (self.waiting or any(left is None for _, left in trials)):
            return None
        typical = sum(lengths) / len(lengths) if lengths else 0.0  # without any, nothing takes it
        ahead = [max(0.0, typical - one.elapsed) if left is None else left for one, left in trials]
        ahead += [0.0] * max(0, self.slots - len(ahead))
        heapify(ahead)
        for _ in range(self.waiting):
            heapreplace(ahead, ahead[0] + typical)
        return max(ahead)


def roughly(seconds: float) -> str:
    """A time left, no finer than it can be known: ``about 25 s``, ``about 3 m``, ``about 1 h 10 m``."""
    if seconds < 57.5:
        return f"about {max(5, 5 * round(seconds / 5))} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"about {minutes} m"
    minutes = 5 * round(minutes / 5)
    return f"about {minutes // 60} h {minutes % 60:02d} m"


def outcome(folder: TrialFolder) -> str:
    """The headline score of a trial that is done: ``FID 1.52``; empty where it cannot be read."""
    try:
        row = read_row(folder)
    except (StoreError, OSError, ValueError):
        return ""
    name = headline(row.values)
    value = row.metrics.get(name) if name is not None else None
    if name is None or value is None:
        return ""
    return f"{clean(row.values[name].label)} {spread(value, None, row.values[name])}"


def _count(value: Any) -> int | None:
    number = as_number(value)
    return int(number) if number is not None and number >= 0 else None


def _loss(value: Any) -> str:
    number = as_number(value)
    return "-" if number is None else f"{number:.3g}" if abs(number) >= 1000 else f"{number:.3f}"
