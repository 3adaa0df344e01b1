"""Tables: what stands in which, what a cell says, and that no foreign text breaks a format."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_results import component, make_protocol, make_spec, make_trial

from ganbench.cleaning import clean
from ganbench.errors import UsageError
from ganbench.results import Best, Row, ValueInfo, read_row, read_rows
from ganbench.spec import TrialSpec
from ganbench.tables import FORMATS, render
from ganbench.tables.grouping import build
from ganbench.tables.wording import duration, headline, number, rate, spread

FID = ValueInfo(label="FID", direction="lower")
IS = ValueInfo(label="IS", direction="higher")


def make_row(
    spec: TrialSpec, status: str = "done", fid: float | None = 1.5, *, result: bool = True, **changes: Any
) -> Row:
    """A row without a folder behind it."""
    done = status == "done"
    row = Row(
        trial_id=spec.trial_id,
        folder=Path("runs") / spec.trial_id,
        spec=spec,
        loss=spec.loss_label,
        architecture=spec.architecture_label,
        dataset=spec.data.component.label,
        seed=spec.seed,
        baseline=spec.baseline,
        status=status,
        reason="" if done else "it broke",
        metrics={"fid": fid, "is": 8.0} if done else {},
        best={"fid": Best(value=fid, step=500)} if done and fid is not None else {},
        area={},
        values={"fid": FID, "is": IS},
        protocol=make_protocol(spec) if result else None,
        recipe=spec.recipe.model_dump(mode="json"),
        components={},
        cost={"images_per_second": 12345.6, "seconds": 201.4} if done else {},
    )
    return replace(row, **changes)


def cells(text: str) -> list[dict[str, str]]:
    """The first table of a Markdown text."""
    lines = [line for line in text.split("\n\n")[0].splitlines() if line.startswith("|")]
    table = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [dict(zip(table[0], row, strict=True)) for row in table[2:]]


def test_several_seeds_are_one_row_with_mean_and_spread() -> None:
    rows = [make_row(make_spec(seed=seed), fid=value) for seed, value in enumerate((1.0, 2.0, 3.0))]
    (line,) = cells(render(rows, "markdown"))
    assert line["FID"] == "2.00 ± 1.00"
    assert line["best FID"] == "2.00 ± 1.00"
    assert line["seeds"] == "3"
    assert line["status"] == "done"
    assert line["images/s"] == "12,346"
    assert line["time"] == "3 m 21 s"


def test_one_seed_has_no_spread_and_no_seeds_column() -> None:
    (line,) = cells(render([make_row(make_spec())], "markdown"))
    assert line["FID"] == "1.50"
    assert "seeds" not in line
    assert list(line) == ["loss", "architecture", "dataset", "FID", "IS", "best FID", "status", "images/s", "time"]


def test_failed_seeds_are_counted_and_explained() -> None:
    rows = [make_row(make_spec(seed=seed)) for seed in range(3)]
    rows.append(make_row(make_spec(seed=3), "diverged", reason="NaN at step 5"))
    rows.append(make_row(make_spec(seed=4), "failed", result=False, reason="boom", log=("ValueError: deep",)))
    text = render(rows, "markdown")
    (line,) = cells(text)
    assert line["status"] == "done 3/5, diverged 1, failed 1"
    assert line["seeds"] == "3/5"
    assert "NaN at step 5" in text
    assert re.search("`boom`.*\n    - `ValueError: deep`", text)
    assert rows[4].trial_id in text


def test_a_value_missing_in_a_done_trial_is_said() -> None:
    rows = [make_row(make_spec(seed=seed), fid=value) for seed, value in enumerate((1.0, None, 3.0))]
    (line,) = cells(render(rows, "markdown"))
    assert line["FID"] == "2.00 ± 1.41 (n=2)"
    assert line["status"] == "done"


def test_nothing_but_failures_is_a_table_too() -> None:
    for result in (True, False):
        text = render([make_row(make_spec(), "failed", result=result)], "table")
        assert "failed" in text
        assert "it broke" in text
        assert "FID" not in text.splitlines()[0]


def test_protocols_are_never_mixed() -> None:
    rows = [make_row(make_spec(seed=0)), make_row(make_spec(steps=5000)), make_row(make_spec(dataset="mnist"))]
    rows += [make_row(make_spec(ema_decay=0.99)), make_row(make_spec(num_samples=50))]
    tables = build(rows)
    assert len(tables) == 5
    text = render(rows, "table")
    for row in rows:
        assert row.protocol is not None
        assert text.count(row.protocol.sentence()) == 1


def test_versions_of_the_metric_library_are_protocols() -> None:
    spec = make_spec()
    newer = make_row(make_spec(seed=1), protocol=make_protocol(spec, "0.5.0"))
    assert len(build([make_row(spec), newer])) == 2


def test_a_trial_without_a_result_stands_where_its_specification_belongs() -> None:
    here, there = make_row(make_spec()), make_row(make_spec(steps=5000))
    lost = make_row(make_spec("hinge", steps=5000), "failed", result=False)
    tables = build([here, lost, there])
    assert [[group.first.loss for group in table.groups] for table in tables] == [["vanilla"], ["hinge", "vanilla"]]
    alone = build([here, make_row(make_spec(dataset="mnist"), "failed", result=False)])
    assert len(alone) == 2
    assert alone[1].protocol is None
    assert "no trial has a result" in alone[1].sentence


def test_baselines_stand_beneath_every_table_they_measure_alike() -> None:
    frame = [make_row(make_spec(baseline=kind), fid=value) for kind, value in (("untrained", 600.0), ("real", 0.1))]
    rows = [*frame, make_row(make_spec()), make_row(make_spec(steps=5000)), make_row(make_spec(num_samples=50))]
    tables = build(rows)
    assert [len(table.baselines) for table in tables] == [2, 2, 0]
    assert [group.first.baseline for group in tables[0].baselines] == ["real", "untrained"]
    lines = render(rows[:3], "table").splitlines()
    assert lines[4].startswith("(real data)")
    assert not lines[3].strip()
    assert "best" in lines[0]
    assert cells(render(rows[:3], "markdown"))[1]["best FID"] == "-"


def test_baselines_without_company_have_a_table() -> None:
    (table,) = build([make_row(make_spec(baseline="real"))])
    assert (len(table.groups), len(table.baselines)) == (0, 1)
    for name in FORMATS:
        assert "real" in render([make_row(make_spec(baseline="real"))], name)


def test_namesakes_are_told_apart() -> None:
    rows = [make_row(make_spec(n_critic=n, d_lr=lr)) for n, lr in ((1, 2e-4), (5, 1e-4))] + [
        make_row(make_spec("lsgan"))
    ]
    recipes = [line["recipe"] for line in cells(render(rows, "markdown"))]
    assert recipes == [r"n\_critic=1 d\_lr=0.0002", r"n\_critic=5 d\_lr=0.0001", ""]


def test_versions_of_a_loss_are_told_apart() -> None:
    old = make_row(make_spec(component("vanilla", version="0.1", source="aa" * 32)))
    new = make_row(make_spec(component("vanilla", version="0.2", source="bb" * 32)))
    assert [line["recipe"] for line in cells(render([old, new], "markdown"))] == [
        "loss.version=0.1",
        "loss.version=0.2",
    ]
    edited = make_row(make_spec(component("vanilla", version="0.1", source="bb" * 32)))
    recipes = [line["recipe"] for line in cells(render([old, edited], "markdown"))]
    assert recipes == ["loss.source=aaaaaaaa", "loss.source=bbbbbbbb"]


def test_warnings_are_said_once() -> None:
    rows = [make_row(make_spec(seed=seed), warnings=("batch norm",)) for seed in range(3)]
    assert render(rows, "table").count("batch norm") == 1


def test_several_kinds_of_devices_are_said() -> None:
    rows = [make_row(make_spec(seed=seed), device=name) for seed, name in enumerate(("A100", "H100", "A100"))]
    assert "times and speeds: not comparable, trials ran on several kinds of devices: A100 (2), H100 (1)" in render(
        rows, "table"
    )
    assert "not comparable" not in render(rows[:1], "table")


@pytest.mark.parametrize("width", [20, 60, 80, 200, None])
def test_numbers_are_never_cut(width: int | None) -> None:
    rows = [
        make_row(make_spec(f"a-rather-long-loss-name-{n}[lambda_gp=10]+r1[gamma=0.1]", seed=seed), fid=1234.5 + seed)
        for n in range(2)
        for seed in range(2)
    ]
    text = render(rows, "table", width=width)
    assert text.count("1235.00 ± 0.71") == 4
    assert text.count("3 m 21 s") == 2
    assert "…" not in text


def test_colour_only_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    rows = [make_row(make_spec()), make_row(make_spec("hinge"), "failed")]
    assert "\x1b" not in render(rows, "table")
    monkeypatch.delenv("FORCE_COLOR")
    assert "\x1b[32m" in render(rows, "table", colour=True)


HOSTILE = (
    "=cmd|'/c calc'!A1 \x1b[31mred\x1b[0m \x1b]8;;http://x\x07link | a_b*c*`d` <script> [bold]x[/bold]\n\r"
    "& % $ # {z} ~^ \u202eevil\x9b5m"
)


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


def test_latex_is_booktabs() -> None:
    text = render([make_row(make_spec(seed=seed), fid=1.0 + seed) for seed in range(2)], "latex")
    assert r"\toprule" in text
    assert r"1.50 $\pm$ 0.71" in text
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 1
    assert r"\caption{digits: 1000 fakes" in text


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


def test_percentages() -> None:
    info = ValueInfo(label="high quality", direction="higher", decimals=1, percent=True)
    assert spread(0.973, 0.004, info) == "97.3 ± 0.4 %"
    assert spread(0.973, None, info) == "97.3 %"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.234, "1.23"), (0.0, "0.00"), (0.0004, "0.0004"), (-0.001, "-0.001"), (609.123, "609.12"), (1e12, "1e+12")],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value, FID) == text


def test_durations_and_rates() -> None:
    seconds = {None: "-", -1.0: "-", 0.44: "0.4 s", 12.3: "12 s", 59.6: "1 m 00 s", 201.4: "3 m 21 s"}
    seconds |= {7500.0: "2 h 05 m", 1e5: "1 d 03 h", float("nan"): "-"}
    assert {value: duration(value) for value in seconds} == seconds
    assert [rate(value) for value in (None, 9.87, 12345.6)] == ["-", "9.9", "12,346"]


def test_the_headline_is_the_first_of_which_less_is_better() -> None:
    assert headline({"is": IS, "fid": FID}) == "fid"
    assert headline({"is": IS}) == "is"
    assert headline({"n": ValueInfo(label="n", direction=None)}) is None


@given(st.text())
def test_clean_text_is_one_line_that_prints(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.isprintable() or all(character.isspace() for character in cleaned if not character.isprintable())
    assert "\n" not in cleaned
    cleaned.encode("utf-8")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["vanilla", "hinge"]),
            st.sampled_from(["digits", "mnist"]),
            st.integers(0, 3),
            st.sampled_from([100, 200]),
            st.sampled_from(["done", "diverged", "failed", "pending"]),
            st.sampled_from(["", "", "real", "untrained"]),
        ),
        max_size=12,
        unique_by=lambda item: (item[:4], item[5]),
    )
)
def test_every_trial_is_counted_once(drawn: list[tuple[str, str, int, int, str, str]]) -> None:
    rows = {}
    for loss, dataset, seed, steps, status, baseline in drawn:
        spec = make_spec(loss, dataset=dataset, seed=seed, steps=steps, baseline=baseline)
        rows[spec.trial_id] = make_row(spec, status, result=status in ("done", "diverged"))
    tables = build(list(rows.values()))
    trials = [row.trial_id for table in tables for group in table.groups for row in group.rows]
    assert sorted(trials) == sorted(name for name, row in rows.items() if not row.baseline)
    framing = {row.trial_id for table in tables for group in table.baselines for row in group.rows}
    assert framing == {name for name, row in rows.items() if row.baseline}
    for table in tables:
        keys = {row.protocol.key for group in table.groups for row in group.rows if row.protocol}
        assert len(keys) <= 1
    counted = sum(int(line["trials"]) for line in csv.DictReader(io.StringIO(render(list(rows.values()), "csv"))))
    assert counted == sum(len(group.rows) for table in tables for group in table.all_groups)
