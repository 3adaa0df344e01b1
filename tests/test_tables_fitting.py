"""A table wider than its terminal leaves the least telling columns out, and says so; nothing else does."""

from dataclasses import replace

import pytest

from ganbench.store.results import Row
from ganbench.store.values import ValueInfo
from ganbench.tables import FORMATS, render
from ganbench.tables.fitting import BETWEEN, widths
from ganbench.tables.layout import Layout
from ganbench.tables.sheet import Column
from tests.rows import HIGH, LOW, make_row, rows_of
from tests.trials import make_spec

SCORES = {
    "fid": ValueInfo(label="FID", direction="lower"),
    "fid_debiased": ValueInfo(label="FID debiased", direction="lower"),
    "is": ValueInfo(label="IS", direction="higher"),
    "kid": ValueInfo(label="KID", direction="lower"),
}


def table(**changes: str) -> list[Row]:
    """Two losses of five seeds with four scores, and real data."""
    rows = [*rows_of("hinge", HIGH, **changes), *rows_of("vanilla", LOW, **changes)]
    rows = [replace(row, metrics={**row.metrics, "fid_debiased": 1.0, "kid": 0.5}, values=SCORES) for row in rows]
    return [*rows, make_row(make_spec(baseline="real"), fid=0.1)]


def headings(text: str) -> list[str]:
    """The names of the columns shown, as far as they are one word, each once."""
    words = [word for part in blocks(text) for word in part[0].split()]
    return [word for word in dict.fromkeys(words) if word not in "↓↑"]


def blocks(text: str) -> list[list[str]]:
    """The lines of each block of the first table."""
    parts = text.split("\n\n")
    return [part.splitlines() for part in parts if "───" in part]


def left_out(text: str) -> str:
    """What the line beneath says is left out; empty without such a line."""
    lines = [line for line in text.splitlines() if line.startswith("left out to fit the terminal:")]
    assert len(lines) < 2
    return lines[0].partition(": ")[2].partition(";")[0] if lines else ""


ALIKE = "status (done), dataset (digits), architecture (dcgan)"


@pytest.mark.parametrize(
    ("width", "left"),
    [
        (175, ""),
        (174, "status (done)"),
        (156, "status (done), dataset (digits)"),
        (141, ALIKE),
        (127, f"{ALIKE}, fid:best"),
        (
            60,
            f"{ALIKE}, fid:best, images/s, fid_debiased, time, fid:ci, kid",
        ),
    ],
)
def test_the_least_telling_columns_go_first(width: int, left: str) -> None:
    text = render(table(), "table", width=width)
    assert left_out(text) == left
    grid = text.split("\n\n")[0].splitlines()
    assert max(map(len, grid)) <= width


def test_what_rows_are_told_apart_and_ranked_by_stays() -> None:
    text = render(table(), "table", width=20)
    assert headings(text) == ["loss", "seeds", "group", "FID"]
    two = render([*table(), *table(architecture="resnet")], "table", width=20)
    assert headings(two) == ["loss", "architecture", "seeds", "group", "FID"]
    failed = [*table(), make_row(make_spec("lsgan"), "failed")]
    assert "status" in headings(render(failed, "table", width=20))


def test_the_line_says_how_to_see_one_that_differs() -> None:
    text = render(table(), "table", width=80)
    assert "left out to fit the terminal: status (done), " in text
    assert "; ganbench results --columns +fid:best keeps one, and --format csv has all\n" in text
    assert "--columns +status keeps one" in render(table(), "table", width=174)


def test_what_was_asked_for_stays() -> None:
    kept = render(table(), "table", width=60, layout=Layout(columns=("+fid:best", "+dataset")))
    assert {"dataset", "best"} <= set(headings(kept))
    assert "fid:best" not in left_out(kept)
    assert "dataset" not in left_out(kept)
    costs = render(table(), "table", width=60, layout=Layout(columns=("+cost",)))
    assert {"images/s", "time"} <= set(headings(costs))
    for columns in (("all",), ("+all",), ("loss", "architecture", "fid", "is", "kid", "status", "time")):
        assert left_out(render(table(), "table", width=30, layout=Layout(columns=columns))) == ""


