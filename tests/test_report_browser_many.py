"""The report of many rows in a real browser: its charts draw the best ones, and all when they are asked for."""

from pathlib import Path

import pytest

from tests.synthetic import write_grid

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from tests.test_report_browser import Open, browser, css, show, texts, write  # noqa: F401

ROWS = 20
LIMIT = '[data-control="limit"]'


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty losses, the last the best."""
    folder = tmp_path_factory.mktemp("many")
    write_grid(folder / "runs", {f"loss{index:02}": 40.0 - 1.5 * index for index in range(ROWS)}, 2)
    return write(folder / "runs", folder / "report.html")


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As many rows as are drawn."""
    folder = tmp_path_factory.mktemp("few")
    write_grid(folder / "runs", {f"loss{index:02}": 20.0 + index for index in range(12)}, 1)
    return write(folder / "runs", folder / "report.html")


def drawn(page: object) -> tuple[int, int, int, int]:
    """Rows of the first chart, coloured and grey curves of the second, and charts of losses."""
    count = "return document.querySelectorAll(arguments[0]).length"
    found = (
        "#s0-intervals .name",
        "#s0-by-images .line:not(.other)",
        "#s0-by-images .line.other",
        "#s0-loss-charts svg",
    )
    numbers = [page.execute_script(count, selector) for selector in found]  # type: ignore[attr-defined]
    return numbers[0], numbers[1], numbers[2], numbers[3]


def test_the_best_rows_are_drawn_and_the_others_named_by_their_number(show: Open, many: Path) -> None:  # noqa: F811
    page = show(many)
    assert drawn(page) == (12, 12, ROWS - 12, 12)
    assert texts(page, "#s0-intervals .name")[0] == f"loss{ROWS - 1}"
    told = [
        f"The best 12 of {ROWS} rows by FID; the others are {how}, of which 8 are in group 1 too."
        for how in ("left out", "grey", "left out")
    ]
    assert texts(page, f"{LIMIT} span") == told
    assert texts(page, "#s0-by-images .legend li")[-1] == "8 other rows"


def test_a_box_shows_every_row_in_all_charts(show: Open, many: Path) -> None:  # noqa: F811
    page = show(many)
    css(page, f"#s0-curves {LIMIT} input").send_keys(" ")
    assert drawn(page) == (ROWS, ROWS, 0, ROWS)
    assert texts(page, f"{LIMIT} span") == [f"All {ROWS} rows."] * 3
    css(page, f"#s0-answer {LIMIT} input").send_keys(" ")
    assert drawn(page) == (12, 12, ROWS - 12, 12)


def test_rows_that_a_filter_leaves_are_all_drawn(show: Open, many: Path) -> None:  # noqa: F811
    page = show(many)
    css(page, '[data-filter="s0"]').send_keys("loss0")
    assert drawn(page) == (10, 10, 0, 10)
    assert texts(page, f"{LIMIT} span") == []


def test_of_few_rows_nothing_is_said(show: Open, few: Path) -> None:  # noqa: F811
    page = show(few)
    assert drawn(page) == (12, 12, 0, 12)
    assert texts(page, f"{LIMIT} label") == []


LONG = ("wgan-gp-with-0123456789", "relativistic-average-hinge-with-a-margin", "MMMMM-WWWWW-mmmm", "hinge")
ROOM = """
const left = (one) => one.getBoundingClientRect().left;
return [...document.querySelectorAll('#s0-intervals g')].filter((row) => row.querySelector('.name')).map((row) =>
  Math.min(...[...row.querySelectorAll('.dot, .mean, .interval')].map(left))
  - row.querySelector('.name').getBoundingClientRect().right);
"""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows with long names, whose scores lie at the plot's left edge."""
    folder = tmp_path_factory.mktemp("long")
    write_grid(folder / "runs", {name: 1.0 + 30 * (name == "hinge") for name in LONG}, 1)
    return write(folder / "runs", folder / "report.html")


@pytest.mark.parametrize("width", [620, 1200])
def test_long_names_leave_room_for_the_plot(show: Open, long: Path, width: int) -> None:  # noqa: F811
    page = show(long, width=width)
    room = page.execute_script(ROOM)
    assert len(room) == len(LONG)
    assert min(room) > 0


SCORES = """
const [whole, share] = [{decimals: 2, percent: false}, {decimals: 1, percent: true}];
return [-7e-15, 2e-12, -0.001, 0, 1.005e-3].map((value) => score(value, whole)).concat(score(-7e-15, share));
"""


def test_what_is_no_more_than_rounding_is_zero_as_in_tables(show: Open, few: Path) -> None:  # noqa: F811
    found = show(few).execute_script(SCORES)
    assert found == ["0.00", "2.0e-12", "-0.0010", "0.00", "0.0010", "0.0 %"]


TABLE = """
const cells = [...document.querySelectorAll('.comparison tbody tr')].map((row) => row.querySelectorAll('td')[3]);
return cells.map((cell) => [cell.firstChild.data, cell.querySelector('small').textContent].join('  '));
"""


def test_a_chart_writes_the_numbers_of_the_table(show: Open, tmp_path: Path) -> None:  # noqa: F811
    """Also those of more digits than a chart can draw."""
    write_grid(tmp_path / "runs", {"hinge": 1234.567, "vanilla": 2345.678}, 3)
    page = show(write(tmp_path / "runs", tmp_path / "report.html"))
    in_the_table = page.execute_script(TABLE)
    assert len(in_the_table) == 2
    assert texts(page, "#s0-intervals text.value") == in_the_table
