"""Where trials run. The contract, and the built-in executors by name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ganbench.hookspecs import Register, hookimpl

if TYPE_CHECKING:
    from ganbench.server import Server


class Job(NamedTuple):
    """One trial to run: its name, its folder (with ``spec.json`` written), and how heavy it is beside the others."""

    trial_id: str
    folder: Path
    weight: float = 1.0


class JobState(Enum):
    """Where a job stands, as far as its executor knows. The truth is the trial's folder."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"
    LOST = "lost"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an executor is told.

    Attributes:
        slots: how many trials at once.
        timeout: seconds after which a trial is ended, or ``None``.
        memory_limit: bytes of memory that a trial and what it starts may use, or ``None``.
        server: opens, once, the process on this machine that forks workers.
        options: settings of its own, by name.
    """

    slots: int
    timeout: float | None
    memory_limit: int | None = None
    server: "Callable[[], Server]"
    options: Mapping[str, str] = field(default_factory=dict)


class Executor:
    """Runs trials as processes of their own: ``python -m ganbench.trial SPEC DIR`` or the same by other means."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def submit(self, jobs: Iterable[Job]) -> None:
        """Take jobs; they start when there is room, heavy ones first."""
        raise NotImplementedError

    def states(self, timeout: float = 0.0) -> Mapping[str, JobState]:
        """Return where every job stands, waiting at most ``timeout`` seconds for news."""
        raise NotImplementedError

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        """End jobs: gently, so that they write a checkpoint, or at once. What has not started is forgotten."""
        raise NotImplementedError

    def why(self, trial_id: str) -> str:
        """Say how a job ended that left no final status, e.g. ``killed by signal 9``.

        Where that is not a failure of the trial, a status and a colon come first: ``timeout: ...``,
        ``out-of-memory: ...`` or ``interrupted: ...``.
        """
        return ""

    def close(self) -> None:
        """End everything and free what was taken."""


@hookimpl
def register_executors(register: Register) -> None:
    """Register the built-in executors."""
    register("local", "ganbench.executors.local:Local", summary="Processes on this machine")
