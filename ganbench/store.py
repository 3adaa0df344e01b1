"""A folder of trials: look up, lease, settle."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from ganbench.errors import StoreError
from ganbench.executors import JobState
from ganbench.folder import TrialFolder
from ganbench.spec import FINAL


class Store:
    """The trials under one folder, ``runs/`` by default."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._leases: dict[str, FileLock] = {}

    def prepare(self) -> None:
        """Make sure that the folder is there and can be written to.

        Raises:
            StoreError: it is not a folder, cannot be made, or cannot be written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise StoreError(f"{self.path} is a file, not a folder; choose another with --out") from error
        except OSError as error:
            raise StoreError(
                f"cannot make the folder {self.path}: {error.strerror}; choose another with --out"
            ) from error
        probe = self.path / f".write-test-{os.getpid()}"
        try:
            probe.write_bytes(b"x" * 4096)
        except OSError as error:
            raise StoreError(f"cannot write to {self.path}: {error.strerror}; choose another with --out") from error
        finally:
            with contextlib.suppress(OSError):
                probe.unlink(missing_ok=True)

    def folder(self, trial_id: str) -> TrialFolder:
        """The folder of a trial, whether it is there or not."""
        return TrialFolder(self.path / trial_id)

    def folders(self) -> Iterator[TrialFolder]:
        """All trials, by name."""
        if not self.path.is_dir():
            raise StoreError(f"there is no folder {self.path}; run something first, or name another folder")
        for spec in sorted(self.path.glob("*/spec.json")):
            yield TrialFolder(spec.parent)

    def cached(self, trial_id: str) -> str | None:
        """The status of a trial that need not run again, else ``None``."""
        folder = self.folder(trial_id)
        status = folder.read_status()["status"]
        if status in FINAL and folder.read_result().get("trial_id") == trial_id:
            return str(status)
        return None

    def lease(self, trial_id: str) -> bool:
        """Take a trial for this process; false where another run has it. Ends with this process, however it ends."""
        if trial_id in self._leases:
            return True
        lock = FileLock(self.path / trial_id / ".lease")
        try:
            (self.path / trial_id).mkdir(parents=True, exist_ok=True)
            lock.acquire(blocking=False)
        except Timeout:
            return False
        except OSError as error:
            raise StoreError(
                f"cannot write to {self.path / trial_id}: {error.strerror}; choose another --out"
            ) from error
        self._leases[trial_id] = lock
        return True

    def release(self, trial_id: str) -> None:
        """Give a trial back."""
        lock = self._leases.pop(trial_id, None)
        if lock is not None:
            # The file stays: removing it would let two others lock two files of the same name.
            lock.release()

    def release_all(self) -> None:
        """Give all trials back."""
        for trial_id in list(self._leases):
            self.release(trial_id)


def settle(folder: TrialFolder, state: JobState, why: str) -> str:
    """Give a trial whose process has ended without a word the status it deserves; return its status.

    The worker writes its own status last thing. Where it could not, because it was killed or crashed, this writes it.
    """
    content = folder.read_status()
    status = str(content["status"])
    if status not in ("pending", "running"):
        return status
    if why == "timeout":
        folder.write_status("timeout", "ended after --timeout")
        return "timeout"
    if state is JobState.LOST:
        folder.write_status("failed", "its executor lost it")
        return "failed"
    last = folder.log_tail(1)
    folder.write_status("failed", f"{why or 'ended without a status'}{'; last line: ' + last[0] if last else ''}")
    return "failed"
