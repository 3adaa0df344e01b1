"""Layouts: columns by name, sorting, parts, wide tables, bold type, in every format."""

import csv
import io
import json
import math
import re
from dataclasses import replace

import pytest

from ganbench.errors import UsageError
from ganbench.statistics import AverageRanks
from ganbench.store.results import Row
from ganbench.store.values import ValueInfo
from ganbench.tables import FORMATS, render
from ganbench.tables.grouping import build
from ganbench.tables.layout import Layout, named
from ganbench.tables.overall import Overall
from tests.rows import FID, HIGH, LOW, cells, make_row, rows_of
from tests.trials import make_spec


def two_datasets() -> list[Row]:
    """Vanilla is better on both datasets; hinge diverged once on the second."""
    rows = [*rows_of("hinge", HIGH), *rows_of("vanilla", LOW)]
    return [*rows, *rows_of("hinge", [*HIGH[1:], math.inf], dataset="mnist"), *rows_of("vanilla", LOW, dataset="mnist")]


def test_columns_replace_or_add() -> None:
    rows = rows_of("a", LOW)
    (line,) = cells(render(rows, "markdown", layout=Layout(columns=("fid:ci", "loss", "fid:median"))))
    assert line == {"FID 95 %": r"\[1.00, 1.40\] (t)", "loss": "a", "FID median": "1.20"}
    (line,) = cells(render(rows, "markdown", layout=Layout(columns=("+memory", "+fid:group"))))
    assert {"loss", "FID", "time"} <= set(line)
    assert list(line)[list(line).index("FID") + 1] == "FID group"
    assert line["FID group"] == "1"
    assert "memory" not in line  # nobody measured it, and empty columns are left out
    rows = [make_row(row.spec, cost={"peak_memory": 3 * 2**29, "energy_joules": 12300.0}) for row in rows]
    (line,) = cells(render(rows, "markdown", layout=Layout(columns=("cost",))))
    assert line == {"memory": "1.5 GiB", "energy": "12.3 kJ"}
    (record,) = csv.DictReader(io.StringIO(render(rows, "csv", layout=Layout(columns=("loss", "fid", "cost")))))
    assert {"protocol", "loss", "fid", "fid_sd", "fid_n", "peak_memory"} <= set(record)
    assert "status" not in record


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("FID", "fid"), ("fid ↓", "fid"), ("best FID", "fid:best"), ("Best FID ↓", "fid:best"), ("FID 95 %", "fid:ci"),
        ("FID median", "fid:median"), ("FID:best", "fid:best"), ("IS", "is"), ("Loss", "loss"),
        ("IMAGES/S", "images/s"), ("fid group", "fid:group"), ("Cost", "cost"),
        ("Group", "group"), ("Seeds", "seeds"), ("nothing", "nothing"),
    ],
)  # fmt: skip
def test_a_column_may_be_called_by_its_heading(given: str, name: str) -> None:
    tables = build(rows_of("a", LOW))
    assert named(tables, Layout(columns=(given, f"+{given}"))).columns == (name, f"+{name}")
    assert named(tables, Layout(sort=f"-{given}", metric=given)) == Layout(sort=f"-{name}", metric=name)
    if name != "nothing":
        layout, other = Layout(columns=("loss", given)), Layout(columns=("loss", name))
        assert render(rows_of("a", LOW), "csv", layout=layout) == render(rows_of("a", LOW), "csv", layout=other)


def test_a_heading_of_two_metrics_names_neither() -> None:
    alike = {"fid": ValueInfo(label="FID", direction="lower"), "other": ValueInfo(label="FID", direction="lower")}
    rows = [replace(row, values=alike) for row in rows_of("a", LOW)]
    with pytest.raises(UsageError, match="no table has a column 'FID'"):
        render(rows, "csv", layout=Layout(columns=("FID",)))
    assert named(build(rows), Layout(sort="fid")).sort == "fid"


