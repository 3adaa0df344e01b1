"""What a verdict must be read with."""

from typing import Any

import pytest

from ganbench.leaderboard.caveats import cannot_fail, computed_elsewhere
from ganbench.statistics import decide, margin_tests
from ganbench.tables.grouping import Group
from tests.rows import make_row
from tests.trials import make_spec

LOW, HIGH = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5], [2.0, 2.1, 2.2, 2.3, 2.4, 2.5]


@pytest.mark.parametrize(("rows", "seeds", "needed"), [(13, 5, 6), (2, 3, 4), (1, 2, 3)])
def test_rows_that_are_too_many_for_their_seeds_are_told(rows: int, seeds: int, needed: int) -> None:
    (line,) = cannot_fail([(seeds, seeds)] * rows, 0.05)
    told = f"{rows} rows at alpha 0.05 need" if rows > 1 else "1 row at alpha 0.05 needs"
    assert line == f"no single row can fail by its scores alone: {told} at least {needed} seeds per side"
    assert cannot_fail([(needed, needed)] * rows, 0.05) == []


@pytest.mark.parametrize("rows", [1, 2, 12, 13])
@pytest.mark.parametrize(("old", "new"), [(2, 2), (3, 3), (5, 5), (5, 3), (4, 6)])
def test_it_is_what_the_gate_would_do(rows: int, old: int, new: int) -> None:
    same = margin_tests(LOW[:old], LOW[:new], 0.3)
    decisions = decide([margin_tests(LOW[:old], HIGH[:new]), *[same] * (rows - 1)], 0.05)
    assert (decisions[0].outcome == "fail") == (not cannot_fail([(old, new)] * rows, 0.05))


def test_rows_with_just_the_seeds_that_they_need_can_fail() -> None:
    """At a level that three rows of three seeds reach exactly, but for rounding."""
    worst = margin_tests(LOW[:3], HIGH[:3])
    assert 3 * worst.worse > 0.15
    assert cannot_fail([(3, 3)] * 3, 0.15) == []
    assert [decision.outcome for decision in decide([worst] * 3, 0.15)] == ["fail"] * 3


def test_rows_of_several_sizes_are_counted() -> None:
    (line,) = cannot_fail([(3, 3), (5, 5), (5, 5)], 0.05)
    told = "1 of 3 rows cannot fail by their scores unless others do"
    assert line == f"{told}: 3 rows at alpha 0.05 need at least 4 seeds per side"
    assert cannot_fail([], 0.05) == []


def computed(*environments: dict[str, Any]) -> Group:
    """A row with a seed for each environment."""
    return Group([make_row(make_spec("a", seed=seed), **found) for seed, found in enumerate(environments)])


OLD = {"device": "Xeon", "instructions": "AVX2", "threads": "2", "versions": {"torch": "2.9.0", "scipy": "1"}}
NEW = {"device": "Xeon", "instructions": "AVX512", "threads": "2", "versions": {"torch": "2.14.1", "scipy": "2"}}


def test_what_computed_the_two_sides_is_told_where_it_differs() -> None:
    (line,) = computed_elsewhere([(computed(OLD, OLD), computed(NEW, NEW))])
    assert line == (
        "base: torch 2.9.0, AVX2; new: torch 2.14.1, AVX512: numbers may differ for that alone; build the base again "
        "before blaming the change, unless the change is just that"
    )
    mixed = computed(OLD, NEW)
    (line,) = computed_elsewhere([(mixed, computed(NEW)), (computed(OLD), computed(OLD | {"threads": "4"}))])
    base, new, *_ = line.split("; ")
    assert base == "base: torch 2.14.1 and 2.9.0, AVX2 and AVX512, threads: 2"
    assert new.startswith("new: torch 2.14.1, AVX512, threads: 4: numbers")
    assert computed_elsewhere([(mixed, mixed)]) == []


def test_of_what_is_not_known_nothing_is_told() -> None:
    """An older result does not say which instructions it was computed with."""
    older = OLD | {"instructions": ""}
    assert computed_elsewhere([(computed(older), computed(OLD)), (computed({}), computed(NEW))]) == []
    assert computed_elsewhere([(computed(OLD), computed(older)), (computed(NEW), computed({}))]) == []


def test_what_computed_a_side_is_one_line_whatever_it_is_called() -> None:
    (line,) = computed_elsewhere([(computed(OLD), computed(OLD | {"device": "Xeon\n\x1b[2J7"}))])
    assert line.startswith("base: Xeon; new: Xeon 7: numbers may differ")
