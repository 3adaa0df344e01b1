"""That one column does not mix what two codes computed without a word, whichever score the rows are ranked by."""

import json

import pytest

from ganbench.spec import TrialSpec
from ganbench.store.results import Row
from ganbench.tables import render
from ganbench.tables.code import metric_code, mixed_beside, mixed_code
from ganbench.tables.grouping import Group, build
from ganbench.tables.layout import Layout
from tests.rows import FID, make_row
from tests.trials import component, make_spec

SAID = "the code of the metric is is not the same in all rows, which may be why they differ."


def edited(spec: TrialSpec, **changes: object) -> TrialSpec:
    return spec.model_copy(update={"evaluation": spec.evaluation.model_copy(update=changes)})


@pytest.fixture
def rows() -> list[Row]:
    """Ranked by the FID, whose code is one; that of the IS was changed between the two losses."""
    metrics = (component("fid"), component("is", source="ef" * 32))
    return [
        make_row(spec)
        for seed in range(3)
        for spec in (make_spec("a", seed=seed), edited(make_spec("b", seed=seed), metrics=metrics))
    ]


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_every_score_that_is_shown_tells_of_mixed_code(rows: list[Row], form: str) -> None:
    text = " ".join(render(rows, form).replace("\\", "").split())
    assert text.count(f"IS: {SAID}") == 1
    assert "FID: the code" not in text


def test_a_score_that_is_not_shown_says_nothing(rows: list[Row]) -> None:
    assert SAID not in render(rows, "markdown", layout=Layout(columns=("loss", "fid")))
    for column in ("is", "is:group"):
        assert f"IS: {SAID}" in render(rows, "markdown", layout=Layout(columns=("loss", column)))


def test_the_score_of_the_ranking_says_it_once(rows: list[Row]) -> None:
    assert render(rows, "markdown", layout=Layout(metric="is")).count(SAID) == 1


def test_what_a_program_reads_has_it_too(rows: list[Row]) -> None:
    (table,) = json.loads(render(rows, "json"))
    assert table["conclusions"][-1] == f"IS: {SAID}"


def test_scores_that_share_what_is_mixed_share_a_line() -> None:
    other = edited(make_spec("b"), extractor=component("digits", source="ef" * 32))
    (table,) = build([make_row(make_spec("a")), make_row(other)])
    line = "the code of the extractor digits is not the same in all rows, which may be why they differ."
    assert mixed_beside(table, "") == [f"FID, IS: {line}"]
    assert mixed_beside(table, "fid") == [f"IS: {line}"]
    assert mixed_beside(table, "fid", ["fid"]) == []


def test_a_value_is_of_the_metric_that_its_result_names() -> None:
    """``fid_x`` of the metric ``mine`` begins with the name of another; an older result leaves it at that."""
    spec = make_spec("a", metrics=("fid", "mine[k=3]"))
    for owner, named in (("mine[k=3]", "the metric mine[k=3]"), (None, "the metric fid")):
        row = make_row(spec, values={"fid_x": FID.model_copy(update={"metric": owner})})
        failed = make_row(spec, "failed", values={})
        assert list(metric_code(Group([failed, row]), "fid_x")) == [named, "the extractor digits"]


def test_a_value_that_nothing_tells_the_metric_of_may_be_of_any() -> None:
    group = Group([make_row(make_spec("a", metrics=("fid", "kid")))])
    assert list(metric_code(group, "quality")) == ["the metric fid", "the metric kid", "the extractor digits"]


def test_equal_text_in_two_packages_is_not_one_code() -> None:
    """It may import what differs between them."""
    theirs = edited(make_spec("b"), extractor=component("digits", plugin="theirs"))
    (table,) = build([make_row(make_spec("a")), make_row(theirs)])
    assert mixed_beside(table, "fid")[0].startswith("IS: the code of the extractor digits is not the same in all rows")


def test_what_is_said_of_code_is_one_line_whatever_things_are_called() -> None:
    rows = []
    for source in ("ab" * 32, "ef" * 32):
        spec = edited(make_spec("a"), metrics=(component("fid", label="fid\n\x1b[2J", source=source),))
        values = {"fid": FID.model_copy(update={"label": "F\nID"})}
        rows.append(Group([make_row(spec, values=values)]))
    (line,) = mixed_code(rows, rows[0].first.values)
    assert line == "F ID: the code of the metric fid is not the same in all rows, which may be why they differ."
