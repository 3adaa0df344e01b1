"""Layouts: which row of a sorted table comes first, and that parts hold every row there is."""

import math

from ganbench.store.results import Best, Row
from ganbench.tables.grouping import build
from ganbench.tables.layout import Layout, arrange
from tests.rows import LOW, make_row, rows_of
from tests.trials import make_spec


def order(rows: list[Row], sort: str) -> list[str]:
    (table,) = arrange(build(rows), Layout(sort=sort))
    return [group.first.loss for group in table.groups]


def scored(loss: str, fid: float, inception: float, best: float) -> Row:
    found = {"fid": Best(value=best, step=10)}
    return make_row(make_spec(loss), metrics={"fid": fid, "is": inception}, best=found)


def test_scores_of_which_more_is_better_stand_the_highest_first() -> None:
    rows = [scored("a", 1.0, 5.0, 1.0), scored("b", 2.0, 9.0, 2.0)]
    assert (order(rows, "fid"), order(rows, "is"), order(rows, "-is")) == (["a", "b"], ["b", "a"], ["a", "b"])


def test_best_values_are_sorted_as_such() -> None:
    rows = [scored("a", 1.0, 8.0, 0.9), scored("b", 2.0, 8.0, 0.5)]
    assert (order(rows, "fid"), order(rows, "fid:best")) == (["a", "b"], ["b", "a"])


def test_seeds_are_those_that_are_done() -> None:
    rows = [*rows_of("a", LOW), *rows_of("b", [1.0, *[math.inf] * 8])]
    assert (order(rows, "seeds"), order(rows, "-seeds")) == (["b", "a"], ["a", "b"])


def test_a_table_of_baselines_alone_has_one_part() -> None:
    (table,) = arrange(build([make_row(make_spec(baseline="real"))]), Layout(group=("loss",)))
    assert len(table.baselines) == 1


def test_rows_are_told_apart_in_a_part_as_in_the_whole() -> None:
    rows = [make_row(make_spec(loss, steps=1000, d_lr=rate)) for loss in "ab" for rate in (0.1, 0.2)]
    parts = arrange(build(rows), Layout(group=("loss",)))
    assert [part.part for part in parts] == ["loss: a", "loss: b"]
    assert [[group.recipe for group in part.groups] for part in parts] == [["d_lr=0.1", "d_lr=0.2"]] * 2
