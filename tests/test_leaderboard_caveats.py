"""What a verdict must be read with."""

import pytest

from ganbench.leaderboard.caveats import cannot_fail
from ganbench.statistics import decide, margin_tests

LOW, HIGH = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5], [2.0, 2.1, 2.2, 2.3, 2.4, 2.5]


@pytest.mark.parametrize(("rows", "seeds", "needed"), [(13, 5, 6), (2, 3, 4), (1, 2, 3)])
def test_rows_that_are_too_many_for_their_seeds_are_told(rows: int, seeds: int, needed: int) -> None:
    (line,) = cannot_fail([(seeds, seeds)] * rows, 0.05)
    assert line.startswith(f"no single row can fail by its scores: {rows} row")
    assert line.endswith(f"at least {needed} seeds a side")
    assert cannot_fail([(needed, needed)] * rows, 0.05) == []


@pytest.mark.parametrize("rows", [1, 2, 12, 13])
@pytest.mark.parametrize(("old", "new"), [(2, 2), (3, 3), (5, 5), (5, 3), (4, 6)])
def test_it_is_what_the_gate_would_do(rows: int, old: int, new: int) -> None:
    same = margin_tests(LOW[:old], LOW[:new], 0.3)
    decisions = decide([margin_tests(LOW[:old], HIGH[:new]), *[same] * (rows - 1)], 0.05)
    assert (decisions[0].outcome == "fail") == (not cannot_fail([(old, new)] * rows, 0.05))


def test_rows_of_several_sizes_are_counted() -> None:
    (line,) = cannot_fail([(3, 3), (5, 5), (5, 5)], 0.05)
    told = "1 of 3 rows cannot fail by their scores unless others do"
    assert line == f"{told}: 3 rows at alpha 0.05 need at least 4 seeds a side"
    assert cannot_fail([], 0.05) == []