def test_every_column_of_a_percentage_has_its_sign() -> None:
    share = ValueInfo(label="share", direction="higher", decimals=1, percent=True)
    rows = [replace(row, values={"fid": share}) for row in rows_of("a", [0.5, 0.6, 0.7])]
    (line,) = cells(render(rows, "markdown", layout=Layout(columns=("fid", "fid:median", "fid:ci", "fid:best"))))
    assert line["share median"] == "60.0 %"
    assert all(" %" in cell for cell in line.values()), line


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (Layout(columns=("fud",)), "no table has a column 'fud'; did you mean 'fid'"),
        (Layout(columns=("fid:low",)), "no table has a column 'fid:low'"),
        (Layout(columns=(":ci",)), "no table has a column ':ci'"),
        (Layout(sort="cost"), "--sort 'cost' names several columns; choose one, e.g. time"),
        (Layout(sort="-all"), "--sort 'all' names several columns; choose one, e.g. fid"),
        (Layout(sort="-lost"), "no table has a column 'lost'; did you mean 'loss'"),
        (Layout(group=("sed",)), "--group 'sed' cannot split a table"),
        (Layout(wide=True, columns=("is",)), "--columns has no effect with --wide, which shows one metric: choose it"),
        (Layout(metric="memory"), "no table has a score 'memory'"),
        (Layout(alpha=5), "--alpha 5 must be between 0 and 1"),
    ],
)
def test_what_no_table_has_is_named(layout: Layout, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        render(rows_of("a", LOW), "markdown", layout=layout)


def test_where_no_trial_has_a_result_no_name_is_refused() -> None:
    """Which metrics there will be is not known yet."""
    rows = [make_row(make_spec(), "failed", result=False, values={})]
    for layout in (Layout(metric="fid"), Layout(columns=("loss", "fid", "status")), Layout(sort="-fid:best")):
        assert "vanilla" in render(rows, "markdown", layout=layout)


def test_nothing_is_ranked_by_a_value_of_which_neither_more_nor_less_is_better() -> None:
    deviation = ValueInfo(label="IS std")
    rows = [make_row(row.spec, metrics={"fid": 1.0, "is_std": 0.1}, values={"fid": FID, "is_std": deviation})
            for row in rows_of("a", LOW)]  # fmt: skip
    assert "IS std" in render(rows, "markdown", layout=Layout(columns=("is_std",)))
    with pytest.raises(UsageError, match="no table has a score 'is_std'"):
        render(rows, "markdown", layout=Layout(metric="is_std"))


def test_sorting_puts_the_best_first_and_the_missing_last() -> None:
    rows = [*rows_of("a", HIGH), *rows_of("b", [math.inf]), *rows_of("c", LOW)]

    def order(sort: str) -> list[str]:
        return [line["loss"] for line in cells(render(rows, "markdown", layout=Layout(sort=sort)))]

    assert order("fid") == ["c", "a", "b"]
    assert order("-fid") == ["a", "c", "b"]
    assert order("group") == ["c", "b", "a"]  # one seed that diverged may be the best
    assert order("-loss") == ["c", "b", "a"]
    assert order("is") == ["a", "c", "b"]
    assert order("seeds") == ["b", "a", "c"]


def test_parts_have_ties_of_their_own() -> None:
    rows = [*rows_of("a", LOW), *rows_of("b", HIGH)]
    rows += [*rows_of("a", HIGH, architecture="resnet"), *rows_of("b", LOW, architecture="resnet")]
    together = [(line["architecture"], line["loss"], line["group"]) for line in cells(render(rows, "markdown"))]
    assert {(architecture, loss) for architecture, loss, tie in together if tie == "1"} == {
        ("dcgan", "a"),
        ("resnet", "b"),
    }
    text = render(rows, "markdown", layout=Layout(group=("architecture",)))
    assert "**architecture: dcgan**" in text
    assert "FID: a is best; every other row is worse" in text
    assert "FID: b is best; every other row is worse" in text
    tables = json.loads(render(rows, "json", layout=Layout(group=("architecture",))))
    assert [table["part"] for table in tables] == ["architecture: dcgan", "architecture: resnet"]
    assert [row["tie_groups"]["fid"] for table in tables for row in table["rows"]] == [1, 2, 2, 1]


def test_bold_is_what_cannot_be_told_apart_from_the_best() -> None:
    rows = [*rows_of("a", LOW), *rows_of("b", HIGH)]
    assert r"\textbf{1.20 $\pm$ 0.16}" in render(rows, "latex")
    assert render(rows, "latex").count(r"\textbf") == 1
    assert cells(render(rows, "markdown"))[0]["FID"] == "**1.20 ± 0.16**"
    assert render(rows, "html").count("<strong>") == 1
    tied = [*rows_of("a", LOW), *rows_of("b", LOW)]
    for format_name in ("latex", "markdown", "html"):
        assert not re.search(r"textbf|\*\*|<strong>", render(tied, format_name))


def test_a_wide_table_has_a_column_per_dataset_and_average_ranks() -> None:
    text = render(two_datasets(), "markdown", layout=Layout(wide=True))
    assert cells(text) == [
        {"loss": "hinge", "architecture": "dcgan", "digits FID": "2.20 ± 0.16", "mnist FID": "2.25 ± 0.13 (4/5)",
         "average rank": "2.00"},
        {"loss": "vanilla", "architecture": "dcgan", "digits FID": "**1.20 ± 0.16**", "mnist FID": "**1.20 ± 0.16**",
         "average rank": "1.00"},
    ]  # fmt: skip
    assert text.count("1000 fakes against") == 2
    assert text.splitlines()[0] == "| loss | architecture | digits FID ↓ | mnist FID ↓ | average rank ↓ |"
    assert "Average ranks over digits FID, mnist FID: vanilla 1.00, hinge 2.00; exact sign test: p = 0.5." in text
    assert (
        "By average ranks either of the 2 rows may be the best "
        "(with 2 datasets no difference would be significant; sign test, exact, α = 0.05)." in text
    )
    record = next(csv.DictReader(io.StringIO(render(two_datasets(), "csv", layout=Layout(wide=True)))))
    assert record["loss"] == "hinge"
    assert [float(value) for name, value in record.items() if name.endswith("_n")] == [5, 4]


def test_a_wide_table_says_what_is_missing() -> None:
    rows = [*rows_of("a", LOW), *rows_of("b", [math.inf] * 2), *rows_of("a", LOW, dataset="mnist")]
    first, second = cells(render(rows, "markdown", layout=Layout(wide=True)))
    assert (first["digits FID"], second["digits FID"]) == ("1.20 ± 0.16", "diverged")
    assert second["mnist FID"] == "-"
    assert "average rank" not in first


def test_rows_that_average_ranks_leave_out_are_counted() -> None:
    """Else it would read as if they were among the rows that may be the best, or could not be."""
    extra = [*rows_of("only", LOW), *rows_of("lost", LOW), *rows_of("lost", [math.nan] * 5, dataset="mnist")]
    whole, some, more = (
        render([*two_datasets(), *rows], "markdown", layout=Layout(wide=True))
        for rows in ([], extra[:5], extra)
    )  # fmt: skip
    assert "left out" not in whole
    assert "1 row is left out of these, without a seed to rank in some of them." in some
    assert "2 rows are left out of these, without a seed to rank in some of them." in more
    assert "By average ranks either of the 2 rows may be the best" in more


def test_the_same_data_under_two_protocols_has_two_columns() -> None:
    rows = rows_of("a", LOW) + [make_row(make_spec("a", seed=seed, steps=9)) for seed in range(2)]
    (line,) = cells(render(rows, "markdown", layout=Layout(wide=True)))
    assert len([name for name in line if name.startswith("digits FID \\[")]) == 2


@pytest.mark.parametrize("by", [("architecture",), ("architecture", "dataset"), ("dataset", "architecture")])
def test_parts_have_a_wide_table_each(by: tuple[str, ...]) -> None:
    rows = [row for data in ("digits", "mnist") for loss in "ab" for row in rows_of(loss, LOW, dataset=data)]
    rows += [*rows_of("a", HIGH, architecture="resnet"), *rows_of("a", HIGH, architecture="resnet", dataset="mnist")]
    first, second = render(rows, "markdown", layout=Layout(wide=True, group=by)).split("**architecture: resnet**")
    assert "**architecture: dcgan**" in first
    assert [list(line) for line in cells(first.partition("\n\n")[2])] == [
        ["loss", "architecture", "digits FID", "mnist FID", "average rank"]
    ] * 2
    (line,) = cells(second.strip())
    assert line == {"loss": "a", "architecture": "resnet", "digits FID": "2.20 ± 0.16", "mnist FID": "2.20 ± 0.16"}


def test_parts_by_dataset_stand_across_in_a_wide_table() -> None:
    layout = Layout(wide=True)
    assert render(two_datasets(), layout=layout) == render(two_datasets(), layout=Layout(wide=True, group=("dataset",)))


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("layout", [
    Layout(wide=True), Layout(wide=True, group=("loss",)), Layout(columns=("all",)), Layout(group=("loss", "dataset")),
])  # fmt: skip
def test_every_format_takes_every_layout(format_name: str, layout: Layout) -> None:
    assert "vanilla" in render(two_datasets(), format_name, layout=layout)
    render([], format_name, layout=layout)
    render(rows_of("a", [math.inf]), format_name, layout=layout)
    render([make_row(make_spec(baseline="real"))], format_name, layout=layout)


def test_html_is_whole_and_asks_for_nothing() -> None:
    text = render(two_datasets(), "html")
    assert text.startswith("<!doctype html>")
    assert not re.search(r"src=|href=|<script|url\(", text)
    assert text.count("<table>") == text.count("</table>") == 2


@pytest.mark.parametrize(
    ("cliques", "told"),
    [
        (((0, 1, 2, 3),), "any of the 4 rows may be the best"),
        (((0, 1, 2), (2, 3)), "any of a, b and c may be the best; d is worse; too close to order: c = d"),
        (((0, 1), (2,), (3,)), "either of a and b may be the best; c and d are worse"),
        (((0,), (1, 2), (2, 3)), "a is best; b, c and d are worse; too close to order: b = c, c = d"),
    ],
)
def test_average_ranks_say_which_rows_may_be_the_best(cliques: tuple[tuple[int, ...], ...], told: str) -> None:
    result = AverageRanks((1.0, 2.0, 3.0, 4.0), 5, 0.01, 1.5, cliques, 0.05, True)
    found = Overall((("", "", ""),) * 4, tuple("abcd"), ("x", "y"), result)
    assert found.sentences()[1] == f"By average ranks {told} (critical difference 1.50; Nemenyi, exact, α = 0.05)."


def test_average_ranks_of_many_rows_name_the_best_twelve() -> None:
    def told(first: int, others: int) -> list[str]:
        count = first + others
        cliques = (tuple(range(first)), tuple(range(1, count)))
        result = AverageRanks(tuple(map(float, range(1, count + 1))), 5, 0.01, 1.5, cliques, 0.05, True)
        names = tuple(f"r{index}" for index in range(count))
        return Overall((("", "", ""),) * count, names, ("x", "y"), result).sentences()

    ranks, best = told(2, 10)
    assert ranks.endswith("r10 11.00, r11 12.00; exact Friedman test: p = 0.01.")
    ranks, best = told(2, 12)
    assert ranks.endswith("r10 11.00, r11 12.00 and 2 worse rows; exact Friedman test: p = 0.01.")
    assert "r2, r3, " in best
    assert " and r13 are worse; too close to order: r1 = r2" in best
    ranks, best = told(13, 13)
    assert "any of 13 rows may be the best; the other 13 rows are worse (critical difference" in best


def test_the_median_is_not_the_mean() -> None:
    rows = rows_of("a", [1.0, 2.0, 9.0])
    (line,) = cells(render(rows, "markdown", layout=Layout(columns=("fid", "fid:median"))))
    assert (line["FID"].split()[0], line["FID median"]) == ("4.00", "2.00")
    (record,) = csv.DictReader(io.StringIO(render(rows, "csv")))
    assert (float(record["fid"]), float(record["fid_median"])) == (4.0, 2.0)
    rows += rows_of("b", [3.0, 3.0, 3.0])
    for sort, first in (("fid", "b"), ("fid:median", "a"), ("-fid:median", "b")):
        assert cells(render(rows, "markdown", layout=Layout(sort=sort)))[0]["loss"] == first


def test_average_ranks_are_judged_by_the_level_that_is_given() -> None:
    rows = [
        row
        for dataset in ("one", "two", "three", "four", "five")
        for loss, values in (("hinge", HIGH), ("vanilla", LOW))
        for row in rows_of(loss, values, dataset=dataset)
    ]
    strict, loose = (render(rows, "markdown", layout=Layout(wide=True, alpha=alpha)) for alpha in (0.05, 0.2))
    # Five of five is 1/32 on either side: p = 0.0625.
    assert "By average ranks either of the 2 rows may be the best" in strict
    assert "sign test, exact, α = 0.05" in strict
    assert "By average ranks vanilla is best; hinge is worse" in loose
    assert "sign test, exact, α = 0.2" in loose
