"""What an executor notes in a trial's folder when it hands the trial to a cluster, so that a later run finds it.

With the lease, that tells whether anybody works on a trial that has not ended: :func:`left_behind`.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from ganbench.errors import StoreError, UsageError
from ganbench.files import as_number, read_json, read_lines, write_json
from ganbench.records.folder import TrialFolder
from ganbench.store.leases import holder

NAME = "handed.json"
STOP = ".stop"
UNDER_WAY = ("pending", "running", "interrupted")
"""Statuses of a trial that a cluster may still be working on, or take up again."""
GONE = "its run has ended; run again to resume"
"""Of a trial that says it runs or waits, and nobody works on it."""
STOPPED = "stopped immediately; run again to resume"
"""Of a trial that was ended without being asked, or did not answer."""


@dataclass(frozen=True)
class Handed:
    """To whom a trial was handed.

    Attributes:
        executor: its name.
        submission: a name that no other submission has, known before the cluster has answered.
        index: the trial's place in the submission.
        attempt: how often it has been handed over, from 1.
        time: when, in seconds since 1970.
    """

    executor: str
    submission: str
    index: int
    attempt: int
    time: float

    @property
    def element(self) -> tuple[str, int]:
        """The job among all of the cluster's: its submission and its place there. A job may have several trials."""
        return self.submission, self.index

    @property
    def job(self) -> str:
        """In words."""
        return f"job {self.submission}, task {self.index}"

    @staticmethod
    def path(folder: Path) -> Path:
        """The file of a trial's folder."""
        return folder / NAME

    def write(self, folder: Path) -> None:
        """Note it in a trial's folder."""
        write_json(self.path(folder), asdict(self))


def read_handed(folder: TrialFolder) -> Handed | None:
    """To whom a trial was handed that has not ended; ``None`` where to nobody."""
    path = Handed.path(folder.path)
    try:
        if not path.exists() or folder.read_status()["status"] not in UNDER_WAY:
            return None
    except PermissionError:
        return None  # of a folder that is closed to this user, as taking its lease will say
    try:
        found = Handed(**read_json(path, links=False))
    except (StoreError, TypeError):
        return None
    return found if _is_sound(found) else None


def _is_sound(found: Handed) -> bool:
    """Whether a note can be one that was written here; the submission becomes part of a path."""
    texts, numbers = (found.executor, found.submission), (found.index, found.attempt)
    return (
        all(isinstance(text, str) for text in texts)
        and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", found.submission) is not None
        and all(isinstance(number, int) for number in numbers)
        and as_number(found.time) is not None
    )


def left_behind(folder: TrialFolder, status: str) -> bool:
    """Whether a trial says that it runs or waits, as its ``status`` read a moment ago, though its run was killed.

    What was handed to a cluster goes on without the run that did so, if its note says to whom. Writes nothing.
    """
    if status not in ("pending", "running") or read_handed(folder) is not None or holder(folder.path) is not None:
        return False
    return bool(folder.read_status()["status"] == status)  # else it ended, and was given back, in between


def refuse_what_others_hold(folders: Iterable[TrialFolder], executor: str) -> None:
    """Refuse to train beside a cluster that an earlier run left trials to.

    Raises:
        UsageError: one of the trials was handed to another executor than ``executor``.
    """
    name = executor.rpartition(":")[2]
    for folder in folders:
        handed = read_handed(folder)
        if handed is not None and handed.executor != name:
            raise UsageError(
                f"{folder.path.name} was left to {handed.executor} by an earlier run ({handed.job}); collect it with "
                f"--executor {handed.executor}, or end it there and remove {handed.path(folder.path)}"
            )


def forget(folder: Path) -> None:
    """A trial has ended: nobody works on it any more."""
    Handed.path(folder).unlink(missing_ok=True)
    (folder / STOP).unlink(missing_ok=True)


def ask_to_stop(folder: Path) -> None:
    """Ask whoever works on a trial, wherever that is, to write a checkpoint and stop."""
    (folder / STOP).touch()


def asked_to_stop(folder: Path) -> bool:
    """Whether a trial is to stop."""
    return (folder / STOP).exists()


def got_on(folder: TrialFolder) -> bool:
    """Whether a trial that was asked to stop had got further than the last time.

    One whose jobs end before its first step, time and again, would be submitted for ever.
    """
    starts, attempts = read_lines(folder.starts), read_lines(folder.attempts)
    if not starts:
        return True  # it was taken out of the queue before it began
    # A worker notes its start, and its attempt once it begins to train, with one time.
    if not attempts or attempts[-1].get("time") != starts[-1].get("time"):
        return False
    steps = [int(line.get("step", 0)) for line in attempts]
    return len(steps) == 1 or steps[-1] > steps[-2]
