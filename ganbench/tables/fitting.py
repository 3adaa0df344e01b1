"""A table wider than its terminal: which columns are left out, the note about them, and how the rest is split."""

from collections.abc import Sequence

from rich.cells import cell_len

from ganbench.store.results import SUCCESS
from ganbench.tables.grouping import Table
from ganbench.tables.layout import SETS, Layout
from ganbench.tables.sheet import Column, Sheet
from ganbench.tables.wording import headline

LEGIBLE = 24
"""Text folded into lines of this length can still be read; a column is left out before text is folded further."""
BETWEEN = 3
"""Characters between two columns."""


def spare(columns: Sequence[Column], table: Table, layout: Layout) -> tuple[str, ...]:
    """Name the columns that a table can do without, the least telling first.

    First what is the same in every row, then the best value, the speed, values named after another (``fid_debiased``),
    the time, the interval and the other scores, the last first. What was asked for by name is not among them, nor is
    what the rows are told apart and ranked by.

    Args:
        columns: those of the table, by their names.
        table: its rows and values.
        layout: what was asked for.
    """
    asked = [name.removeprefix("+") for name in layout.columns]
    if "all" in asked or any(not name.startswith("+") for name in layout.columns):
        return ()
    kept = {part for name in asked for part in SETS.get(name, (name,))}
    best = headline(table.values)
    scores = [name for name in table.scores if name != best]
    details = [name for name in scores if any(name.startswith(f"{other}_") for other in table.values)]
    others = [name for name in reversed(scores) if name not in details]
    order = [
        *("status", "dataset", "architecture"), f"{best}:best", "images/s", *details, "time", f"{best}:ci", *others,
    ]  # fmt: skip
    varying = {column.name for column in columns if not _alike(column, len(table.baselines))}
    telling = varying & {"status", "dataset", "architecture"}
    return tuple(name for name in order if name not in kept and name not in telling)


def fit(page: Sheet, width: int) -> tuple[list[Column], list[Column]]:
    """Part a table's columns into those to show in ``width`` characters and those to leave out, in their order.

    Text that is longer than :data:`LEGIBLE` is taken to fold. What cannot be left out is shown, however wide.
    """
    shown, left = list(page.columns), list[Column]()
    for name in page.spare:
        if total_width(shown) <= width:
            break
        left += [column for column in shown if column.name == name]
        shown = [column for column in shown if column.name != name]
    return shown, left


def blocks(columns: Sequence[Column], width: int, baselines: int) -> list[list[Column]]:
    """Part columns that are too wide to stand side by side into blocks, one beneath the other, as few as can be.

    Each block begins with the columns of text that name the rows, those that tell them apart; only the first block has
    the others, too. Text is taken to fold as in :func:`fit`. A column wider than ``width`` has a block of its own.

    Args:
        columns: those to show.
        width: characters in a line.
        baselines: how many of the last cells of each are the baselines'.
    """
    if total_width(columns) <= width:
        return [list(columns)]
    named = next((place for place, column in enumerate(columns) if column.numeric), len(columns))
    names, others = list(columns[:named]), list(columns[named:])
    telling = [column for column in names if not _alike(column, baselines)] or names[:1]
    found, block = list[list[Column]](), names
    for column in others:
        fits = total_width([*block, column]) <= width
        if not fits and len(block) > len(names if not found else telling):
            found.append(block)
            block = telling
        block = [*block, column]
    return [*found, block]


def total_width(columns: Sequence[Column], text: int = LEGIBLE) -> int:
    """Characters that columns take side by side, with text folded at ``text`` characters and numbers never folded."""
    return sum(least_width(column, text) for column in columns) + BETWEEN * (len(columns) - 1)


def widths(columns: Sequence[Column], room: int, text: int) -> list[int]:
    """Characters for each column so that all fit into ``room``: the widest columns of text are narrowed, as far as
    :func:`least_width` allows. (Rich's own way narrows some further and then cuts numbers.)"""
    found = [full_width(column) for column in columns]
    excess = sum(found) + BETWEEN * (len(columns) - 1) - room
    for _ in range(excess):
        foldable = [i for i, column in enumerate(columns) if found[i] > least_width(column, text)]
        if not foldable:
            break
        found[max(foldable, key=found.__getitem__)] -= 1
    return found


def least_width(column: Column, text: int) -> int:
    """Characters that a column needs: numbers whole, text folded at ``text`` but no narrower than the heading."""
    return full_width(column) if column.numeric else max(cell_len(column.titled), min(full_width(column), text))


def full_width(column: Column) -> int:
    """Characters that a column takes unfolded."""
    return max(cell_len(text) for text in (column.titled, *column.cells))


def left_out_note(left: Sequence[Column], baselines: int) -> str:
    """Say which columns are left out, by the names that ``--columns`` takes, and how to see them."""
    alike = {column.name: _rows(column, baselines)[0] for column in left if _alike(column, baselines)}
    names = [f"{column.name} ({alike[column.name]})" if column.name in alike else column.name for column in left]
    example = next((column.name for column in left if column.name not in alike), left[0].name)
    return (
        f"left out to fit the terminal: {', '.join(names)}; "
        f"ganbench results --columns +{example} keeps one, and --format csv has all"
    )


def _alike(column: Column, baselines: int) -> bool:
    """Whether a column says the same in all trained rows (in all rows if there are none); a status must be done."""
    if column.name == "status":
        return set(column.cells) == {SUCCESS}
    return not column.numeric and len(set(_rows(column, baselines))) == 1


def _rows(column: Column, baselines: int) -> list[str]:
    """The cells of trained rows, or all cells where nothing was trained."""
    return column.cells[: len(column.cells) - baselines] or column.cells
