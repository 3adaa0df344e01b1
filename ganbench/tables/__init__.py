"""Comparative tables in every format. Rows of different protocols are never in one table."""

from collections.abc import Callable, Sequence

from ganbench.errors import UsageError, did_you_mean
from ganbench.results import Row
from ganbench.tables.grouping import Table, build

FORMATS = ("table", "markdown", "csv", "json", "latex")


def render(
    rows: Sequence[Row],
    format: str = "table",  # noqa: A002
    *,
    width: int | None = None,
    colour: bool = False,
) -> str:
    """Write the comparative tables of ``rows``, which keep their order.

    Args:
        rows: one per trial, failed ones too.
        format: one of :data:`FORMATS`.
        width: characters per line of the terminal's table; by default the terminal's, or what the table needs where
            stdout is none. Numbers are never cut: a table that cannot be narrower is wider.
        colour: whether the terminal's table has colours.

    Returns:
        the text, without a final line break.

    Raises:
        UsageError: there is no such format.
    """
    tables = build(rows)
    if format == "table":
        from ganbench.tables.terminal import terminal

        return terminal(tables, width=width, colour=colour)
    return _writer(format)(tables).rstrip("\n")


def _writer(name: str) -> Callable[[Sequence[Table]], str]:
    if name == "markdown":
        from ganbench.tables.markdown import markdown

        return markdown
    if name == "latex":
        from ganbench.tables.latex import latex

        return latex
    if name in ("csv", "json"):
        from ganbench.tables import machine

        return machine.as_csv if name == "csv" else machine.as_json
    raise UsageError(f"there is no table format '{name}'{did_you_mean(name, FORMATS)}")
