"""Average ranks over tables: which tables and rows count, what they are called, and at which level they are judged."""

import math

from ganbench.store.results import Row
from ganbench.tables.grouping import build
from ganbench.tables.layout import Layout
from ganbench.tables.overall import Overall, overall, wide
from tests.rows import HIGH, LOW, make_row, rows_of
from tests.trials import make_spec


def together(rows: list[Row]) -> Overall:
    found = overall(build(rows), Layout(wide=True))
    assert found is not None
    return found


def on(*datasets: str) -> list[Row]:
    values = {"a": LOW, "b": HIGH}
    return [row for name in datasets for loss in "ab" for row in rows_of(loss, values[loss], dataset=name)]


def test_a_dataset_on_which_nothing_has_a_score_has_no_part_in_average_ranks() -> None:
    lost = [row for loss in "ab" for row in rows_of(loss, [math.inf] * 3, dataset="cifar10")]
    for rows in ([*on("digits", "mnist"), *lost], [*lost, *on("digits", "mnist")]):
        found = together(rows)
        assert (found.result.blocks, found.tables) == (2, ("digits FID", "mnist FID"))
        assert found.result.ranks == (1.0, 2.0)
    assert overall(build([*on("digits"), *lost]), Layout(wide=True)) is None


def test_several_protocols_of_one_dataset_count_as_one() -> None:
    longer = [
        make_row(make_spec(loss, seed=seed, steps=9000), fid=fid)
        for loss, values in (("a", HIGH), ("b", LOW))
        for seed, fid in enumerate(values)
    ]
    assert overall(build([*on("digits"), *longer]), Layout(wide=True)) is None
    found = together([*on("digits", "mnist"), *longer])
    assert (len(found.tables), found.result.blocks) == (3, 2)
    assert found.result.ranks == (1.25, 1.75)  # on the digits each is first once


def test_rows_are_called_by_their_architectures_only_where_these_differ() -> None:
    plain, other = on("digits", "mnist"), rows_of("a", HIGH, architecture="resnet")
    other += rows_of("a", HIGH, architecture="resnet", dataset="mnist")
    assert together(plain).names == ("a", "b")
    assert together([*plain, *other]).names == ("a · dcgan", "b · dcgan", "a · resnet")


def test_what_is_said_beneath_a_wide_table_is_judged_by_its_level() -> None:
    def told(alpha: float) -> list[str]:
        return wide(build(on("digits", "mnist")), Layout(wide=True, alpha=alpha)).sentences

    assert any(line.startswith("digits: FID: a is best") for line in told(0.05))
    assert any(line.startswith("mnist: FID: the 2 rows cannot be separated with 5 seeds") for line in told(0.001))


def test_what_is_a_number_in_a_wide_table_stands_right() -> None:
    columns = wide(build(on("digits", "mnist")), Layout(wide=True)).columns
    assert {column.heading: column.numeric for column in columns} == {
        "loss": False, "architecture": False, "digits FID": True, "mnist FID": True, "average rank": True
    }  # fmt: skip
