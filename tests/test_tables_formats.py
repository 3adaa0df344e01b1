"""Formats: what each of them holds, and that no foreign text breaks one."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ganbench.cli import options
from ganbench.errors import UsageError
from ganbench.statistics import superiority
from ganbench.store.results import read_row, read_rows
from ganbench.store.values import ValueInfo
from ganbench.tables import FORMATS, render, sheets
from ganbench.tables.grouping import build
from ganbench.tables.layout import Layout
from tests.rows import HIGH, HOSTILE, cells, make_row, rows_of
from tests.trials import component, make_spec, make_trial


def test_the_command_line_offers_the_formats_there_are() -> None:
    assert options.FORMATS == FORMATS


@pytest.mark.parametrize("width", [20, 60, 80, 200, None])
def test_numbers_are_never_cut(width: int | None) -> None:
    rows = [
        make_row(make_spec(f"a-rather-long-loss-name-{n}[lambda_gp=10]+r1[gamma=0.1]", seed=seed), fid=1234.5 + seed)
        for n in range(2)
        for seed in range(2)
    ]
    text = render(rows, "table", width=width, layout=Layout(columns=("loss", "seeds", "fid", "is", "fid:best", "time")))
    assert text.count("1235.00 ± 0.71") == 4
    assert text.count("3 m 21 s") == 2
    assert "…" not in text


def test_colour_only_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    rows = [make_row(make_spec()), make_row(make_spec("hinge"), "failed")]
    assert "\x1b" not in render(rows, "table")
    monkeypatch.delenv("FORCE_COLOR")
    assert "\x1b[32m" in render(rows, "table", colour=True)


def test_hostile_names_and_reasons_break_no_format() -> None:
    rows = [
        make_row(make_spec(component(HOSTILE, label=HOSTILE)), "failed", reason=HOSTILE, log=(HOSTILE,)),
        make_row(make_spec()),
    ]
    for name in FORMATS:
        text = render(rows, name)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), name
    assert "[bold]x[/bold]" in render(rows, "table")

    markdown = render(rows, "markdown")
    assert len(cells(markdown)) == 2
    assert "<script>" not in re.sub(r"`[^`]*`", "", markdown).replace(r"\<script\>", "")

    parsed = list(csv.DictReader(io.StringIO(render(rows, "csv"))))
    assert len(parsed) == 2
    assert parsed[0]["loss"].startswith("'=cmd")
    assert json.loads(render(rows, "json"))[0]["rows"][0]["loss"] == HOSTILE

    body = render(rows, "latex")
    assert r"\$ \# \{z\}" in body
    assert re.search(r"(?<!\\)[%&_#$]", body.split(r"\caption")[1].split("\n", 1)[1].replace(r"$\pm$", "")) is None


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "\t=", "\r\n+", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\u200b="]
)
def test_no_cell_begins_like_a_formula(sign: str) -> None:
    row = make_row(make_spec(component("a", label=f"{sign}1+1")))
    (line,) = csv.reader(io.StringIO(render([row], "csv").split("\n", 1)[1]))
    assert any("1+1" in cell for cell in line)
    assert all(cell.startswith("'") for cell in line if cell.endswith("1+1"))


def test_csv_has_numbers_and_one_line_per_group() -> None:
    rows = [make_row(make_spec(seed=seed), fid=1.0 + seed) for seed in range(2)]
    rows += [make_row(make_spec("hinge"), "diverged"), make_row(make_spec(steps=9))]
    lines = list(csv.DictReader(io.StringIO(render(rows, "csv"))))
    assert len(lines) == 3
    assert float(lines[0]["fid"]) == 1.5
    assert float(lines[0]["fid_sd"]) == pytest.approx(0.7071, abs=1e-4)
    assert lines[0]["fid_n"] == "2"
    assert (lines[1]["fid"], lines[1]["fid_n"], lines[1]["diverged"]) == ("", "0", "1")
    assert lines[2]["fid_sd"] == ""
    assert lines[0]["protocol"] != lines[2]["protocol"]


def test_json_has_every_seed() -> None:
    rows = [make_row(make_spec(seed=seed), fid=1.0 + seed) for seed in range(2)]
    (table,) = json.loads(render(rows, "json"))
    assert table["protocol"]["dataset"] == "digits"
    assert [trial["metrics"]["fid"] for trial in table["rows"][0]["seeds"]] == [1.0, 2.0]
    assert table["rows"][0]["metrics"]["fid"] == {
        "mean": 1.5,
        "sd": pytest.approx(0.7071, abs=1e-4),
        "median": 1.5,
        "n": 2,
    }


class Reader(HTMLParser):
    """The rows of the first table of a page, each with its class, and the texts of paragraphs and items in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[tuple[str, list[str]]] = []
        self.notes: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        if tag == "tr":
            self.rows.append((dict(attrs).get("class") or "", []))
        elif tag in ("th", "td"):
            self.rows[-1][1].append("")
        elif tag in ("p", "li"):
            self.notes.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "each element ends before the one that it is in"

    def handle_data(self, data: str) -> None:
        if {"th", "td"} & set(self.open):
            self.rows[-1][1][-1] += data
        elif {"p", "li"} & set(self.open):
            self.notes[-1] += data


