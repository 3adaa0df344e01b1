"""Trials that ran out of memory beside others: each is tried once more, when no other one runs."""

from collections.abc import Iterator, Mapping, Set


class SecondTries:
    """Which trials of a run wait for their second try, and which have had it."""

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}  # and how they ended the first time
        self._had: set[str] = set()

    def __iter__(self) -> Iterator[str]:
        """Those that wait, in the order in which they will be tried."""
        return iter(self._waiting)

    def __contains__(self, trial_id: str) -> bool:
        return trial_id in self._waiting

    def had(self, trial_id: str) -> bool:
        """Whether a trial has been given its second try."""
        return trial_id in self._had

    def wait(self, trial_id: str, reason: str) -> None:
        """Have a trial wait for its second try; ``reason`` is how it ended."""
        self._waiting[trial_id] = reason

    def next(self, under_way: Set[str]) -> str | None:
        """The trial to try now, once all that are ``under_way`` only wait for the same; it waits no more then."""
        if not self._waiting or not under_way <= self._waiting.keys():
            return None
        trial_id = next(iter(self._waiting))
        del self._waiting[trial_id]
        self._had.add(trial_id)
        return trial_id

    def forget(self, trial_id: str) -> None:
        """A trial is another run's now."""
        self._waiting.pop(trial_id, None)

    def give_up(self) -> Mapping[str, str]:
        """Try none any more; return those that waited, with how they ended the first time."""
        waiting, self._waiting = self._waiting, {}
        return waiting
