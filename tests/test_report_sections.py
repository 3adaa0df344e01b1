"""A section of the report: how pairs are judged, and of how many seeds a best value is."""

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganbench.report.sections import Cell, section
from ganbench.store.results import Row, read_rows
from ganbench.tables import render
from ganbench.tables.grouping import build
from tests.rows import HIGH, LOW, make_row, rows_of
from tests.trials import component, make_spec, make_trial


def test_pairs_are_judged_as_tie_groups_are() -> None:
    """Four rows of five seeds: the best beats the worst, which the correction over all six pairs would not say."""
    near = [(1.0, 1.1, 1.2, 1.9, 2.15), (1.05, 1.15, 1.25, 2.05, 2.2), (1.07, 1.17, 1.27, 2.07, 2.25)]
    rows = [row for name, scores in zip("abc", near, strict=True) for row in rows_of(name, scores)]
    (table,) = build([*rows, *rows_of("d", (2.0, 2.1, 2.2, 2.3, 2.4))])
    found = section(table, "s", base=Path(), alpha=0.05)
    ranking = found.ranking
    assert ranking is not None
    (pair,) = (pair for pair in ranking.pairs if ranking.separates(pair))
    assert pair.adjusted > 0.05
    assert "d is worse" in found.conclusions["fid"][0]
    names = [line.name for line in found.compared]
    matches = dict(zip(itertools.product(names, names), itertools.chain(*found.matches), strict=True))
    told = {both for both, match in matches.items() if match and match.significant}
    assert told == {("a", "d"), ("d", "a")}
    sentences = {both: match.sentence for both, match in matches.items() if match}
    assert "They differ. Two-sided exact rank test: p = 0.0317, 0.19 after Holm" in sentences["a", "d"]
    assert "No difference is shown; about 12 seeds" in sentences["b", "d"]
    written = {both: (match.p, match.adjusted, match.seeds) for both, match in matches.items() if match}
    assert written["a", "d"] == written["d", "a"] == ("0.0317", "0.19", "enough")
    assert written["b", "d"][-1] == "12"
    (record,) = json.loads(render([row for group in table.groups for row in group.rows], "json"))
    pairs = record["comparisons"]["pairs"]
    assert [each["separated"] for each in pairs] == [each is pair for each in ranking.pairs]


def test_a_best_value_says_of_how_many_seeds_it_is() -> None:
    (table,) = build([*rows_of("a", (1.0, 1.1, None)), *rows_of("b", (2.0, 2.1, 2.2)), *rows_of("c", (3.0, math.inf))])
    found = section(table, "s", base=Path(), alpha=0.05)
    place = [heading for heading, _ in found.headings].index("best FID")
    assert [(line.cells[place].text, line.cells[place].note) for line in found.lines] == [
        ("1.05", "n=2"), ("2.10", ""), ("3.00", "n=1")
    ]  # fmt: skip


def test_how_a_value_is_read_may_be_said_by_another_trial() -> None:
    first, second = rows_of("a", (1.0, 1.1))
    (table,) = build([first, replace(second, values={})])
    (line,) = section(table, "s", base=Path(), alpha=0.05).lines
    assert [trial.value for trial in line.trials] == ["1.00", "1.10"]


def test_a_section_compares_the_best_rows() -> None:
    (table,) = build([row for index in range(35) for row in rows_of(f"loss{index}", [index, index + 0.5])])
    found = section(table, "s", base=Path(), alpha=0.05)
    assert found.ranking is not None
    assert [line.name for line in found.compared] == [found.ranking.names[index] for index in found.ranking.order[:30]]
    assert [len(line) for line in found.matches] == [30] * 30
    for place, line in enumerate(found.matches):
        assert [index for index, match in enumerate(line) if match is None] == [place]
    first = found.matches[0][1]
    assert first is not None
    assert first.sentence.startswith(f"A seed of {found.compared[0].name} beats one of {found.compared[1].name} ")


def test_baselines_and_rows_without_scores_are_told_apart_by_their_architecture() -> None:
    def made(architecture: str, status: str = "done", **options: Any) -> Row:
        spec = make_spec(**options)
        parts = {"architecture": component(architecture)} if spec.architecture else {}
        return make_row(spec.model_copy(update=parts), status)

    frame = [made("dcgan", baseline="untrained"), made("-", baseline="real")]
    (table,) = build([made("dcgan"), *frame])
    names = [line.name for line in section(table, "s", base=Path(), alpha=0.05).lines]
    assert names == ["vanilla", "(real data)", "(untrained)"]
    (table,) = build([made("dcgan"), made("mlp"), *frame, made("mlp", baseline="untrained")])
    names = [line.name for line in section(table, "s", base=Path(), alpha=0.05).lines]
    assert names[2:] == ["(real data)", "(untrained) · dcgan", "(untrained) · mlp"]
    (table,) = build([replace(made(name, "failed"), values={}, metrics={}) for name in ("dcgan", "mlp")])
    assert [line.name for line in section(table, "s", base=Path(), alpha=0.05).lines] == [
        "vanilla · dcgan",
        "vanilla · mlp",
    ]


