"""The long table: which columns it has, in which order, and what their cells say."""

import math
from typing import Any

import pytest

from ganbench.store.results import Best, Row
from ganbench.tables.columns import sheet
from ganbench.tables.grouping import build
from ganbench.tables.layout import Layout, arrange
from ganbench.tables.sheet import Sheet
from tests.rows import HIGH, LOW, make_row, rows_of
from tests.trials import make_spec


def laid_out(rows: list[Row], **layout: Any) -> Sheet:
    (table,) = build(rows)
    return sheet(table, Layout(**layout))


def cells(rows: list[Row], name: str) -> list[str]:
    (column,) = (column for column in laid_out(rows, columns=("all",)).columns if column.name == name)
    return column.cells


@pytest.mark.parametrize(
    ("rows", "ranked"),
    [
        (rows_of("a", LOW), False),
        ([*rows_of("a", [1.0]), *rows_of("b", [2.0])], False),
        ([*rows_of("a", LOW), *rows_of("b", [2.0])], True),
    ],
    ids=["one row", "single seeds", "two rows and several seeds"],
)
def test_tie_groups_are_shown_where_there_is_something_to_rank(rows: list[Row], ranked: bool) -> None:
    assert ("group" in [column.name for column in laid_out(rows).columns]) is ranked
    assert "group" in [column.name for column in laid_out(rows, columns=("+group",)).columns]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (("fid", "loss", "fid:best"), ["fid", "loss", "fid:best"]),
        (("+is:best",), ["loss", "architecture", "dataset", "seeds", "group", "fid", "fid:ci", "is", "is:best",
                         "fid:best", "status", "images/s", "time"]),
        (("+loss", "+fid:ci"), ["loss", "architecture", "dataset", "seeds", "group", "fid", "fid:ci", "is", "fid:best",
                                "status", "images/s", "time"]),
    ],
)  # fmt: skip
def test_a_column_stands_where_it_was_named_or_beside_its_metric(asked: tuple[str, ...], names: list[str]) -> None:
    best = {"fid": Best(value=1.0, step=1), "is": Best(value=9.0, step=1)}
    rows = [make_row(row.spec, fid=row.metrics["fid"], best=best) for row in [*rows_of("a", LOW), *rows_of("b", HIGH)]]
    assert [column.name for column in laid_out(rows, columns=asked).columns] == names


def test_all_columns_are_all_that_there_is_of_each_score() -> None:
    names = [column.name for column in laid_out([*rows_of("a", LOW), *rows_of("b", HIGH)], columns=("all",)).columns]
    assert {f"fid:{kind}" for kind in ("ci", "median", "best", "group")} < set(names)
    assert len(names) == len(set(names))


def test_seeds_that_did_not_end_well_count_as_seeds_and_not_as_missing_values() -> None:
    rows = [*rows_of("a", [1.0, 1.2, None, math.inf]), *rows_of("b", [2.0, math.nan])]
    assert cells(rows, "seeds") == ["3/4", "1/2"]
    assert cells(rows, "fid") == ["1.10 ± 0.14 (n=2)", "2.00"]
    assert "seeds" in [column.name for column in laid_out(rows[4:]).columns]


def test_a_baseline_has_no_place_and_no_best_value() -> None:
    real = make_row(make_spec(baseline="real"), fid=0.1)
    rows = [*rows_of("a", LOW), *rows_of("b", HIGH), real]
    assert cells(rows, "group") == cells(rows, "fid:group") == ["1", "2", "-"]
    assert cells(rows, "fid:best") == ["1.20 ± 0.16", "2.20 ± 0.16", "-"]
    assert cells(rows, "fid")[-1] == "0.10"


def test_a_part_of_a_table_is_titled_by_what_its_rows_share() -> None:
    tables = arrange(build([*rows_of("a", LOW), *rows_of("b", HIGH)]), Layout(group=("loss",)))
    assert [sheet(table, Layout()).title for table in tables] == ["loss: a", "loss: b"]
