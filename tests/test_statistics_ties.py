"""Tie groups: clear cases, few seeds, circles, and that rows are tested once."""

from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench import statistics
from ganbench.statistics import rank_test, ties
from tests.scores import INF, scores


def test_tie_groups_of_clear_cases() -> None:
    low, high, far = [1.0, 2, 3, 4, 5], [11.0, 12, 13, 14, 15], [21.0, 22, 23, 24, INF]
    assert statistics.tie_groups([high, low, far, [1.5, 2.5, 3.5, 4.5, 5.5]]) == [2, 1, 3, 1]
    assert statistics.tie_groups([low, [], [INF] * 5]) == [1, None, 2]
    assert statistics.tie_groups([]) == []
    assert statistics.tie_groups([low]) == [1]


def test_three_seeds_separate_no_two_rows() -> None:
    assert statistics.tie_groups([[1, 2, 3], [11, 12, 13]]) == [1, 1]
    assert statistics.tie_groups([[1, 2, 3, 4], [11, 12, 13, 14]]) == [1, 2]


def test_rows_that_beat_each_other_in_a_circle_are_tied() -> None:
    """Three rows of many seeds, each better than the next with probability 5/9."""
    dice = [[2.0, 4, 9], [1.0, 6, 8], [3.0, 5, 7]]
    rows = [[face + seed * 1e-6 for face in die for seed in range(240)] for die in dice]
    assert statistics.best_set(rows) == [0, 1, 2]


@given(st.lists(scores, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_every_row_with_scores_has_a_group_and_the_first_is_never_empty(rows: list[list[float]]) -> None:
    groups = statistics.tie_groups(rows)
    assert None not in groups
    assert set(groups) == set(range(1, max(group or 0 for group in groups) + 1))


def test_the_same_rows_are_tested_once_for_all_places_of_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    tested = Mock(wraps=rank_test)
    monkeypatch.setattr(ties, "rank_test", tested)
    rows = [[place + seed / 10 + 0.0123 for seed in range(5)] for place in range(6)]
    first = statistics.tie_groups(rows)
    once = tested.call_count
    first.clear()  # whoever changes the list that it got changes nobody else's
    assert statistics.tie_groups([tuple(row) for row in rows]) == [1, 2, 3, 4, 5, 6]
    assert (once > 0, tested.call_count) == (True, once)
    assert statistics.tie_groups(rows, 1e-9) == [1] * 6
    assert tested.call_count > once


def test_rows_without_scores_cost_the_others_nothing() -> None:
    rows = [[1.0, 2, 3, 4], [11.0, 12, 13, 14]]
    assert statistics.best_set([*rows, [], [], []]) == [0]


def test_a_p_value_of_just_the_level_sets_rows_apart_also_after_the_correction() -> None:
    """Three seeds are all below three others by chance in 1 of 20, and each of four rows has three rivals."""
    rows = [[10.0 * place + seed for seed in range(3)] for place in range(4)]
    assert 3 * 0.05 > 0.15, "by rounding"
    assert [statistics.best_set(rows, alpha) for alpha in (0.15, 0.1499)] == [[0], [0, 1, 2, 3]]
    assert [statistics.best_set(rows[:2], alpha) for alpha in (0.1, 0.0999)] == [[0], [0, 1]]
