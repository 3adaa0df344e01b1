"""Trackers while a run goes on: read what is new in the trials' folders and hand it on, each tracker in its thread."""

import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ganbench import plugins
from ganbench.display import Display
from ganbench.errors import StoreError, UsageError
from ganbench.files import as_number, read_lines
from ganbench.grid import ComponentRequest
from ganbench.parameters import merge
from ganbench.records.folder import TrialFolder
from ganbench.registry import Registry
from ganbench.spec import Scalar
from ganbench.store.results import Row
from ganbench.trackers import Settings, Tracked, Tracker

LOOK_SECONDS = 1.0
FLUSH_SECONDS = 30.0
"""How long the end of a run waits for trackers that still have something to write."""


class Tracking:
    """A display that also feeds trackers."""

    def __init__(self, display: Display, trackers: Mapping[str, Tracker], *, patience: float = FLUSH_SECONDS) -> None:
        """Start a thread for each tracker.

        Args:
            display: where everything is shown as before.
            trackers: by the names that messages call them.
            patience: seconds that :meth:`close` waits for all of them together.
        """
        self._display = display
        self.channels = [_Channel(name, tracker) for name, tracker in trackers.items()]
        self._patience = patience
        self.followed: dict[str, _Followed] = {}
        self._looked = 0.0
        self._closed = False

    def planning(self) -> None:
        """Pass on."""
        self._display.planning()

    def planned(self, total: int, cached: int, elsewhere: int) -> None:
        """Pass on."""
        self._display.planned(total, cached, elsewhere)

    def note(self, line: str) -> None:
        """Pass on."""
        self._display.note(line)

    def started(self, folder: TrialFolder, label: str, steps: int) -> None:
        """Pass on, and follow the trial from now on."""
        self._display.started(folder, label, steps)
        try:
            spec = folder.read_spec().spec.model_dump(mode="json")
        except StoreError as error:
            self._display.note(f"a trial is not tracked: {error}")
            return
        started = as_number(folder.read_status().get("started"))
        trial = Tracked(
            trial_id=folder.trial_id,
            label=label,
            folder=folder.path.absolute(),
            spec=spec,
            started=time.time() if started is None else started,
        )
        self.followed[folder.trial_id] = _Followed(folder, trial)
        self._send(lambda tracker: tracker.trial_started(trial))

    def tick(self) -> None:
        """Pass on; about once a second look for new lines."""
        self._display.tick()
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            for followed in self.followed.values():
                self._look(followed)
        self._report()

    def finished(self, folder: TrialFolder, label: str, status: str, reason: str) -> None:
        """Hand on the last lines and the result, then pass on."""
        followed = self.followed.pop(folder.trial_id, None)
        if followed is not None:
            self._look(followed)
            trial, result = followed.trial, folder.read_result()
            self._send(lambda tracker: tracker.trial_finished(trial, status, result))
        self._display.finished(folder, label, status, reason)

    def close(self) -> None:
        """Let the trackers write what they have, but not for ever, and pass on."""
        if not self._closed:
            self._closed = True
            deadline = time.monotonic() + self._patience
            for channel in self.channels:
                channel.end()
            for channel in self.channels:
                channel.wait(max(0.0, deadline - time.monotonic()))
            self._report()
        self._display.close()

    def _look(self, followed: "_Followed") -> None:
        trial = followed.trial
        for record in followed.progress.new():
            self._send(lambda tracker, record=record: tracker.progress(trial, record))
        for record in followed.metrics.new():
            self._send(lambda tracker, record=record: tracker.evaluation(trial, record))

    def _send(self, call: Callable[..., None]) -> None:
        for channel in self.channels:
            channel.send(call)

    def _report(self) -> None:
        for channel in self.channels:
            for problem in channel.problems():
                self._display.note(problem)


class _Followed:
    """A trial with what has been read of it."""

    def __init__(self, folder: TrialFolder, trial: Tracked) -> None:
        self.trial = trial
        self.progress = NewLines(folder.progress)
        self.metrics = NewLines(folder.metrics)