def test_long_text_is_folded_before_every_column_has_gone() -> None:
    rows = [replace(row, named="") for row in table()]
    long = [make_row(make_spec("a" * 60, seed=seed), fid=fid) for seed, fid in enumerate(LOW)]
    text = render([*rows, *long], "table", width=120)
    grid = text.split("\n\n")[0]
    assert "a" * 60 not in grid
    assert "a" * 24 in grid
    assert "time" in headings(text)


def test_a_wide_table_stands_in_blocks_that_name_their_rows() -> None:
    digits, mnist = table(), table(dataset="mnist")
    layout = Layout(wide=True)
    whole = render([*digits, *mnist], "table", layout=layout)
    assert len(blocks(whole)) == 1
    text = render([*digits, *mnist], "table", width=50, layout=layout)
    first, second = blocks(text)
    assert first[0].split() == ["loss", "architecture", "digits", "FID", "↓"]
    assert second[0].split() == ["loss", "mnist", "FID", "↓", "average", "rank", "↓"]
    assert [line.split()[0] for line in first[2:]] == [line.split()[0] for line in second[2:]] == ["hinge", "vanilla"]
    assert max(map(len, first + second)) <= 50
    assert blocks(render([*digits, *mnist], "table", width=200, layout=layout)) == blocks(whole)


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_every_column_that_was_asked_for_is_in_one_block(width: int) -> None:
    layout = Layout(columns=("all",))
    (whole,) = blocks(render(table(), "table", layout=layout))
    parts = blocks(render(table(), "table", width=width, layout=layout))
    found = [heading for part in parts for heading in part[0].split("   ") if heading.strip()]
    shown = [heading.strip() for heading in found]
    assert list(dict.fromkeys(shown)) == [name.strip() for name in whole[0].split("   ") if name.strip()]
    assert shown.count("loss") == len(parts) > 1
    assert shown.count("dataset") == 1
    assert max(len(line) for part in parts[1:] for line in part) <= width


def test_rows_that_nothing_tells_apart_are_named_by_the_first_column() -> None:
    rows = rows_of("hinge", HIGH)
    first, *others = blocks(render(rows, "table", width=40, layout=Layout(columns=("all",))))
    assert first[0].split()[:2] == ["loss", "architecture"]
    assert {part[0].split()[0] for part in others} == {"loss"}
    assert not any("architecture" in part[0] for part in others)
    apart = [*rows, *rows_of("hinge", LOW, architecture="resnet")]
    _, *others = blocks(render(apart, "table", width=40, layout=Layout(columns=("all",))))
    assert {part[0].split()[0] for part in others} == {"architecture"}
    numbers = render(rows, "table", width=20, layout=Layout(columns=("fid", "fid:ci", "is")))
    assert [part[0].split() for part in blocks(numbers)] == [["FID", "↓"], ["FID", "95", "%"], ["IS", "↑"]]


def test_the_widest_text_is_narrowed_first_and_numbers_never() -> None:
    columns = [Column("wide", ["x" * 30]), Column("n", ["1" * 20], numeric=True), Column("short", ["y" * 12])]
    whole = 30 + 20 + 12 + 2 * BETWEEN
    assert widths(columns, whole, 8) == [30, 20, 12]
    assert widths(columns, whole - 6, 8) == [24, 20, 12]
    assert sorted(widths(columns, whole - 21, 8)) == [10, 11, 20]
    assert widths(columns, 1, 8) == [8, 20, 8]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_holds_every_column(name: str) -> None:
    text = render(table(), name)
    assert left_out(text) == ""
    assert name not in ("table", "markdown") or "images/s" in text
