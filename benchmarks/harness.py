"""What the benchmarks share: interleaved rounds, medians of ratios, the machine, one place for results.

A speed is only ever a ratio against a named peer within one run: contenders take turns, round by round, so that a
machine that slows down slows all of them. What is reported is the median over rounds of each round's own ratio, with
the smallest and the largest beside it.

A machine may have other work. So the processor time that others use is measured in every round; rounds in which it is
much are repeated, up to as many again, and the calmest count. Which they are is decided by that alone, never by what
was timed; the others are written down, too.
"""

import gc
import json
import math
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from ganbench.provenance.environment import instructions, processor, steal_seconds

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "torch-fidelity", "numpy")
CALM = 0.1
"""Processor cores that others may use in a round that is not repeated."""

GPU_STEPS = 50
"""How many times as many steps a round has on a GPU, where a step is short and the first ones record the others."""


@dataclass
class Timing:
    """Seconds of one contender, round by round; ``cpu`` counts its child processes too.

    ``others`` is how many processor cores other processes used in each round; ``set_aside`` is the seconds, and that
    number, of rounds that do not count.
    """

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    set_aside: list[tuple[float, float]] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Of the wall-clock seconds."""
        return statistics.median(self.wall)


@dataclass(frozen=True)
class Ratio:
    """How many times as long one contender took as another, by rounds."""

    median: float
    smallest: float
    largest: float


def interleave(
    contenders: Mapping[str, Callable[[], Any]],
    rounds: int,
    *,
    warm: int = 1,
    limit: float = math.inf,
    again: bool = True,
) -> dict[str, Timing]:
    """Time contenders in turn, each round beginning with another of them.

    Args:
        contenders: name to what is timed; whatever it needs is built before. One that returns a number of seconds
            has timed itself, as where a peer's trainer does more than is compared; so has one that returns seconds and
            processor seconds.
        rounds: how many times each is timed; up to twice as many where others disturb, of which the calmest count.
        warm: rounds before that are not timed.
        limit: seconds after which no further round begins, once there are two.
        again: whether rounds in which others disturb are repeated; not where a round takes minutes.
    """
    names = list(contenders)
    done: list[_Round] = []
    begin = time.perf_counter()
    for number in range(-warm, (1 + again) * rounds):
        start = number % len(names)
        one = _Round([*names[start:], *names[:start]], contenders)
        if number >= 0:
            done.append(one)
        calm = sum(each.others <= CALM for each in done)
        if calm >= rounds or (len(done) >= 2 and time.perf_counter() - begin > limit):
            break
    counted = sorted(sorted(range(len(done)), key=lambda index: done[index].others)[:rounds])
    timings = {name: Timing() for name in contenders}
    for index, one in enumerate(done):
        for name, timing in timings.items():
            if index in counted:
                timing.wall.append(one.wall[name])
                timing.cpu.append(one.cpu[name])
                timing.others.append(one.others)
            else:
                timing.set_aside.append((one.wall[name], one.others))
    return timings


class _Round:
    """All contenders timed once, and how many processor cores others used meanwhile."""

    def __init__(self, names: Sequence[str], contenders: Mapping[str, Callable[[], Any]]) -> None:
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        gc.collect()
        begin, busy, ours = time.perf_counter(), _busy(), cpu_seconds()
        for name in names:
            gc.collect()
            wall, cpu = time.perf_counter(), cpu_seconds()
            own = contenders[name]()
            spent = time.perf_counter() - wall, cpu_seconds() - cpu
            if isinstance(own, float):
                spent = own, spent[1]
            self.wall[name], self.cpu[name] = own if isinstance(own, tuple) else spent
        gc.collect()  # a contender's processes are its own only once they have been waited for
        others = _busy() - busy - (cpu_seconds() - ours)
        self.others = round(max(0.0, others) / (time.perf_counter() - begin), 3)


def ratio(peer: Timing, ours: Timing) -> Ratio:
    """How many times as long the peer took: above 1, ours is faster."""
    each = [theirs / own for theirs, own in zip(peer.wall, ours.wall, strict=True)]
    return Ratio(statistics.median(each), min(each), max(each))


def timed(work: Callable[[], object], device: torch.device | str = "cpu") -> float:
    """The seconds that ``work`` takes, with all that it leaves ``device`` to do."""
    _finish(device)
    begin = time.perf_counter()
    work()
    _finish(device)
    return time.perf_counter() - begin


def _finish(device: torch.device | str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def where(device: str) -> str:
    """The device as results name it: ``cpu``, or the model of the GPU."""
    return device if device == "cpu" else torch.cuda.get_device_name(device)


class Machine:
    """The machine and what else it did: load and stolen time are read at the beginning and at the end."""

    def __init__(self) -> None:
        self._load, self._steal, self._begin = _load(), steal_seconds(), time.time()

    def describe(self) -> dict[str, Any]:
        """Processor, cores, versions, load averages, and the share of the time that a hypervisor took away."""
        steal, elapsed = steal_seconds(), time.time() - self._begin
        stolen = None
        if steal is not None and self._steal is not None:
            stolen = round((steal - self._steal) / max(elapsed, 1e-9) / (os.cpu_count() or 1), 4)
        return {
            "cpu": processor(),
            "instructions": instructions(torch.device("cpu")),
            "cores": os.cpu_count(),
            "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
            "system": platform.system(),
            "python": platform.python_version(),
            "packages": {name: version(name) for name in PACKAGES},
            "threads": os.environ.get("OMP_NUM_THREADS", ""),
            "load_before": self._load,
            "load_after": _load(),
            "steal_share": stolen,
        }


def write(name: str, content: Mapping[str, Any], *, command: str, machine: Machine) -> Path:
    """Write ``benchmarks/results/<name>.json`` with the command that made it and the machine; return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {"benchmark": name, "command": command, "machine": machine.describe(), **content}
    path.write_text(json.dumps(document, indent=2, default=_plain) + "\n", "utf-8")
    return path


def report(timings: Mapping[str, Timing], pairs: Sequence[tuple[str, str]]) -> dict[str, Ratio]:
    """Print each contender's median and each (peer, ours) pair's ratio; return the ratios by ``"peer / ours"``."""
    width = max(map(len, timings))
    for name, timing in timings.items():
        print(f"{name:{width}}  {timing.median:8.3f} s  (cpu {statistics.median(timing.cpu):.3f} s)")
    found = {f"{peer} / {ours}": ratio(timings[peer], timings[ours]) for peer, ours in pairs}
    for name, value in found.items():
        print(f"{name}: {value.median:.1f} times (rounds from {value.smallest:.1f} to {value.largest:.1f})")
    return found


def _plain(value: Any) -> Any:
    return asdict(value)


def cpu_seconds() -> float:
    """Of this process, of those that it has waited for, and of contenders in processes of their own."""
    spent = os.times()
    own = spent.user + spent.system + spent.children_user + spent.children_system
    return own + sum(_of_process(child.pid) for child in multiprocessing.active_children())


def _of_process(pid: int | None) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0.0


def _load() -> list[float]:
    return [round(value, 2) for value in os.getloadavg()]


def _busy() -> float:
    """Seconds that the machine's processors have worked for anyone; 0 where the system does not say."""
    try:
        fields = Path("/proc/stat").read_text("ascii").splitlines()[0].split()
        user, nice, system, _, _, interrupts, soft, steal = map(int, fields[1:9])
        return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0.0
