"""Tables for a terminal."""

import io
import sys
from collections.abc import Sequence
from dataclasses import replace

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from ganbench.tables.fitting import blocks, fit, left_out_note, total_width, widths
from ganbench.tables.sheet import Column, Sheet

# Narrower than this, a label folded over lines is harder to read than a line that is too long.
MINIMUM_TEXT = 8


def terminal(sheets: Sequence[Sheet], *, width: int | None, colour: bool) -> str:
    """Every table with its protocol, its notes and the path of its samples beneath."""
    if not sheets:
        return "no trials"
    return "\n\n".join(_one(page, width, colour) for page in sheets)


def _one(page: Sheet, width: int | None, colour: bool) -> str:
    title = [page.title, ""] if page.title else []
    beneath = _beneath(page)
    if width is not None:
        columns, left = fit(page, width)
        parts = [replace(page, columns=part) for part in blocks(columns, width, page.baselines)]
        beneath = [*([left_out_note(left, page.baselines)] if left else []), *beneath]
    else:
        parts = [page]
    grids = "\n\n".join(_grid(part, width, colour) for part in parts)
    return "\n".join([*title, grids, "", *beneath])


def _beneath(page: Sheet) -> list[str]:
    lines = list(page.sentences)
    if page.samples:
        lines.append(f"samples: {page.samples}")
    for note in page.notes:
        where = f" ({note.path})" if note.path else ""
        lines.append(f"{note.kind}: {note.whose}: {note.text}{where}")
        lines.extend(f"    {line}" for line in note.log)
    return lines


def _grid(page: Sheet, width: int | None, colour: bool) -> str:
    # A file has no width: nothing is folded to fit it.
    room = total_width(page.columns, sys.maxsize) if width is None else width
    # Text is content without markup: nothing that a plugin is called is read as a style.
    table = RichTable(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, collapse_padding=False)
    places = widths(page.columns, room, MINIMUM_TEXT)
    for column, place in zip(page.columns, places, strict=True):
        table.add_column(
            Text(column.titled, style="bold" if colour else ""),
            justify="right" if column.numeric else "left",
            no_wrap=column.numeric,
            overflow="fold",
            width=place,
        )
    rows = page.rows
    for index, cells in enumerate(rows):
        if 0 < index == len(rows) - page.baselines:
            table.add_section()
        table.add_row(
            *(Text(cell, style=_style(c, cell, index, colour)) for c, cell in zip(page.columns, cells, strict=True))
        )
    file = io.StringIO()
    console = Console(
        file=file,
        width=max(room, total_width(page.columns, MINIMUM_TEXT)),
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
        emoji=False,
        markup=False,
        highlight=False,
    )
    console.print(table)
    return "\n".join(line.rstrip() for line in file.getvalue().rstrip("\n").splitlines())


def _style(column: Column, cell: str, row: int, colour: bool) -> str:
    if not colour or column.heading != "status":
        return "bold" if colour and row in column.strong else ""
    return "green" if cell == "done" else "yellow" if cell.startswith("done") else "red"
