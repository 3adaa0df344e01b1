"""The report: everything that can be said of a folder of trials, as one HTML file that needs nothing else."""

from collections.abc import Sequence
from pathlib import Path

from ganbench.store.results import Row


def render_report(rows: Sequence[Row], *, base: Path, title: str | None = None, alpha: float = 0.05) -> str:
    """Write the report of ``rows`` as HTML.

    Args:
        rows: one per trial, failed ones too; their folders are read for curves and pictures.
        base: the folder that the file will lie in: links to logs are relative to it.
        title: the page's title; by default the datasets and how many trials.
        alpha: the level of tests; intervals hold ``1 - alpha``.

    Raises:
        UsageError: the level is none.
    """
    from ganbench.cleaning import clean
    from ganbench.report.page import page
    from ganbench.report.sections import section
    from ganbench.tables.grouping import build
    from ganbench.tables.layout import Layout
    from ganbench.tables.overall import overall
    from ganbench.tables.ranking import require_level

    require_level(alpha)
    tables = build(rows)
    sections = [section(table, f"s{index}", base=base, alpha=alpha) for index, table in enumerate(tables)]
    if title is None:
        title = "GAN benchmark: " + ", ".join(dict.fromkeys(one.title for one in sections))
    together = overall([table for table in tables if table.groups], Layout(wide=True, alpha=alpha))
    return page(sections, title=clean(title), alpha=alpha, together=together)
