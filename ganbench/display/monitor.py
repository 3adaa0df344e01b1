"""Where every trial of a folder stands, from the files alone: nobody is asked who runs them, wherever that is."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from ganbench.cleaning import clean
from ganbench.display.watching import Tail
from ganbench.errors import StoreError
from ganbench.files import as_number, read_json
from ganbench.records.folder import TrialFolder
from ganbench.spec import FINAL
from ganbench.store.handed import GONE, left_behind, read_handed
from ganbench.store.listing import trial_paths
from ganbench.store.results import read_row, trial_label
from ganbench.tables.wording import duration

QUIET_SECONDS = 300.0
"""A running trial that has written nothing for this long is pointed out."""

DAMAGED = "damaged"
"""In the place of a status: of a trial whose specification, or whose result though it has ended, cannot be read."""

_Stamp = tuple[tuple[int, int, int] | None, ...]
"""Inode, size and time of each file; ``None`` for one that is not there."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One trial.

    Attributes:
        trial_id, label: which trial.
        status, reason: as in its folder; or ``damaged``, and ``note`` says what is and what to do.
        where: machine and devices, and what started it there; empty before it has started.
        since: when it began, or ended, in seconds since 1970; ``None`` where unknown.
        step, steps: those done, and wanted (0: a baseline).
        images_per_second: at its last report.
        seconds_left: of training, at its speed so far; ``None`` where that is not known.
        note: what is odd about it.
    """

    trial_id: str
    label: str
    status: str
    reason: str = ""
    where: str = ""
    since: float | None = None
    step: int = 0
    steps: int = 0
    images_per_second: float | None = None
    seconds_left: float | None = None
    note: str = ""

    @property
    def alive(self) -> bool:
        """Whether it runs, and not only says so because it was killed."""
        return self.status == "running" and self.note != GONE

    @property
    def waits(self) -> bool:
        """Whether it will run without anybody's doing: the run that it waits for was not killed."""
        return self.status == "pending" and self.note != GONE


class Monitor:
    """Looks at a folder of trials again and again; a trial that has ended is read again only when its files change."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._ended: dict[Path, tuple[_Stamp, Standing]] = {}

    def look(self) -> list[Standing]:
        """Look at all trials of the folder, those under way first.

        Raises:
            StoreError: there is no such folder.
        """
        standings, ended = [], {}
        for path in trial_paths(self._runs):
            stamp = _stamp(path)
            known = self._ended.get(path)
            standing = known[1] if known is not None and known[0] == stamp else _standing(TrialFolder(path))
            # Ages and speeds of the others are as of this moment.
            if standing.status in FINAL:
                ended[path] = (stamp, standing)
            standings.append(standing)
        self._ended = ended
        order = {status: place for place, status in enumerate(("running", "pending", "interrupted"))}
        return sorted(standings, key=lambda one: (order.get(one.status, len(order)), one.label))


def _stamp(path: Path) -> _Stamp:
    """The stamp of the files that say where a trial that has ended stands."""
    return tuple(_stamp_of(path / name) for name in ("status.json", "spec.json", "result.json"))


def _stamp_of(file: Path) -> tuple[int, int, int] | None:
    try:
        known = os.stat(file)
    except OSError:
        return None
    return known.st_ino, known.st_size, known.st_mtime_ns


def _standing(folder: TrialFolder) -> Standing:
    label, content = folder.trial_id, folder.read_status()
    try:
        trial = folder.read_spec()
        label = clean(trial_label(trial))
        if content["status"] in FINAL:
            read_row(folder, trial=trial, state=content)
    except StoreError as error:
        note = clean(f"{_advice(folder)}: {error}")
        return Standing(trial_id=folder.trial_id, label=label, status=DAMAGED, note=note)
    status, steps = str(content["status"]), 0 if trial.spec.baseline else trial.spec.recipe.steps
    tail = Tail(folder.progress)
    tail.look()
    record = tail.record if status != "pending" else {}
    step = as_number(record.get("step")) or 0.0
    seconds = as_number(record.get("seconds"))
    left = None
    note = _oddity(folder, status)
    if status == "running" and note != GONE and seconds and step:
        left = max(0.0, (steps - step) * seconds / step - _age(folder.progress))
    handed = read_handed(folder)
    return Standing(
        trial_id=folder.trial_id,
        label=label,
        status=status,
        reason=clean(str(content["reason"])),
        where=_where(content) or (f"{handed.executor} {handed.submission}/{handed.index}" if handed else ""),
        since=as_number(content.get("started" if status == "running" else "time")),
        step=int(step),
        steps=steps,
        images_per_second=as_number(record.get("images_per_second")) if status == "running" else None,
        seconds_left=left,
        note=note,
    )


def _advice(folder: TrialFolder) -> str:
    """What to do about a trial that cannot be read: a run looks for it by its name, and for nothing else."""
    path = folder.path.resolve()
    own = _name_in(folder.spec) or _name_in(folder.result) or path.name
    if own == path.name:
        return "run again to retrain it"
    if (path.parent / own).exists():
        return f"{own} also exists; remove one of them"
    return f"rename it to {own}, or remove it"


def _name_in(path: Path) -> str:
    try:
        content = read_json(path, links=False)
    except StoreError:
        return ""
    return str(content.get("trial_id", "")) if isinstance(content, dict) else ""


def _where(content: dict[str, object]) -> str:
    """``node7 gpu 0 (slurm 12_3)``; what was given as ``CUDA_VISIBLE_DEVICES`` is what the trial sees."""
    if "host" not in content:
        return ""
    devices, task = content.get("devices"), content.get("task")
    words = [str(content["host"]), f"gpu {devices}" if devices else "", f"({task})" if task else ""]
    return clean(" ".join(word for word in words if word))


def _oddity(folder: TrialFolder, status: str) -> str:
    if left_behind(folder, status):
        return GONE
    if status != "running":
        return ""
    silent = min(_age(path) for path in (folder.progress, folder.status, folder.log, folder.checkpoint))
    return f"has written nothing for {duration(silent)}" if silent > QUIET_SECONDS else ""


def _age(path: Path) -> float:
    try:
        return max(0.0, time.time() - os.stat(path).st_mtime)
    except OSError:
        return float("inf")
