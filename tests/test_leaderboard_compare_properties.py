"""What a verdict must not depend on, whatever the scores: order, unit, and other rows but by Holm's correction."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.leaderboard.compare import compare
from ganbench.leaderboard.margin import Margin
from ganbench.store.results import Row
from tests.rows import judged, rows_of
from tests.scores import INF

light = settings(max_examples=40, deadline=None)
OUTCOMES = ["fail", "inconclusive", "pass"]
score = st.integers(1, 40).map(float)
seeds = st.lists(score | st.sampled_from([INF, None]), min_size=1, max_size=6)
both = st.tuples(seeds, seeds)
# What becomes of a score: nothing, rounding, or something.
moves = st.sampled_from([0.0, 1e-9, -1e-9, 1e-4, -1e-4, 0.01, -0.01, 0.3, -0.3])


def several(sides: list[tuple[list[float | None], list[float | None]]]) -> tuple[list[Row], list[Row]]:
    base, new = ([row for i, pair in enumerate(sides) for row in rows_of(f"l{i}", pair[side])] for side in (0, 1))
    return base, new


@given(st.lists(both, min_size=1, max_size=4), st.sampled_from([0.0, 0.05, 0.5]), st.randoms(use_true_random=False))
@light
def test_rows_and_seeds_come_in_any_order(
    sides: list[tuple[list[float | None], list[float | None]]], share: float, rng: Random
) -> None:
    base, new = several(sides)
    found = compare(base, new, margin=Margin(share, True), subset=True)
    again = compare(rng.sample(base, len(base)), rng.sample(new, len(new)), margin=Margin(share, True), subset=True)
    one, other = (
        {check.name: (check.outcome, check.worse, check.fine, check.seeds) for check in verdict.checks}
        for verdict in (found, again)
    )
    assert one == other
    assert found.outcome == again.outcome


@given(both, st.integers(-60, 60), st.sampled_from([0.0, 0.05, 0.5]), st.booleans())
@light
def test_the_unit_of_a_score_decides_nothing(
    sides: tuple[list[float | None], list[float | None]], power: int, size: float, relative: bool
) -> None:
    unit = 2.0**power
    scaled = [[None if value is None else value * unit for value in side] for side in sides]
    margins = Margin(size, relative), Margin(size if relative else size * unit, relative)
    one, other = (
        judged(rows_of("a", base), rows_of("a", new), margin, subset=True)
        for (base, new), margin in zip((sides, scaled), margins, strict=True)
    )
    assert (one.outcome, one.worse, one.fine) == (other.outcome, other.worse, other.fine)


@given(st.lists(st.tuples(score, moves), min_size=1, max_size=6), st.integers(0, 60), st.integers(0, 60), st.booleans())
@light
def test_a_wider_margin_is_never_harsher_whatever_counts_as_unchanged(
    moved: list[tuple[float, float]], one: int, other: int, relative: bool
) -> None:
    base = rows_of("a", [value for value, _ in moved])
    new = rows_of("a", [value * (1 + by) for value, by in moved])
    strict, lenient = (
        OUTCOMES.index(judged(base, new, Margin(size / 100 if relative else float(size), relative)).outcome)
        for size in sorted((one, other))
    )
    assert strict <= lenient


@given(both, both)
@light
def test_a_further_row_helps_none_to_fail_and_hinders_none_to_pass(
    first: tuple[list[float | None], list[float | None]], second: tuple[list[float | None], list[float | None]]
) -> None:
    """They share the level of the test that they got worse, and nothing else."""
    alone = compare(*several([first]), margin=Margin(0.1, True), subset=True).checks[0]
    among = compare(*several([first, second]), margin=Margin(0.1, True), subset=True).checks[0]
    assert among.fine == alone.fine
    if alone.outcome == "fail" and alone.worse is not None:
        assert among.outcome in ("fail", "inconclusive")
        assert among.worse is not None
        assert among.worse >= alone.worse
    else:
        assert among.outcome == alone.outcome


@given(seeds, st.floats(0.0, 2.0), st.booleans())
@light
def test_what_did_not_change_never_fails_and_passes_where_a_seed_has_a_score(
    values: list[float | None], size: float, relative: bool
) -> None:
    rows = rows_of("a", values)
    check = judged(rows, rows, Margin(size, relative))
    assert (check.outcome, check.worse) == ("pass", None)
    assert check.effect in (None, 0.0)
    assert check.reason.startswith("every seed")


@given(st.lists(score, min_size=1, max_size=6), st.lists(score, min_size=1, max_size=6), st.integers(0, 20))
@light
def test_two_results_are_not_each_worse_than_the_other(one: list[float], other: list[float], margin: int) -> None:
    a, b = rows_of("a", one), rows_of("a", other)
    ways = [judged(*sides, Margin(float(margin), False), subset=True) for sides in ((a, b), (b, a))]
    assert [check.outcome for check in ways] != ["fail", "fail"]
    if len(one) == len(other):  # else one way, seeds that were not run may be left out of the means
        assert ways[0].effect == pytest.approx(-(ways[1].effect or 0.0))
