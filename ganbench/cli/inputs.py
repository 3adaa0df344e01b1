"""What commands read: the trials of a folder, with a word on those that cannot be read or if there are none."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cleaning import clean

if TYPE_CHECKING:
    from ganbench.errors import StoreError
    from ganbench.store.results import Row


def read_trials(runs: Path) -> "tuple[list[Row], bool]":
    """Return the trials under a folder, and whether some are left out: a line on stderr names each and says why.

    Raises:
        StoreError: there is no such folder, or it cannot be listed.
    """
    from ganbench.store.results import read_rows

    rows, problems = read_rows(runs)
    for problem in problems:
        click.echo(f"ganbench: left out: {clean(problem)}", err=True)
    return rows, bool(problems)


def read_trials_or_board(place: Path) -> "tuple[list[Row], bool]":
    """As :func:`read_trials`, also of a leaderboard, named by any of its files or without a suffix.

    Raises:
        StoreError: there is neither, or it cannot be read.
    """
    from ganbench.leaderboard.schema import load
    from ganbench.leaderboard.sources import SUFFIXES, file_of, rows_of

    named = place.is_file() if place.suffix in SUFFIXES else not place.exists()
    if named and file_of(place).is_file():
        return rows_of(load(file_of(place))), False
    return read_trials(place)


def no_trials(runs: Path, which: str = "") -> "StoreError":
    """The error where a folder has no trials; ``which`` says of what kind, e.g. ``that have ended``."""
    from ganbench.errors import StoreError

    that = f" {which}" if which else ""
    return StoreError(f"there are no trials in {runs}{that}; run something first, or name the folder given to --out")
