"""Who works on a trial: the leases that this process holds, with their heartbeat, and those that others hold."""

import contextlib
import os
import threading
import time
from pathlib import Path

from ganbench.errors import StoreError
from ganbench.store import lease_file
from ganbench.store.lease_file import Holder, Seen

HEARTBEAT_SECONDS = 15.0


class Leases:
    """The leases of this process. A thread touches them while there are any."""

    def __init__(self, option: str = "--out", seen: dict[Path, Seen] | None = None) -> None:
        """``option`` is what chooses the folder of trials, in messages; ``seen`` what is known by now, see
        :func:`holder`.
        """
        self._otherwise = f"choose another folder with {option}"
        self._held: dict[Path, Holder] = {}
        self._lost: set[Path] = set()
        self._seen = {} if seen is None else seen
        self._mutex = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, folder: Path) -> bool:
        """Take the lease of a folder, which must be there; false where another has it.

        Raises:
            StoreError: the folder cannot be written to.
        """
        with self._mutex:
            if folder in self._held:
                return True
            try:
                mine = lease_file.take(folder, self._seen)
            except OSError as error:
                raise StoreError(f"cannot write to {folder}: {error.strerror or error}; {self._otherwise}") from error
            if mine is None:
                return False
            self._held[folder] = mine
            self._seen.pop(folder, None)
            if self._thread is None:
                self._wake.clear()
                thread = threading.Thread(target=self._beat, name="leases", daemon=True)
                thread.start()
                self._thread = thread  # only now: where the system has no thread left, there is none to wait for
        return True

    def release(self, folder: Path) -> None:
        """Give a lease back; nothing where it is not held or was lost."""
        with self._mutex:
            mine = self._held.pop(folder, None)
            self._lost.discard(folder)
        if mine is not None:
            with contextlib.suppress(OSError):
                lease_file.release(folder, mine)

    def release_all(self) -> None:
        """Give all leases back and end the heartbeat."""
        for folder in list(self._held):
            self.release(folder)
        thread, self._thread = self._thread, None
        self._wake.set()
        if thread is not None:
            thread.join(5)

    def lost(self) -> set[Path]:
        """Folders whose lease another took, because this process did not touch it for too long (it was suspended)."""
        with self._mutex:
            return set(self._lost)

    def ahead(self, folder: Path) -> float:
        """How many seconds in the future another's lease was dated when it was first refused; 0 if it was not."""
        seen = self._seen.get(folder)
        return 0.0 if seen is None else seen.ahead

    def beat(self) -> None:
        """Touch all leases, and notice those that are no longer ours."""
        with self._mutex:
            held = dict(self._held)
        for folder, mine in held.items():
            try:
                path = lease_file.held_at(folder, mine)
                if path is not None:
                    os.utime(path)
            except OSError:
                continue  # a file server that does not answer now may do so the next time
            if path is None:
                with self._mutex:
                    # Not where it was given back, and perhaps taken again, while we looked.
                    if self._held.get(folder) is mine:
                        self._lost.add(folder)

    def _beat(self) -> None:
        while not self._wake.wait(HEARTBEAT_SECONDS):
            self.beat()


def holder(folder: Path, seen: dict[Path, Seen] | None = None) -> Holder | None:
    """Return who holds the lease of a folder now; ``None`` where nobody does or the holder is known to be dead.

    Only looks: works in a folder that cannot be written to, where the age of a heartbeat is judged by this machine's
    clock. ``seen`` is what this process remembers of leases that are dated in the future, from one look to the next:
    without it, such a lease has its holder.
    """
    try:
        current = lease_file.end_of_chain(folder)
        if current is None:
            return None
        path, found = current
        held = lease_file.is_held(folder, path, found, time.time(), {} if seen is None else seen)
    except OSError:
        return None
    return found if held else None
