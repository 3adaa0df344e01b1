"""What a command writes: tables as wide as the terminal, and files, never over what it reads."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cleaning import clean_line
from ganbench.errors import UsageError

if TYPE_CHECKING:
    from ganbench.store.results import Row
    from ganbench.tables.layout import Layout

_OF_A_BOARD = (".json", ".csv", ".md", ".html", ".toml")


def terminal_width() -> int | None:
    """The columns of the terminal that the output goes to; ``None`` where it goes somewhere else."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def terminal_height() -> int | None:
    """The lines of the terminal that the output goes to; ``None`` where it goes somewhere else."""
    return shutil.get_terminal_size().lines if sys.stdout.isatty() else None


def print_rows(rows: "Sequence[Row]", form: str, layout: "Layout | None" = None) -> None:
    """Print the table to stdout, in colour on a terminal; a line on stderr names columns that are empty everywhere."""
    from ganbench.tables import empty_columns, render

    width = terminal_width()
    click.echo(render(rows, form, width=width, colour=width is not None and form == "table", layout=layout))
    if layout is not None and layout.columns and form not in ("csv", "json"):
        for name in empty_columns(rows, layout):
            click.echo(f"ganbench: no row has anything in the column {name}, so it is left out", err=True)


def print_written(path: Path, more: str = "") -> None:
    """Print the name of what was written, in one line whatever characters are in it, and what is to be said of it."""
    click.echo(f"{clean_line(str(path))}{more}")


def require_no_table(form: str) -> None:
    """Check that a dry run is asked for as lines for a person or for programs, which are all that it has.

    Raises:
        UsageError: in the format of a table.
    """
    if form not in ("table", "json"):
        raise UsageError(f"--dry-run prints no table in the format {form}; leave --format out, or use --format json")


def require_suffix(option: str, path: Path, *suffixes: str) -> None:
    """Check that a file's name has the suffix of what will be written, so that a slip overwrites nothing else.

    Raises:
        UsageError: it ends in something else.
    """
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"{option} {path} must end in {' or '.join(suffixes)}")


def require_no_board(option: str, path: Path) -> None:
    """Check that a file to be written is no leaderboard, and no page or suite of one that lies beside it.

    Raises:
        UsageError: it is.
    """
    if path.suffix.lower() not in _OF_A_BOARD:
        return
    from ganbench.errors import StoreError
    from ganbench.files import read_json
    from ganbench.leaderboard.schema import is_board

    board = path.with_suffix(".json")
    try:
        content = read_json(board)
    except StoreError:
        return
    if is_board(content):
        raise UsageError(f"{option} {path} would overwrite part of the leaderboard {board}; choose another file")


def require_no_input(option: str, path: Path, *inputs: Path) -> None:
    """Check that a file to be written is not read too, as part of a folder of trials or of a leaderboard.

    Raises:
        UsageError: it is, or lies in such a folder.
    """
    wanted = path.resolve()
    for one in inputs:
        place = one.resolve()
        stem = place.with_suffix("") if place.suffix in _OF_A_BOARD else place
        own = {place, *(stem.with_name(stem.name + suffix) for suffix in _OF_A_BOARD)}
        if wanted in own or (place.is_dir() and place in wanted.parents):
            raise UsageError(
                f"{option} {path} would overwrite part of {one}, which this command reads; choose another file"
            )
