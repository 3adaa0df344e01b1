"""Comparative tables in every format. Rows of different protocols are never in one ranking."""

from collections.abc import Sequence

from ganbench.errors import UsageError, did_you_mean
from ganbench.store.results import Row
from ganbench.tables.grouping import Table, build
from ganbench.tables.layout import Layout, arrange, named, part_of
from ganbench.tables.sheet import Sheet

FORMATS = ("table", "markdown", "csv", "json", "latex", "html")


def render(
    rows: Sequence[Row],
    format: str = "table",  # noqa: A002
    *,
    width: int | None = None,
    colour: bool = False,
    layout: Layout | None = None,
) -> str:
    """Write the comparative tables of ``rows``, which keep their order unless the layout sorts them.

    Args:
        rows: one per trial, failed ones too.
        format: one of :data:`FORMATS`.
        width: characters per line of the terminal's table; by default as many as it needs. A table that cannot be as
            narrow stands in blocks, its rows named in each; numbers are never cut, so a block of one wide column may be
            wider.
        colour: whether the terminal's table has colours.
        layout: which columns, in which order, wide or long. JSON always holds everything.

    Returns:
        the text, without a final line break.

    Raises:
        UsageError: there is no such format, or the layout names what no table has.
    """
    if format not in FORMATS:
        raise UsageError(f"there is no table format '{format}'{did_you_mean(format, FORMATS)}")
    tables = build(rows)
    layout = named(tables, layout or Layout())
    tables = arrange(tables, layout)
    # Each format's module is imported only if it is used: a command is to answer at once.
    if format == "csv":
        from ganbench.tables.machine import as_csv

        text = as_csv(tables, layout)
    elif format == "json":
        from ganbench.tables.machine import as_json

        text = as_json(tables, layout)
    elif format == "markdown":
        from ganbench.tables.markdown import markdown

        text = markdown(sheets(tables, layout))
    elif format == "latex":
        from ganbench.tables.latex import latex

        text = latex(sheets(tables, layout))
    elif format == "html":
        from ganbench.tables.html import html

        text = html(sheets(tables, layout))
    else:
        from ganbench.tables.terminal import terminal

        text = terminal(sheets(tables, layout), width=width, colour=colour)
    return text.rstrip("\n")


def sheets(tables: Sequence[Table], layout: Layout) -> list[Sheet]:
    """Lay tables out for a person: one each, or all of one part (there is one without ``group``) as one wide table."""
    if layout.wide:
        from ganbench.tables.overall import wide

        # Parts by dataset stand across: they are what a wide table puts side by side.
        by = [name for name in layout.group if name != "dataset"]
        parts: dict[str, list[Table]] = {}
        for table in tables:
            parts.setdefault(part_of(table.groups, by), []).append(table)
        return [wide(part, layout, title=name) for name, part in parts.items()]
    from ganbench.tables.columns import sheet

    return [sheet(table, layout) for table in tables]