def test_a_row_says_its_values_their_intervals_and_what_it_cost() -> None:
    (table,) = build([*rows_of("a", (1.0, 1.1, 1.2, None)), *rows_of("b", (2.0,))])
    found = section(table, "s3", base=Path(), alpha=0.1)
    assert found.headings == (
        ("FID", "lower is better"),
        ("IS", "higher is better"),
        ("best FID", "lower is better; the best over a trial's evaluations"),
        ("images/s", "real images per second of training"),
        ("time", "seconds in all"),
        ("memory", ""),
    )
    first, second = found.lines
    summary = table.groups[0].metric("fid")
    assert summary is not None
    interval = summary.interval(0.9)
    assert interval is not None
    assert first.cells[0] == Cell("1.10", f"[{interval.low:.2f}, {interval.high:.2f}] n=3", repr(summary.mean))
    assert [cell.text for cell in first.cells] == ["1.10", "8.00", "1.10", "12,346", "3 m 21 s", "–"]
    assert first.cells[2].note == "n=3"
    assert [cell.note for cell in second.cells] == [""] * 6
    assert [float(cell.key) for cell in second.cells[:-1]] == [2.0, 8.0, 2.0, 12345.6, 201.4]
    assert second.cells[-1] == Cell("–")
    assert [(line.key, line.name, line.index, line.colour, line.tie) for line in found.lines] == [
        ("s3r0", "a", 0, 0, found.ranking.ties[0]), ("s3r1", "b", 1, 1, found.ranking.ties[1]),  # type: ignore[union-attr]
    ]  # fmt: skip
    assert (found.key, found.level, found.title) == ("s3", 0.9, "digits · dcgan")


def test_baselines_come_last_and_have_no_place() -> None:
    real = make_row(make_spec(baseline="real"), fid=0.1)
    untrained = make_row(make_spec(baseline="untrained"), fid=90.0)
    (table,) = build([real, untrained, *rows_of("a", (1.0, 1.1)), *rows_of("b", (3.0, 3.1))])
    found = section(table, "s", base=Path(), alpha=0.05)
    assert [line.baseline for line in found.lines] == ["", "", "real", "untrained"]
    assert [line.name for line in found.ranked] == ["a", "b"]
    assert [(line.index, line.tie) for line in found.lines[2:]] == [(None, None)] * 2
    best = [heading for heading, _ in found.headings].index("best FID")
    assert [line.cells[best].text for line in found.lines[2:]] == ["–", "–"]
    assert set(found.recipes.values) == {"sr0", "sr1"}


def test_whichever_score_is_looked_at_that_others_are_by_several_codes_is_told() -> None:
    other = make_spec("b")
    metrics = (component("fid"), component("is", source="ef" * 32))
    other = other.model_copy(update={"evaluation": other.evaluation.model_copy(update={"metrics": metrics})})
    (table,) = build([make_row(make_spec("a")), make_row(other)])
    found = section(table, "s", base=Path(), alpha=0.05).conclusions
    said = "the code of the metric is is not the same in all rows, which may be why they differ."
    assert found["fid"][-1] == f"IS: {said}"
    assert sum(said in line for line in found["is"]) == 1


def test_what_a_dataset_or_an_architecture_is_called_is_harmless_in_a_title() -> None:
    row = make_row(make_spec("a"))
    (table,) = build([replace(row, spec=row.spec.model_copy(update={"architecture": component("\x1b[1mdcgan\x07")}))])
    assert section(table, "s", base=Path(), alpha=0.05).title == "digits · dcgan"


@pytest.mark.parametrize(("alpha", "separated"), [(0.05, True), (0.0005, False)])
def test_whether_any_row_is_worse(alpha: float, separated: bool) -> None:
    rows = [*rows_of("a", LOW), *rows_of("b", HIGH)]
    assert section(build(rows)[0], "s", base=Path(), alpha=alpha).separated is separated


def test_without_a_ranking_rows_stand_as_they_came_and_failures_are_told() -> None:
    rows = [*rows_of("a", (math.nan,)), *rows_of("b", (math.inf,), architecture="mlp")]
    (table,) = build([replace(row, values={}) for row in rows])
    found = section(table, "s", base=Path(), alpha=0.05)
    assert [(line.index, line.name) for line in found.lines] == [(0, "a · dcgan"), (1, "b · mlp")]
    assert (found.ranking, found.matches, found.compared, found.separated) == (None, (), (), False)
    assert found.title == "digits"
    assert [trial.row.status for trial in found.failures] == ["failed", "diverged"]
    assert [trial.value for trial in found.failures] == ["–", "–"]


def test_links_are_to_the_files_that_are_there(tmp_path: Path) -> None:
    folder = make_trial(tmp_path / "runs #1", make_spec())
    folder.log.write_text("said")
    (row,) = read_rows(tmp_path / "runs #1")[0]
    page = tmp_path / "pages"
    page.mkdir()
    ((made,),) = (line.trials for line in section(build([row])[0], "s", base=page, alpha=0.05).lines)
    name = f"../runs%20%231/{folder.trial_id}"
    assert made.links == (
        ("log", f"{name}/worker.log"), ("result", f"{name}/result.json"), ("spec", f"{name}/spec.json"),
    )  # fmt: skip
    assert (made.value, made.seconds) == ("1.50", "3 m 21 s")
