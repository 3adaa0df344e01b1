"""How trials are laid out over devices: what is asked for, what comes of it, and on what this machine has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ganbench import processes
from ganbench.errors import UsageError
from ganbench.executors import devices
from ganbench.executors.options import check_names
from ganbench.tables.wording import counted

AUTO = -1
"""As many trials per GPU as pay: ``--per-device auto``."""
MOST_PER_DEVICE = 16
"""Trials at once on a GPU where their number is found out; fewer where there are fewer processor cores for each."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What was asked for, before an executor has said what that means to it.

    Attributes:
        executor: the name of the executor.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:i``.
        devices: the GPUs to use, as in ``--devices 0,2``; empty for all there are.
        per_device: trials at once on each GPU; 0 chooses, :data:`AUTO` finds out while they run.
        jobs: trials at once; 0 chooses.
        memory_limit: bytes of memory that a trial and what it starts may use, or ``None``.
        options: settings of the executor's own, by name.
    """

    executor: str = "local"
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
        """In words, e.g. ``cuda (devices 0, 2), 2 at once with 8 threads each``."""
        where = self.device
        if self.devices:
            where += f" (device{'s' if len(self.devices) > 1 else ''} {', '.join(self.devices)})"
        many = f"{self.slots} at once" if self.slots else "as many at once as fit"
        if self.adaptive:
            many = f"up to {many}, as long as more are faster,"
        return f"{where}, {many} with {counted(self.threads, 'thread')} each"


def on_this_machine(wish: Wish, options: Iterable[str] = ()) -> Layout:
    """Lay trials out over this machine: one per processor core with one thread each, or one per GPU.

    On a CPU two processes of one thread do more than one process of two, and more threads than cores do far less.

    Args:
        wish: what was asked for.
        options: the names of the executor's own settings.

    Raises:
        UsageError: a device that is not there, more trials at once than ``--devices`` and ``--per-device`` allow,
            settings that the executor does not have, or a limit of memory where nothing tells how much processes hold.
    """
    check_names(wish.executor, wish.options, options)
    if wish.memory_limit is not None and not processes.are_seen():
        raise UsageError("--memory-limit needs /proc, which this system does not have; leave it out")
    device = devices.choose(wish.device)
    return _on_processors(wish) if device == "cpu" else _on_gpus(wish, devices.leasable(device, wish.devices))


def _on_processors(wish: Wish) -> Layout:
    if wish.devices or wish.per_device:
        option = "--devices" if wish.devices else "--per-device"
        raise UsageError(f"{option} is for GPUs, but these trials run on the CPU; use --jobs")
    slots = wish.jobs or devices.cores()
    threads = max(1, devices.cores() // slots)
    return Layout(device="cpu", slots=slots, threads=threads, memory=devices.main_memory())


def _on_gpus(wish: Wish, chosen: tuple[str, ...]) -> Layout:
    adaptive = wish.per_device == AUTO
    if adaptive:
        each = max(1, min(MOST_PER_DEVICE, devices.cores() // len(chosen)))
    else:
        each = wish.per_device or max(1, -(-wish.jobs // len(chosen)))
    room = each * len(chosen)
    if wish.jobs > room:
        given = "auto" if adaptive else each
        raise UsageError(
            f"--jobs {wish.jobs} is more than {counted(len(chosen), 'device')} with --per-device {given} can run at "
            "once"
        )
    slots = wish.jobs or room
    return Layout(
        device="cuda",
        slots=slots,
        threads=max(1, devices.cores() // slots),
        devices=chosen,
        per_device=each,
        shared=each > 1,
        adaptive=adaptive,
        memory=devices.main_memory(),
    )