def test_an_html_page_says_what_the_sheet_does() -> None:
    failed = make_row(make_spec("hinge"), "failed", reason="<b>boom</b>", log=("first", "last"), samples=Path("a.png"))
    rows = [make_row(make_spec(), warnings=("mind & see",)), failed, make_row(make_spec(baseline="real"), fid=0.1)]
    (page,) = sheets(build(rows), Layout())
    read = Reader(render(rows, "html"))
    assert read.open == []
    assert read.rows[0] == ("", [column.titled for column in page.columns])
    assert [cells for _, cells in read.rows[1:]] == page.rows
    assert [kind for kind, _ in read.rows] == ["", "", "", "baseline"]
    first, second = page.notes
    assert read.notes == [
        *page.sentences,
        "Samples: a.png",
        f"failed: {first.whose}: <b>boom</b> ({first.path})",
        "first",
        "last",
        f"warning: {second.whose}: mind & see",
    ]
    assert Reader(render(rows[:1], "html")).notes == [*page.sentences, f"warning: {second.whose}: mind & see"]


def test_latex_is_booktabs() -> None:
    text = render([make_row(make_spec(seed=seed), fid=1.0 + seed) for seed in range(2)], "latex")
    assert r"\toprule" in text
    assert r"1.50 $\pm$ 0.71" in text
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 1
    assert r"\caption{digits: 1000 fakes" in text


def test_a_heading_says_which_way_is_better() -> None:
    rows = [make_row(make_spec(seed=seed), fid=1.0 + seed) for seed in range(3)]
    layout = Layout(columns=("loss", "fid", "fid:median", "fid:best", "fid:ci", "is", "time"))
    head = "loss | FID ↓ | FID median ↓ | best FID ↓ | FID 95 % | IS ↑ | time"
    assert render(rows, "markdown", layout=layout).startswith(f"| {head} |\n| :--- |{' ---: |' * 6}\n")
    assert re.split(r"  +", render(rows, "table", layout=layout).splitlines()[0]) == head.split(" | ")
    columns = head.replace("↓", r"$\downarrow$").replace("↑", r"$\uparrow$").replace("%", r"\%").split(" | ")
    assert " & ".join(columns) + r" \\" in render(rows, "latex", layout=layout)
    page = render(rows, "html", layout=layout)
    assert '<th scope="col" class="n" title="lower is better">best FID ↓</th>' in page
    assert '<th scope="col" class="n" title="higher is better">IS ↑</th>' in page
    assert not set("↓↑") & set(render(rows, "csv", layout=layout) + render(rows, "json", layout=layout))


def test_no_trials_and_no_such_format() -> None:
    for name in FORMATS:
        render([], name)
    assert json.loads(render([], "json")) == []
    with pytest.raises(UsageError, match="did you mean 'markdown'"):
        render([], "markdwn")


def test_the_path_of_the_samples(tmp_path: Path) -> None:
    folders = [make_trial(tmp_path, make_spec(seed=seed)) for seed in range(2)]
    for folder in folders:
        folder.samples.write_bytes(b"x")
    text = render(read_rows(tmp_path)[0], "table")
    assert f"samples: {tmp_path / '*' / 'samples.png'}" in text
    assert f"samples: {folders[0].samples}" in render([read_row(folders[0])], "table")


def test_json_has_both_ends_of_a_probability_and_the_level() -> None:
    rows = [*rows_of("a", (1.0, 1.1, 1.2, 1.3, 2.05)), *rows_of("b", HIGH)]
    (table,) = json.loads(render(rows, "json", layout=Layout(alpha=0.01)))
    found = superiority((1.0, 1.1, 1.2, 1.3, 2.05), HIGH)
    (pair,) = table["comparisons"]["pairs"]
    assert table["comparisons"]["alpha"] == 0.01
    ends = (pair["probability_low"], pair["probability_a_beats_b"], pair["probability_high"])
    assert ends == pytest.approx((found.low, found.probability, found.high), rel=1e-5)
    assert ends[0] < ends[1] < ends[2]


@pytest.mark.parametrize("percent", [False, True])
@pytest.mark.parametrize("values", [(1.7e308, 1.6e308, 1.75e308), (1.7e308, -1.7e308, 0.0), (1.7e308,) * 6])
def test_the_largest_numbers_are_written_in_every_format(values: tuple[float, ...], percent: bool) -> None:
    info = ValueInfo(label="X", direction="lower", percent=percent)
    rows = [
        make_row(make_spec(loss, seed=seed), fid=value * share, values={"fid": info, "is": info})
        for loss, share in (("a", 1.0), ("b", 0.5))
        for seed, value in enumerate(values)
    ]
    for layout in (Layout(columns=("all",)), Layout(wide=True), Layout(sort="fid")):
        for form in FORMATS:
            text = render(rows, form, layout=layout)
            assert re.search(r"e\+3\d\d", text), form
            assert not re.search(r"\b(inf|nan|infinity)\b", text, re.IGNORECASE), form
