"""Where trials run. The contract, and the built-in executors by name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from ganbench.hookspecs import Register, hookimpl

if TYPE_CHECKING:
    from ganbench.processes.server import Server


AUTO = -1
"""As many trials per GPU as pay: ``--per-device auto``."""


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
class Wish:
    """What was asked for, before an executor has said what that means to it.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:i``.
        devices: the GPUs to use, as in ``--devices 0,2``; empty for all there are.
        per_device: trials at once on each GPU; 0 chooses, :data:`AUTO` finds out while they run.
        jobs: trials at once; 0 chooses.
        memory_limit: bytes of memory that a trial and what it starts may use, or ``None``.
        options: settings of the executor's own, by name.
    """

    device: str = "auto"
    devices: tuple[str, ...] = ()
    per_device: int = 0
    jobs: int = 0
    memory_limit: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How trials are laid out over devices.

    Attributes:
        device: what a trial is told: ``cpu``, ``cuda`` or ``cuda:i``.
        slots: trials at once; 0 where the cluster decides.
        threads: CPU threads of each trial.
        devices: what ``CUDA_VISIBLE_DEVICES`` may be for a trial, one entry per device; empty: left as it is.
        per_device: trials at once on each device, at most.
        adaptive: whether fewer are, where more do not pay.
        shared: whether a trial may share its GPU, so that its speed says little.
        memory: bytes of memory of the machine, all of which a trial could take; ``None`` where it is not known.
    """

    device: str
    slots: int
    threads: int
    devices: tuple[str, ...] = ()
    per_device: int = 1
    shared: bool = False
    adaptive: bool = False
    memory: int | None = None

    def sentence(self) -> str:
        """In words, e.g. ``cuda, devices 0 and 2, 2 at once with 8 threads each``."""
        where = self.device
        if self.devices:
            where += f" (device{'s' if len(self.devices) > 1 else ''} {', '.join(self.devices)})"
        many = f"{self.slots} at once" if self.slots else "as many at once as fit"
        if self.adaptive:
            many = f"up to {many}, as long as more are faster,"
        return f"{where}, {many} with {self.threads} thread{'s' if self.threads > 1 else ''} each"


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
        detachable: whether what was submitted goes on without this process, so that a later run can collect it.
        batches: whether a job may be that of several seeds, which one process trains (``--batch-seeds``). Not where
            each trial's starts and losses are counted by its own folder; nor where trials are collected one by one, by
            a later run.
    """

    detachable: ClassVar[bool] = False
    batches: ClassVar[bool] = True

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @classmethod
    def layout(cls, wish: Wish) -> Layout:
        """Say on what the trials will run. By default as on this machine.

        Raises:
            UsageError: the wish cannot be fulfilled; names the option.
        """
        from ganbench.executors.local import layout

        return layout(wish)

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
