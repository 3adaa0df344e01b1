"""Where progress is copied to while trials run. The contract, and the built-in trackers by name.

A tracker sees a trial only through the files that its worker writes: it runs on the host, needs no torch, and cannot
touch training. One that fails is switched off with a line that says why; the trials go on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.hookspecs import Register, hookimpl


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a tracker is told when it is made.

    Attributes:
        out: the folder of trials, absolute; a tracker that writes files does so in a folder of its own beneath it,
            unless a parameter says otherwise.
    """

    out: Path


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """One trial that is followed.

    Attributes:
        trial_id: its name; a trial that goes on after an interrupt has the same one.
        label: the trial in words, e.g. ``wgan-gp · dcgan · digits · seed 0``.
        folder: its folder, absolute.
        spec: its resolved specification.
        started: when it was dispatched, in seconds since the epoch.
    """

    trial_id: str
    label: str
    folder: Path
    spec: Mapping[str, Any]
    started: float


class Tracker:
    """Follows the trials of a run; several at a time, all calls from one thread that is the tracker's own.

    Built as ``Tracker(settings, **parameters)``, where the parameters are those of ``--tracker name[key=value]``; the
    constructor raises :class:`ValueError` with one clear line where a value makes no sense. After an interrupt all
    lines of a trial are sent again from the first.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def trial_started(self, trial: Tracked) -> None:
        """A trial has begun or goes on."""

    def progress(self, trial: Tracked, record: Mapping[str, Any]) -> None:
        """A line of ``progress.jsonl``: step, images, d_loss, g_loss, images_per_second, seconds, memory (bytes), and
        device_free (bytes of the GPU that nobody holds; ``None`` on the CPU).
        """

    def evaluation(self, trial: Tracked, record: Mapping[str, Any]) -> None:
        """A line of ``metrics.jsonl``: step, images, seconds, and ``values`` by name, ``None`` where undefined."""

    def trial_finished(self, trial: Tracked, status: str, result: Mapping[str, Any]) -> None:
        """A trial has ended, however it ended; ``result`` is the content of ``result.json`` or empty."""

    def close(self) -> None:
        """The run is over."""


@hookimpl
def register_trackers(register: Register) -> None:
    """Register the built-in trackers."""
    register("tensorboard", "ganbench.trackers.tensorboard:TensorBoard", summary="Event files for TensorBoard")