class NewLines:
    """The complete lines of a growing file, each once.

    A trial that goes on from a checkpoint has its later lines taken away and written again; what was read before is
    told by its step, which only grows.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = -1
        self._step = -1

    def new(self) -> list[dict[str, Any]]:
        """Read the lines that were not there before."""
        with contextlib.suppress(OSError):
            size = self._path.stat().st_size
            if size != self._size:
                self._size = size
                found = []
                for record in read_lines(self._path):
                    step = record.get("step")
                    if isinstance(step, int) and step > self._step:
                        self._step = step
                        found.append(record)
                return found
        return []


class _Channel:
    """A tracker and the thread that calls it. One that fails is called no more; one that hangs hangs alone."""

    def __init__(self, name: str, tracker: Tracker) -> None:
        self.name = name
        self.failed = False
        self._tracker = tracker
        self._queue: queue.SimpleQueue[Callable[[Tracker], None] | None] = queue.SimpleQueue()
        self._problems: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"tracker {name}", daemon=True)
        self._thread.start()

    def send(self, call: Callable[[Tracker], None]) -> None:
        if self._thread.is_alive():
            self._queue.put(call)

    def end(self) -> None:
        self._queue.put(None)

    def wait(self, seconds: float) -> None:
        self._thread.join(None if math.isinf(seconds) else seconds)
        if self._thread.is_alive():
            self.failed = True
            self._problems.put(f"tracker '{self.name}' did not finish in time; its record is not complete")

    def problems(self) -> list[str]:
        found = []
        while not self._problems.empty():
            found.append(self._problems.get())
        return found

    def _work(self) -> None:
        try:
            while (call := self._queue.get()) is not None:
                call(self._tracker)
            self._tracker.close()
        except BaseException as error:
            self.failed = True
            self._problems.put(f"tracker '{self.name}' failed and was switched off: {plugins.one_line(error)}")


def check_trackers(
    requests: Sequence[ComponentRequest], registry: Registry
) -> dict[str, tuple[Callable[..., Tracker], dict[str, Scalar]]]:
    """By name, the classes of trackers with all their parameters; nothing is built, so nothing is opened or written.

    Raises:
        UsageError: one is asked for twice, cannot be imported, or does not take a parameter.
    """
    found: dict[str, tuple[Callable[..., Tracker], dict[str, Scalar]]] = {}
    for request in requests:
        if request.name in found:
            raise UsageError(f"tracker '{request.name}' is given twice; give it once")
        cls = registry.find("tracker", f"{request.distribution}:{request.name}").load()
        found[request.name] = cls, merge("tracker", request.name, cls, request.parameters, request.texts)
    return found


def make_trackers(requests: Sequence[ComponentRequest], registry: Registry, out: Path) -> dict[str, Tracker]:
    """Build trackers before anything trains.

    Raises:
        UsageError: one cannot be imported, does not take a parameter, or refuses a value.
    """
    checked = check_trackers(requests, registry)
    return {name: make_tracker(name, cls, parameters, out) for name, (cls, parameters) in checked.items()}


def make_tracker(name: str, cls: Callable[..., Tracker], parameters: Mapping[str, Scalar], out: Path) -> Tracker:
    """Build one tracker.

    Raises:
        UsageError: it refuses a value, or cannot be built.
    """
    try:
        return cls(Settings(out=out.absolute()), **parameters)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"tracker '{name}' cannot be used: {plugins.one_line(error)}") from error


def copy(
    rows: Sequence[Row], trackers: Mapping[str, Tracker], note: Callable[[str], None]
) -> tuple[int, tuple[str, ...]]:
    """Send trials that have ended as if they had been followed, and wait for the trackers however long it takes.

    Args:
        rows: the trials.
        trackers: by name.
        note: told of each tracker that failed and each trial that could not be read.

    Returns:
        how many trials could be read, and the names of the trackers that took them all.
    """
    tracking = Tracking(_Notes(note), trackers, patience=math.inf)
    read = 0
    for row in rows:
        folder = TrialFolder(row.folder)
        tracking.started(folder, row.name, row.spec.recipe.steps)
        read += folder.trial_id in tracking.followed
        tracking.finished(folder, row.name, row.status, row.reason)
    tracking.close()
    return read, tuple(channel.name for channel in tracking.channels if not channel.failed)


class _Notes:
    """A display that shows notes alone."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self.note = note

    def planning(self) -> None: ...
    def planned(self, total: int, cached: int, elsewhere: int) -> None: ...
    def started(self, folder: TrialFolder, label: str, steps: int) -> None: ...
    def tick(self) -> None: ...
    def finished(self, folder: TrialFolder, label: str, status: str, reason: str) -> None: ...
    def close(self) -> None: ...


def tracked(display: Display, requests: Sequence[ComponentRequest], registry: Registry, out: Path) -> Display:
    """The display, feeding the trackers that were asked for; the display itself where there are none."""
    trackers = make_trackers(requests, registry, out)
    return Tracking(display, trackers) if trackers else display
