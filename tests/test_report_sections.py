"""A section of the report: how pairs are judged, and of how many seeds a best value is."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganbench.report.sections import section
from ganbench.store.results import Row
from ganbench.tables import render
from ganbench.tables.grouping import build
from tests.rows import make_row, rows_of
from tests.trials import component, make_spec


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
    (table,) = build([*rows_of("a", (1.0, 1.1, None)), *rows_of("b", (2.0, 2.1, 2.2))])
    found = section(table, "s", base=Path(), alpha=0.05)
    place = [heading for heading, _ in found.headings].index("best FID")
    assert [(line.cells[place].text, line.cells[place].note) for line in found.lines] == [("1.05", "n=2"), ("2.10", "")]


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
