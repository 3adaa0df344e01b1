"""Progress as lines, for a log or a pipe; and hardly any, for those who asked for quiet."""

import contextlib
import os
import time
from typing import TextIO

from ganbench.cleaning import clean
from ganbench.display.watching import Clock, Work, outcome, roughly
from ganbench.records.folder import TrialFolder
from ganbench.tables.wording import counted, duration

HEARTBEAT_SECONDS = 30.0
UNCHANGED_SECONDS = 300.0
"""After this long a line is written though it says what the last one said: some CI end a job that says nothing."""


class Quiet:
    """Warnings and failures alone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def planning(self) -> None:
        """Say nothing."""

    def planned(self, total: int, cached: int, elsewhere: int) -> None:
        """Say nothing."""

    def started(self, folder: TrialFolder, label: str, steps: int) -> None:
        """Say nothing."""

    def tick(self) -> None:
        """Say nothing."""

    def finished(self, folder: TrialFolder, label: str, status: str, reason: str) -> None:
        """Say only what went wrong."""
        if status != "done":
            self._say(f"{status}: {label}: {_why(folder, reason)}")

    def note(self, line: str) -> None:
        """Pass a warning on."""
        self._say(line)

    def close(self) -> None:
        """Nothing is open."""

    def _say(self, line: str) -> None:
        # A closed pipe or a terminal without this alphabet must not end a run that has hours behind it.
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        text = clean(line).encode(encoding, errors="replace").decode(encoding, errors="replace")
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(f"{text}\n")
            self._stream.flush()


class Plain(Quiet):
    """A line when a trial starts and ends, and one now and then while it runs."""

    def __init__(self, stream: TextIO, *, clock: Clock = time.monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._work = Work(clock=clock)
        self._last: dict[str, tuple[float, str]] = {}

    def planning(self) -> None:
        """Say that it takes a moment."""
        self._say("planning")

    def planned(self, total: int, cached: int, elsewhere: int) -> None:
        """Say how much there is to do."""
        self._work = Work(total=total, cached=cached, elsewhere=elsewhere, clock=self._clock)
        self._say(plan_line(total, cached, elsewhere))

    def started(self, folder: TrialFolder, label: str, steps: int) -> None:
        """Say what begins."""
        self._work.start(folder, label, steps)
        self._last[folder.trial_id] = (self._clock(), "")
        self._say(f"started: {label}" + (f", {steps:,} steps" if steps else ""))

    def tick(self) -> None:
        """Say where each running trial stands, every half minute if there is news of it."""
        self._work.look()
        now = self._clock()
        for trial_id, watched in self._work.running.items():
            silent, known = now - self._last[trial_id][0], self._last[trial_id][1]
            if silent < HEARTBEAT_SECONDS:
                continue
            facts = ", ".join(watched.facts().values()) or "running"
            if facts == known and silent < UNCHANGED_SECONDS:
                continue
            self._last[trial_id] = (now, facts)
            left = watched.remaining
            self._say(f"{watched.label}: {facts}" + (f", {roughly(left)} left" if left else ""))

    def finished(self, folder: TrialFolder, label: str, status: str, reason: str) -> None:
        """Say what became of a trial."""
        self._say(end_line(self._work, folder, label, status, reason))


def plan_line(total: int, cached: int, elsewhere: int) -> str:
    """How much there is to do: ``12 trials: 3 done before, 9 to run``."""
    parts = [f"{cached} done before"] if cached else []
    parts += [f"{elsewhere} running elsewhere"] if elsewhere else []
    parts.append(f"{max(0, total - cached - elsewhere)} to run")
    return f"{counted(total, 'trial')}: {', '.join(parts)}"


def end_line(work: Work, folder: TrialFolder, label: str, status: str, reason: str) -> str:
    """Take in and say what became of a trial: ``[3/12] done: hinge · dcgan · digits · seed 0, 53 s, FID 1.52``."""
    seconds = work.end(folder, status)
    parts = [f"[{work.finished}/{work.total}] {status}: {label}"]
    if seconds is not None:
        parts.append(duration(seconds))
    if status == "done":
        parts.append(outcome(folder))
    else:
        parts.append(_why(folder, reason))
    return ", ".join(part for part in parts if part)


def _why(folder: TrialFolder, reason: str) -> str:
    """Why a trial has no result, and where more stands: in its log, which one that never started has not."""
    return f"{reason or 'no reason was recorded'} ({folder.log if os.path.exists(folder.log) else folder.path})"
