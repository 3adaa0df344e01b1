"""What can go wrong in words a user can act on: one line, what is wrong, where, what to do."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

MOST_CHOICES = 20
"""Names that an error lists, where a command lists them as well."""


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


class NotAtHand(UsageError):
    """A grid cannot be planned because its samples, or weights that it is scored with, cannot be read here.

    Attributes:
        values: how the values that somebody will look for are declared: by name, the fields of each.
    """

    def __init__(self, message: str, values: dict[str, dict[str, Any]]) -> None:
        super().__init__(message)
        self.values = values


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
    """Return an error's message as one line of at most ``most`` characters, or its type where it says nothing.

    Where torch lists every tensor of a state dict that does not fit a network, one of each kind is named. Where it
    refuses a file that holds more than tensors, or is none of its own, its advice to read it all the same is left out.
    """
    line = " ".join(str(error).split())
    return (_misfit(line) or _no_tensors(line) or line)[:most] or type(error).__name__


def _misfit(line: str) -> str:
    """How a state dict does not fit, from what torch says of it; empty where that is not what it says."""
    if kind := re.match(r"Expected state_dict to be dict-like, got <class '(?:\w+\.)*(\w+)'>", line):
        return f"it is a {kind[1]}, not a table of named tensors"
    if not line.startswith("Error(s) in loading state_dict for "):
        return ""
    found = []
    for heading, told in (("Missing", "missing"), ("Unexpected", "unknown")):
        if listed := re.search(rf'{heading} key\(s\) in state_dict: ("[^"]*"(?:, "[^"]*")*)', line):
            first, *others = re.findall(r'"([^"]*)"', listed[1])
            found.append(f"{first} and {len(others)} more are {told}" if others else f"{first} is {told}")
    shape = r"torch\.Size\(\[([\d, ]*)\]\)"
    mismatch = rf"size mismatch for (\S+): copying a param with shape {shape} from checkpoint, .*? model is {shape}"
    if sizes := re.search(mismatch, line):
        name, has, wanted = sizes.groups()
        found.append(f"{name} has the shape ({has}), not ({wanted})")
    return f"tensor {'; '.join(found)}" if found else ""


def _no_tensors(line: str) -> str:
    """Why torch does not read a file of tensors, from what it says of it; empty where that is not what it says."""
    if not line.startswith("Weights only load failed"):
        return ""
    reason = re.search(r"WeightsUnpickler error: (.+?)(?:\.? Please use `| Check the documentation |$)", line)
    return f"not a file of tensors alone: {reason[1]}" if reason else ""


def with_kind(error: BaseException, most: int | None = None) -> str:
    """Return an error's type and its message, as :func:`in_one_line` writes it: ``ValueError: there is no such file``.

    Without a message, the type alone.
    """
    kind = type(error).__name__
    return f"{kind}: {in_one_line(error, most)}" if str(error).split() else kind


def did_you_mean(name: str, known: Iterable[str], *, listed_by: str = "") -> str:
    """Return ``"; did you mean 'x'?"`` where a known name is close, else the list of what there is.

    Args:
        name: what was asked for.
        known: all names that there are.
        listed_by: the command that lists them, which is named instead where they are more than :data:`MOST_CHOICES`.
    """
    choices = sorted(known)
    lowered = {choice.lower(): choice for choice in reversed(choices)}
    close = get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{lowered[close[0]]}'?"
    if listed_by and len(choices) > MOST_CHOICES:
        return f"; '{listed_by}' lists what there is"
    return f"; choose one of: {', '.join(choices)}" if choices else ""
