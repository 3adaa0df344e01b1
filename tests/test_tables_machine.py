"""CSV and JSON, which programs read: both hold the same numbers, and what is documented is there whatever the rows."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganbench.store.results import Row
from ganbench.tables import render
from ganbench.tables.grouping import build
from ganbench.tables.layout import COSTS, Layout
from ganbench.tables.ranking import Ranking, rank
from tests.rows import HIGH, LOW, make_row, rows_of
from tests.trials import make_spec

SCORES = ("fid", "is")


def several() -> list[Row]:
    """Two recipes of one loss, a third row of which no seed is done, and real data."""
    rows = [
        replace(
            make_row(make_spec("vanilla", seed=seed, n_critic=n_critic), fid=fid),
            cost={name: 10.0 * seed + n_critic + place for place, name in enumerate(COSTS.values())},
            area={"fid": 3.0 + seed},
        )
        for n_critic, values in ((1, LOW), (5, HIGH))
        for seed, fid in enumerate(values)
    ]
    rows += [make_row(make_spec("hinge", seed=0), "diverged", reason="NaN", log=("a line",), warnings=("mind",))]
    rows += [make_row(make_spec("hinge", seed=1), "out-of-memory", samples=Path("x/samples.png"))]
    return [*rows, make_row(make_spec(baseline="real"), fid=0.1)]


def lines_of(rows: list[Row], layout: Layout | None = None) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render(rows, "csv", layout=layout))))


def cell(value: object) -> str:
    return "" if value is None else str(value)


def test_csv_and_json_hold_the_same() -> None:
    lines = lines_of(several())
    (table,) = json.loads(render(several(), "json"))
    for line, row in zip(lines, table["rows"], strict=True):
        assert (line["protocol"], line["protocol_text"]) == (table["protocol_key"], table["protocol_text"])
        for name in ("loss", "architecture", "dataset", "baseline", "status"):
            assert line[name] == ("" if row[name] == "-" else row[name])
        assert line["recipe"] == row["recipe_difference"]
        assert line["trials"] == str(row["trials"])
        assert {name: line[name.replace("-", "_")] for name in row["statuses"]} == {
            name: str(count) for name, count in row["statuses"].items()
        }
        assert line["trial_ids"].split() == [seed["trial_id"] for seed in row["seeds"]]
        held = {name: row["metrics"][name] for name in SCORES}
        held |= {f"best_{name}": row["best"][name] for name in SCORES}
        for name, summary in (held | row["costs"]).items():
            found: dict[str, Any] = summary or {"mean": None, "sd": None, "median": None, "n": 0}
            told = (line[name], line[f"{name}_sd"], line[f"{name}_n"])
            assert told == (cell(found["mean"]), cell(found["sd"]), cell(found["n"])), name
            if name in SCORES:
                assert line[f"{name}_median"] == cell(found["median"])
        for name in SCORES:
            interval = row["intervals"][name] or {}
            ends = tuple(line[f"{name}_{end}"] for end in ("low", "high", "interval"))
            assert ends == tuple(cell(interval.get(end)) for end in ("low", "high", "interval"))
            assert line[f"{name}_group"] == cell(row["tie_groups"].get(name))
    assert set(table["rows"][0]["costs"]) == set(COSTS.values())
    assert table["rows"][0]["recipe"]["n_critic"] == 1
    assert table["rows"][0]["components"]["loss"]["version"] == "0.1"
    assert lines[2]["reasons"] == "seed 0: diverged: NaN; seed 1: out-of-memory: it broke"


def test_json_holds_all_that_is_known_of_every_seed() -> None:
    given = {row.trial_id: row for row in several()}
    (table,) = json.loads(render(several(), "json"))
    assert table["part"] == ""
    assert table["values"]["is"]["direction"] == "higher"
    held = {seed["trial_id"]: seed for row in table["rows"] for seed in row["seeds"]}
    assert held.keys() == given.keys()
    for trial_id, seed in held.items():
        row = given[trial_id]
        for name in ("seed", "status", "reason", "metrics", "area", "cost"):
            assert seed[name] == getattr(row, name), name
        assert seed["best"] == {name: {"value": best.value, "step": best.step} for name, best in row.best.items()}
        assert (seed["log"], seed["warnings"]) == (list(row.log), list(row.warnings))
        assert (seed["path"], seed["samples"]) == (str(row.folder), str(row.samples) if row.samples else None)
        assert row.protocol is not None
        assert seed["protocol_key"] == row.protocol.key


@pytest.mark.parametrize("rows", [rows_of("a", [1.0]), rows_of("a", [None]), rows_of("a", [1.0, 1.0])])
def test_a_csv_file_has_the_same_columns_whatever_there_is_of_its_numbers(rows: list[Row]) -> None:
    assert [*lines_of(rows)[0]] == [*lines_of(several())[0]]


def test_columns_that_are_added_take_none_away() -> None:
    whole = [*lines_of(several())[0]]
    for columns in (("+memory",), ("all",), ("loss", "+fid")):
        assert [*lines_of(several(), Layout(columns=columns))[0]] == whole
    assert len([*lines_of(several(), Layout(columns=("loss", "fid")))[0]]) < len(whole)


def test_a_wide_file_is_of_the_metric_that_was_asked_for() -> None:
    rows = [*rows_of("a", LOW), *rows_of("b", HIGH)]
    first, _ = lines_of(rows, Layout(wide=True, metric="is"))
    (name,) = (name for name in first if name.endswith("_group"))
    assert name.startswith("digits is ")
    assert first[name.removesuffix("_group")] == "8.0"
    assert not any("fid" in heading for heading in first)
    standing, _ = lines_of(rows, Layout(wide=True))
    assert any(heading.startswith("digits fid ") for heading in standing)


def test_a_wide_file_names_rows_as_they_are_called_and_has_no_architecture_for_what_has_none() -> None:
    rows = [*rows_of("-x", LOW), *rows_of("x", HIGH), make_row(make_spec(baseline="real"), fid=0.1)]
    found = [(line["loss"], line["architecture"]) for line in lines_of(rows, Layout(wide=True))]
    assert found == [("'-x", "dcgan"), ("x", "dcgan"), ("(real data)", "")]
    recipes = [(line["loss"], line["recipe"]) for line in lines_of(several(), Layout(wide=True))]
    assert recipes == [("vanilla", "n_critic=1"), ("vanilla", "n_critic=5"), ("hinge", ""), ("(real data)", "")]


def test_no_heading_of_a_wide_file_begins_like_a_formula() -> None:
    (line,) = lines_of(rows_of("a", LOW, dataset="=1+1"), Layout(wide=True))
    (heading,) = (heading for heading in line if heading.endswith("_sd"))
    assert heading.startswith("'=1+1 fid ")
    assert float(line[heading]) > 0


def triple(name: str) -> list[str]:
    return [name, f"{name}_sd", f"{name}_n"]


@pytest.mark.parametrize(
    ("columns", "headings"),
    [
        (("loss", "fid"), ["loss", *triple("fid")]),
        (("fid:best",), triple("best_fid")),
        (("is:median", "fid:ci"), ["fid_low", "fid_high", "fid_interval", "is_median"]),
        (("is:group",), ["is_group"]),
        (("group",), ["fid_group", "is_group"]),
        (("time",), triple("seconds")),
        (("cost",), [heading for cost in COSTS.values() for heading in triple(cost)]),
        (
            ("seeds",),
            ["trials", "done", "pending", "running", "diverged", "failed", "timeout", "out_of_memory", "interrupted"],
        ),
    ],
)
def test_a_csv_file_has_the_chosen_columns_in_its_own_order(columns: tuple[str, ...], headings: list[str]) -> None:
    assert [*lines_of(several(), Layout(columns=columns))[0]] == ["protocol", *headings]


@pytest.mark.parametrize("exact", [True, False])
def test_json_holds_what_is_known_of_every_pair(exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three rows, so that correcting for all pairs makes a difference, of which two are not told apart."""
    monkeypatch.setattr(Ranking, "exact", exact)
    rows = [*rows_of("a", LOW), *rows_of("b", [value + 0.01 for value in LOW]), *rows_of("c", HIGH)]
    (table,) = build(rows)
    ranking = rank(table, "fid", 0.04)
    assert ranking is not None
    (read,) = json.loads(render(rows, "json", layout=Layout(alpha=0.04)))
    found = read["comparisons"]
    assert (found["metric"], found["alpha"]) == ("fid", 0.04)
    assert found["test"] == f"{'exact ' if exact else ''}Wilcoxon-Mann-Whitney, two-sided, Holm over all pairs"
    for each, pair in zip(found["pairs"], ranking.pairs, strict=True):
        assert (each["a"], each["b"], each["p"], each["p_holm"]) == (pair.a, pair.b, pair.p, pair.adjusted)
        chance = [each[f"probability_{name}"] for name in ("a_beats_b", "low", "high")]
        assert chance == pytest.approx(list(pair.superiority), rel=1e-5)
        assert (each["separated"], each["seeds_needed"]) == (ranking.separates(pair), pair.seeds)
    assert any(pair.p != pair.adjusted for pair in ranking.pairs)
    assert {each["separated"] for each in found["pairs"]} == {False, True}
