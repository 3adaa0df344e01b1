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
        StoreError: there is neither, it cannot be read, or a folder has leaderboards and no trials.
    """
    from ganbench.errors import StoreError
    from ganbench.leaderboard.schema import load
    from ganbench.leaderboard.sources import board_in, rows_of

    board = _named_board(place)
    if board is not None:
        return rows_of(load(board)), False
    if not place.exists():
        raise StoreError(
            f"there is no folder of trials or leaderboard at {place}; run something first, or name the folder given to "
            "--out"
        )
    rows, incomplete = read_trials(place)
    if not rows and (other := board_in(place)) is not None:
        raise StoreError(f"there are no trials in {place}; name one of its leaderboards, e.g. {other}")
    return rows, incomplete


def require_no_leaderboard(place: Path) -> None:
    """Refuse a leaderboard where the files of trials are needed, of which it has the numbers alone.

    Raises:
        StoreError: ``place`` names one; says where its own page is.
    """
    from ganbench.errors import StoreError
    from ganbench.files import read_json
    from ganbench.leaderboard.schema import is_board

    board = _named_board(place)
    if board is not None and is_board(read_json(board)):
        raise StoreError(
            f"{place} is a leaderboard, which has no samples and no curves of losses; its page is "
            f"{board.with_suffix('.html')}, and a report is made of the folder of its trials"
        )


def _named_board(place: Path) -> Path | None:
    """The file of the leaderboard that is named by any of its files or without a suffix; ``None`` where none is."""
    from ganbench.leaderboard.sources import SUFFIXES, file_of

    named = place.is_file() if place.suffix in SUFFIXES else not place.exists()
    return file_of(place) if named and file_of(place).is_file() else None


def no_trials(runs: Path, which: str = "") -> "StoreError":
    """The error where a folder has no trials; ``which`` says of what kind, e.g. ``that have ended``."""
    from ganbench.errors import StoreError
    from ganbench.records.finding import folder_within

    that = f" {which}" if which else ""
    if (below := folder_within(runs)) is not None:
        return StoreError(f"there are no trials in {runs}; name the folder of trials in it, e.g. {below}")
    return StoreError(f"there are no trials in {runs}{that}; run something first, or name the folder given to --out")
