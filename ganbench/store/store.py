"""A folder of trials: look up, lease, enqueue."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ganbench.complaints import shown
from ganbench.errors import StoreError
from ganbench.files import json_text, remove_drafts, write_bytes
from ganbench.places import is_too_long
from ganbench.records import manifest
from ganbench.records.folder import TrialFolder
from ganbench.spec import FINAL, TrialFile
from ganbench.store.handed import read_handed
from ganbench.store.leases import Leases
from ganbench.store.results import read_row
from ganbench.store.verification import require_intact

WRITERS = 8
"""Trials that are written at once: nearly all the time is spent waiting for the disk."""

_LONGEST = Path("t" * 93, "f" * 60)
"""A name in a folder of trials that is as long as any: a trial's, and that of a file that is being written in it."""


class ReadOnly(StoreError):
    """A folder of trials cannot be written to; those in it may all be done."""


class Store:
    """The trials under one folder, ``runs/`` by default."""

    def __init__(self, path: Path, option: str = "--out") -> None:
        """``option`` is what chooses the folder, in messages."""
        self.path = path
        self._otherwise = f"choose another folder with {option}"
        self._leases = Leases(option)

    def require_possible(self) -> None:
        """Look whether :meth:`prepare` can succeed, without writing anything.

        Raises:
            ReadOnly: it cannot be written to.
            StoreError: it is not a folder or that of a single trial, it cannot be looked into, or the folder that it
                would be made in cannot be written to.
        """
        self._require_place_for_trials()
        there = next(path for path in (self.path.absolute(), *self.path.absolute().parents) if path.exists())
        if not there.is_dir():
            raise StoreError(f"{there} is a file, not a folder; {self._otherwise}")
        if not os.access(there, os.W_OK | os.X_OK):
            refusal = ReadOnly if there == self.path.absolute() else StoreError
            raise refusal(f"{there} cannot be written to; {self._otherwise}")

    def prepare(self) -> None:
        """Make sure that the folder is there and can be written to.

        Raises:
            ReadOnly: it is there, and cannot be written to.
            StoreError: it is not a folder or that of a single trial, or it cannot be looked into or made.
        """
        self._require_place_for_trials()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise StoreError(f"{self.path} is a file, not a folder; {self._otherwise}") from error
        except OSError as error:
            raise StoreError(
                f"cannot make the folder {self.path}: {error.strerror or error}; {self._otherwise}"
            ) from error
        try:
            # Under no name that others could have put a link at.
            with tempfile.TemporaryFile(dir=self.path, prefix=".write-test-") as probe:
                probe.write(b"x" * 4096)
        except OSError as error:
            raise ReadOnly(f"cannot write to {self.path}: {error.strerror or error}; {self._otherwise}") from error

    def _require_place_for_trials(self) -> None:
        if is_too_long(self.path.absolute() / _LONGEST):
            raise StoreError(f"{shown(str(self.path))} is too long a name for a folder of trials; {self._otherwise}")
        try:
            is_trial = (self.path / "spec.json").is_file()
        except PermissionError as error:
            raise StoreError(f"{self.path} cannot be read: {error.strerror}; {self._otherwise}") from error
        if is_trial:
            raise StoreError(f"{self.path} is the folder of one trial; {self._otherwise}")

    def folder(self, trial_id: str) -> TrialFolder:
        """The folder of a trial, whether it is there or not."""
        return TrialFolder(self.path / trial_id)

    def cached(self, trial_id: str, *, retry: bool = False) -> str | None:
        """The status of a trial that need not run again, else ``None``; a damaged result is none.

        With ``retry`` only what is done need not.
        """
        folder = self.folder(trial_id)
        state = folder.read_status()
        if state["status"] not in (("done",) if retry else FINAL):
            return None
        try:
            row = read_row(folder, state=state)
        except StoreError:
            return None
        return row.status if row.protocol is not None else None

    def damage_of_finished(self, trial_id: str) -> str:
        """Why a trial that has ended has to run again all the same; empty for one that has not, or is not damaged."""
        folder = self.folder(trial_id)
        if not folder.result.exists() and folder.read_status()["status"] not in FINAL:
            return ""
        try:
            read_row(folder)
        except StoreError as error:
            return str(error)
        return ""

    def restore_spec(self, trial: TrialFile) -> bool:
        """Write a finished trial's lost or damaged specification again; whether its folder is intact then.

        Only where its manifest says that the planned one, execution too, is what was there byte for byte.
        """
        folder = self.folder(trial.trial_id)
        planned = json_text(trial.model_dump(mode="json")).encode("utf-8")
        try:
            listed = manifest.read(folder)
            if listed is None or listed.files.get(folder.spec.name) != hashlib.sha256(planned).hexdigest():
                return False
            write_bytes(folder.spec, planned)
            require_intact(folder, trial.trial_id)
        except StoreError:
            return False
        return True

    def lease(self, trial_id: str) -> bool:
        """Take a trial for this process; false where another run has it.

        What an earlier, killed writer left half-written is removed: with the lease, nobody else is writing.

        Raises:
            StoreError: the folder cannot be made or written to.
        """
        path = self.path / trial_id
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make {path}: {error.strerror or error}; {self._otherwise}") from error
        if not self._leases.take(path):
            return False
        if read_handed(self.folder(trial_id)) is None:  # a cluster may be writing
            remove_drafts(path)
        return True

    def enqueue(self, trials: Sequence[TrialFile]) -> list[str]:
        """Write what the workers of trials that this process holds are told, and that they are pending.

        Returns:
            for each trial why it could not be written, or nothing.
        """
        with ThreadPoolExecutor(WRITERS) as pool:
            return list(pool.map(self._enqueue, trials))

    def _enqueue(self, trial: TrialFile) -> str:
        folder = self.folder(trial.trial_id)
        try:
            goes_on = folder.goes_on() or folder.read_status()["status"] == "interrupted"
            folder.write_spec(trial)
            if not goes_on:
                folder.log.unlink(missing_ok=True)
            folder.write_status("pending")
        except StoreError as error:
            return str(error)
        except OSError as error:
            return f"cannot write {folder.log}: {error.strerror or error}; remove it or {self._otherwise}"
        return ""

    def ahead(self, trial_id: str) -> float:
        """How many seconds in the future the lease is dated that another has; 0 for one that is not."""
        return self._leases.ahead(self.path / trial_id)

    def release(self, trial_id: str) -> None:
        """Give a trial back."""
        self._leases.release(self.path / trial_id)

    def release_all(self) -> None:
        """Give all trials back."""
        self._leases.release_all()

    def lost(self) -> set[str]:
        """Trials that another run has taken over because this one was suspended for too long."""
        return {path.name for path in self._leases.lost()}
