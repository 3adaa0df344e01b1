"""A dataset built, and its splits loaded as a trial loads them.

``expected`` may hold what :mod:`ganbench.testing.datasets` says.
"""

from pathlib import Path
from typing import Any, cast

from ganbench.api import Dataset, Samples
from ganbench.errors import DataError
from ganbench.testing.kit import Flaw, NotApplicable, Subject

SPLITS = ("train", "test")


def build(subject: Subject) -> Dataset:
    """Return a fresh instance."""
    return cast(Dataset, subject.build())


class NoTest(NotApplicable):
    """There is no split ``test``."""


def load(subject: Subject, split: str) -> Samples:
    """Load a split as a trial does.

    Raises:
        ganbench.errors.DataError: files of train are missing, which leaves the check out.
        NoTest: the split is ``test``, and it is not there.
    """
    try:
        found: Any = build(subject).load(split, root=Path(subject.expected.get("root", "data")))
    except DataError as error:
        if split == "train":
            raise
        reference = build(subject).reference_split
        told = "" if reference == "train" else "; a dataset without one must set reference_split = 'train'"
        raise NoTest(f"there is no split '{split}' here ({error}){told}") from error
    if not isinstance(found, Samples):
        raise Flaw(f"load('{split}') returns {type(found).__name__}, not ganbench.api.Samples; planning would fail")
    return found


def splits(subject: Subject) -> tuple[str, ...]:
    """The splits to look at: train alone where it is the reference too, and there is no test."""
    if build(subject).reference_split == "train":
        try:
            load(subject, "test")
        except NoTest:
            return ("train",)
    return SPLITS
