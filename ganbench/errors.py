"""What can go wrong in words a user can act on: one line, what is wrong, where, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class GanbenchError(Exception):
    """A failure with a one-line message meant for the user; the command line prints it without a traceback."""

    exit_code = 2


class UsageError(GanbenchError):
    """The request itself is wrong: an unknown name, a value out of range, a pair that cannot work."""


class TooFewSteps(UsageError):
    """A recipe has settings that have no effect in so few steps.

    Attributes:
        needed: the fewest steps in which they have, as far as this refusal goes.
    """

    def __init__(self, message: str, needed: int) -> None:
        super().__init__(message)
        self.needed = needed


class DataError(GanbenchError):
    """Data or weights are missing, damaged, or not what they claim to be."""


class ChangedSincePlanning(DataError):
    """Samples or weights are no longer those that a plan names.

    Attributes:
        planned: the fingerprint or SHA-256 that they had then.
    """

    def __init__(self, what: str, planned: str) -> None:
        super().__init__(f"{what}; run again to make a new plan")
        self.planned = planned


class StoreError(GanbenchError):
    """A folder of results cannot be read or written."""


class Diverged(Exception):
    """Training produced non-finite or exploding values. Raised by the worker, recorded as a trial's outcome."""

    def __init__(self, reason: str, step: int) -> None:
        super().__init__(f"{reason} at step {step}")
        self.step = step


def in_one_line(error: BaseException, most: int | None = None) -> str:
    """Return an error's message as one line of at most ``most`` characters, or its type where it says nothing."""
    return " ".join(str(error).split())[:most] or type(error).__name__


def with_kind(error: BaseException) -> str:
    """Return an error's kind and message as one line, e.g. ``ValueError: there is no such file``."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant; ``None`` where none is close. Capitals do not matter."""
    lowered = {choice.lower(): choice for choice in sorted(known, reverse=True)}
    found = get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` where a known name is close, else the list of what there is."""
    choices = sorted(known)
    close = closest(name, choices)
    if close is not None:
        return f"; did you mean '{close}'?"
    return f"; choose one of: {', '.join(choices)}" if choices else ""
