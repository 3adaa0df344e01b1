"""A table in a terminal: what stands above and beneath it, on which side, and in which colours."""

import re

from ganbench.tables import render
from ganbench.tables.layout import Layout
from tests.rows import HIGH, LOW, make_row, rows_of
from tests.trials import make_spec


def test_each_part_begins_with_what_it_is_a_part_of() -> None:
    rows = [*rows_of("a", LOW), *rows_of("a", HIGH, architecture="resnet")]
    text = render(rows, "table", layout=Layout(group=("architecture",)))
    first, second = (text.index(f"architecture: {name}\n\n") for name in ("dcgan", "resnet"))
    assert (first, text.count("architecture: ")) == (0, 2)
    assert text[second - 2 : second] == "\n\n"
    assert render(rows, "table").startswith("loss"), "of the whole nothing is said"


def test_the_end_of_a_log_stands_beneath_its_reason() -> None:
    failed = make_row(make_spec(), "failed", reason="boom", log=("first", "last"))
    lines = render([failed], "table").splitlines()
    place = next(index for index, line in enumerate(lines) if line.startswith("failed: "))
    assert lines[place].endswith(f": boom ({failed.folder})")
    assert lines[place + 1 :] == ["    first", "    last"]


def test_numbers_stand_right_and_text_left() -> None:
    rows = [*rows_of("a", [1.0]), *rows_of("longer", [100.0])]
    head, _, first, second, *_ = render(rows, "table", layout=Layout(columns=("loss", "fid"))).splitlines()
    assert [line.index(name) for line, name in ((head, "loss"), (first, "a"), (second, "longer"))] == [0, 0, 0]
    assert {len(line) for line in (head, first, second)} == {len(second)}
    assert first.endswith(" 1.00")


def test_what_is_best_and_how_trials_ended_is_seen_where_there_are_colours() -> None:
    rows = [*rows_of("a", LOW), *rows_of("b", [*HIGH[:4], float("inf")]), make_row(make_spec("c"), "failed")]
    text = render(rows, "table", colour=True)
    ended = {cell: style for style, cell in re.findall(r"\x1b\[([0-9;]+)m *([^\x1b]*?) *\x1b\[0m", text)}
    assert (ended["done"], ended["done 4/5, diverged 1"], ended["failed"]) == ("32", "33", "31")
    assert ended["1.20 ± 0.16"] == ended["loss"] == "1"
    assert "2.15 ± 0.13" not in ended, "a row that is worse is not set bold"
