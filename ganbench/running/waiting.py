"""Trials that other runs work on, waited for without writing anything into their folders."""

import time
from collections.abc import Callable, Iterator

from ganbench.store.lease_file import Holder
from ganbench.store.leases import holder
from ganbench.store.store import Store

LOOK_SECONDS = 1.0
"""The least time between two looks."""
SHARE = 0.05
"""The largest share of the time spent on looking: thousands of folders on a file server are looked at less often."""
TRY_SECONDS = 60.0
"""How often a lease that looks held is tried all the same.

Its age is judged by this machine's clock while looking and by the file server's own while trying, so a clock that is
wrong delays a takeover by this much at most.
"""


class Elsewhere:
    """The trials of a run that others hold.

    Looking reads one small file for each. Trying to take a lease, which writes, is left to those that seem free.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._tried: dict[str, float] = {}
        self._next = 0.0

    def add(self, trial_id: str) -> None:
        """Take in a trial whose lease was refused just now."""
        self._tried[trial_id] = self._clock()

    def discard(self, trial_id: str) -> None:
        """Forget a trial that is ours now, or has ended."""
        self._tried.pop(trial_id, None)

    def __len__(self) -> int:
        return len(self._tried)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._tried))

    def free(self) -> list[str]:
        """The trials whose leases are worth trying now; none where the last look was a moment ago."""
        began = self._clock()
        if began < self._next:
            return []
        found = [trial_id for trial_id in self if self._seems_free(trial_id, began)]
        self._tried.update(dict.fromkeys(found, began))
        now = self._clock()
        self._next = now + max(LOOK_SECONDS, (now - began) * (1 - SHARE) / SHARE)
        return found

    def owners(self) -> list[tuple[str, int]]:
        """Each process that holds some of them, in words, with the time of its first lease; and how many it holds."""
        held: dict[tuple[str, str, int], list[Holder]] = {}
        for trial_id in self:
            found = holder(self._store.folder(trial_id).path)
            if found is not None:
                held.setdefault((found.user, found.host, found.pid), []).append(found)
        return [(str(min(leases, key=lambda one: one.since)), len(leases)) for _, leases in sorted(held.items())]

    def _seems_free(self, trial_id: str, now: float) -> bool:
        return now - self._tried[trial_id] >= TRY_SECONDS or holder(self._store.folder(trial_id).path) is None
