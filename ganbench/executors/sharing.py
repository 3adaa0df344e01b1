"""How many trials share a GPU where ``--per-device auto`` leaves it to us: as many as do more together than fewer do.

The first trial of a cell runs on a device alone. Then one more at a time joins, while the most memory that one held
fits into what they say is free on the device, which may be a part of a GPU or be used by others too; and their images
per second are added up. A number that does not pay is not tried again, and the number before it is kept for the cell;
so it is where one of them runs out of memory. A device holds trials of one cell at a time: speeds of different networks
cannot be added up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganbench.errors import StoreError
from ganbench.executors import Job
from ganbench.files import read_lines
from ganbench.records.folder import TrialFolder

PAYS = 1.1
"""How many times the images per second of one trial fewer a number must reach to be kept."""
HEADROOM = 1.25
"""Room for each trial, as a multiple of the most that its predecessors held: an evaluation to come may need more."""
CONTEXT = 600 * 2**20
"""Bytes that a process holds on a GPU beside its tensors: the CUDA context and the libraries' own."""
REPORTS = 2
"""Reports of each trial at one number before it is judged; the first may reach back to the number before."""


@dataclass
class _Cell:
    """What is known of trials that differ in nothing but their seed."""

    allowed: int = 1
    settled: bool = False
    speeds: dict[int, float] = field(default_factory=dict)
    peak: float = 0.0


class Sharing:
    """Decides which waiting job, if any, a device takes next.

    Args:
        most: trials at once on a device, at most.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._cells: dict[str, _Cell] = {}
        self._keys: dict[str, str] = {}
        self._seen: dict[str, tuple[frozenset[str], dict[str, int]]] = {}

    def next(self, device: str, running: Sequence[Job], waiting: Sequence[Job]) -> Job | None:
        """The first of the waiting jobs that ``device``, on which others are ``running``, should take now."""
        if not running:
            return waiting[0] if waiting else None
        key = self._key(running[0])
        cell = self._cells.setdefault(key, _Cell())
        if not cell.settled and len(running) == cell.allowed:
            self._judge(device, cell, running)
        if len(running) >= cell.allowed:
            return None
        return next((job for job in waiting if self._key(job) == key), None)

    def ran_out(self, job: Job, number: int) -> None:
        """``job`` ran out of memory, one of ``number`` on its device: from now on there is one fewer of its cell."""
        cell = self._cells.setdefault(self._key(job), _Cell())
        if number > 1:
            cell.allowed, cell.settled = min(cell.allowed, number - 1), True

    def _judge(self, device: str, cell: _Cell, running: Sequence[Job]) -> None:
        """Measure the present number where it has run for long enough, and decide on the next."""
        lines = {job.trial_id: read_lines(TrialFolder(job.folder).progress) for job in running}
        names = frozenset(lines)
        if self._seen.get(device, (None, {}))[0] != names:
            self._seen[device] = names, {name: len(own) for name, own in lines.items()}
        before = self._seen[device][1]
        if any(len(own) < before[name] + REPORTS for name, own in lines.items()):
            return
        number = len(running)
        last = [own[-1] for own in lines.values()]
        cell.speeds[number] = sum(float(line["images_per_second"]) for line in last)
        cell.peak = max(cell.peak, *(float(line["memory"]) for line in last))
        if number > 1 and cell.speeds[number] < PAYS * cell.speeds.get(number - 1, 0.0):
            cell.allowed, cell.settled = number - 1, True
        elif number >= self._most or not _has_room(cell, last):
            cell.settled = True
        else:
            cell.allowed = number + 1

    def _key(self, job: Job) -> str:
        if job.trial_id not in self._keys:
            try:
                self._keys[job.trial_id] = TrialFolder(Path(job.folder)).read_spec().spec.cell_id
            except StoreError:  # its worker says what is wrong; here it is a cell of its own
                self._keys[job.trial_id] = job.trial_id
        return self._keys[job.trial_id]


def _has_room(cell: _Cell, last: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one more fits into what is free, beside the headroom of those that run; ``last``: a line of each."""
    free = [float(line["device_free"]) for line in last if line.get("device_free") is not None]
    if len(free) < len(last):  # a driver that does not say
        return False
    return min(free) >= len(last) * (HEADROOM - 1) * cell.peak + HEADROOM * cell.peak + CONTEXT
