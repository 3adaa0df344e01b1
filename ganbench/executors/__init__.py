"""Where trials run. The contract, and the built-in executors by name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from ganbench.executors.layouts import AUTO, Layout, Wish, on_this_machine
from ganbench.hookspecs import Register, hookimpl

if TYPE_CHECKING:
    from ganbench.processes.server import Server

__all__ = ["AUTO", "Executor", "Job", "JobState", "Layout", "Settings", "Wish", "register_executors"]


class Job(NamedTuple):
    """One trial to run: its name, its folder (with ``spec.json`` written), and how heavy it is beside the others."""

    trial_id: str
    folder: Path
    weight: float = 1.0


class JobState(Enum):
    """Where a job stands, as far as its executor knows. The truth is the trial's folder.

    LOST: it is nowhere, and left no result. UNKNOWN: whoever knows does not answer at the moment.
    """

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"
    LOST = "lost"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an executor is told.

    Attributes:
        slots: how many trials at once; 0 where the cluster decides.
        timeout: seconds after which a trial is ended, or ``None``.
        memory_limit: bytes of memory that a trial and what it starts may use, or ``None``.
        server: opens, once, the process on this machine that forks workers.
        device, threads, devices, per_device, adaptive: as in :class:`Layout`.
        environment: further environment variables of every trial.
        out: the folder of trials; an executor may keep files of its own in a folder of it that begins with a dot.
        options: settings of its own, by name.
    """

    slots: int
    timeout: float | None
    memory_limit: int | None = None
    server: "Callable[[], Server]"
    device: str = "cpu"
    threads: int = 1
    devices: tuple[str, ...] = ()
    per_device: int = 1
    adaptive: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    out: Path = Path("runs")
    options: Mapping[str, str] = field(default_factory=dict)


class Executor:
    """Runs trials as processes of their own: ``python -m ganbench.trial SPEC DIR`` or the same by other means.

    Whatever an executor finds out about itself that makes a run impossible (an option, a missing program, a request
    that no machine can satisfy) it raises as :class:`~ganbench.errors.UsageError` from :meth:`layout` or from its
    constructor: nothing has been written then.

    Attributes:
        options: the settings of its own that ``--executor-options`` may give, by name, each with a line that says what
            it means and what holds without it. Others are refused. What was given is in ``settings.options``.
        detachable: whether what was submitted goes on without this process, so that a later run can collect it.
        batches: whether a job may be that of several seeds, which one process trains (``--batch-seeds``). Not where
            each trial's starts and losses are counted by its own folder; nor where trials are collected one by one, by
            a later run.
    """

    options: ClassVar[Mapping[str, str]] = {}
    detachable: ClassVar[bool] = False
    batches: ClassVar[bool] = True

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @classmethod
    def layout(cls, wish: Wish) -> Layout:
        """Say on what the trials will run. By default as on this machine, with those of :attr:`options` that are given.

        Raises:
            UsageError: the wish cannot be fulfilled; names the option.
        """
        return on_this_machine(wish, cls.options)

    def adopt(self, jobs: Iterable[Job]) -> frozenset[str]:
        """Return which of these jobs an earlier run submitted and are still under way: they are collected, not run.

        From then on they are reported by :meth:`states` like those that were submitted here.
        """
        return frozenset()

    def submit(self, jobs: Iterable[Job]) -> None:
        """Take jobs; they start when there is room, heavy ones first. One that has ended may be submitted again."""
        raise NotImplementedError

    def states(self, timeout: float = 0.0) -> Mapping[str, JobState]:
        """Return where every job stands, waiting at most ``timeout`` seconds for news."""
        raise NotImplementedError

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        """End jobs: gently, so that they write a checkpoint, or at once. What has not started is forgotten."""
        raise NotImplementedError

    def why(self, trial_id: str) -> str:
        """Say how a job ended that left no final status, e.g. ``killed by signal 9``.

        Where that is not a failure of the trial, a word and a colon come first: ``timeout: ...``,
        ``interrupted: ...``, ``out-of-memory: ...``, upon which a run tries the trial once more when no other one
        runs, or ``memory-limit: ...`` where it passed a limit of its own, which it would do alone as well.
        """
        return ""

    def detach(self) -> str:
        """Let go of all jobs, which go on; return a line that says where they are."""
        raise NotImplementedError

    def close(self) -> None:
        """Free what was taken. Jobs that cannot outlive this process are ended."""


@hookimpl
def register_executors(register: Register) -> None:
    """Register the built-in executors."""
    register("local", "ganbench.executors.local:Local", summary="Processes on this machine, one per core or GPU")
    register("slurm", "ganbench.executors.slurm:Slurm", summary="Arrays of batch jobs on a Slurm cluster")
    register("ray", "ganbench.executors.ray:Ray", summary="Tasks on an existing Ray cluster; needs ganbench[ray]")
