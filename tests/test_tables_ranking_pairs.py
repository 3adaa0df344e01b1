"""Rankings at other levels, and the pairs of their rows: how many are shown and what is said of each."""

import pytest

from ganbench import statistics
from ganbench.errors import UsageError
from ganbench.store.results import Row
from ganbench.tables.grouping import build
from ganbench.tables.ranking import PAIRED, Ranking, rank, require_level
from tests.rows import HIGH, LOW, make_row, rows_of
from tests.trials import make_spec


def ranking(rows: list[Row], metric: str | None = None, alpha: float = 0.05) -> Ranking:
    (table,) = build(rows)
    found = rank(table, metric, alpha)
    assert found is not None
    return found


def test_the_level_is_that_of_every_test() -> None:
    rows = [*rows_of("a", LOW), *rows_of("b", HIGH)]
    assert [ranking(rows, alpha=alpha).ties for alpha in (0.05, 0.001)] == [(1, 2), (1, 1)]
    strict, lenient = ranking(rows, alpha=0.001), ranking(rows)
    assert [found.separates(found.pairs[0]) for found in (strict, lenient)] == [False, True]
    assert strict.conclusions() == [
        "FID: the 2 rows cannot be separated with 5 seeds: at least 7 per row would be needed for a claim."
    ]


def test_seeds_that_are_just_enough_for_a_claim_are_not_called_too_few() -> None:
    """Three below three is seen by chance in 1 of 20: on two sides that is the level."""
    near = [*rows_of("a", (1.0, 1.2, 1.4)), *rows_of("b", (1.1, 1.3, 1.5))]
    assert ranking(near, alpha=0.1).conclusions()[0].startswith("FID: either of the 2 rows may be the best (exact")
    assert ranking(near, alpha=0.0999).conclusions()[0].startswith("FID: the 2 rows cannot be separated with 3 seeds")


def test_two_rows_with_seeds_enough_may_be_told_apart_whatever_a_third_has() -> None:
    tied = [*rows_of("a", [1 + s / 20 for s in range(10)]), *rows_of("b", [1.02 + s / 20 for s in range(10)])]
    assert "any of the 3 rows may be the best" in ranking([*tied, *rows_of("c", [1.1])]).conclusions()[0]


@pytest.mark.parametrize(("metric", "order"), [("fid", (0, 1, 2)), ("is", (2, 1, 0))])
def test_rows_that_tie_stand_by_their_means_the_better_first(metric: str, order: tuple[int, ...]) -> None:
    rows = [
        make_row(make_spec(loss, seed=seed), metrics={"fid": mean + seed, "is": mean + seed})
        for loss, mean in (("a", 1.0), ("b", 1.5), ("c", 2.0))
        for seed in range(3)
    ]
    found = ranking(rows, metric)
    assert (found.ties, found.order) == ((1, 1, 1), order)


def test_of_many_rows_the_pairs_of_the_best_are_shown_and_that_is_said() -> None:
    """The last row is the best by its mean, and no group sets any apart."""
    rows = [row for index in range(PAIRED + 2) for row in rows_of(f"w{index:02}", (9 - index / 10, 9.1 - index / 10))]
    found = ranking(rows)
    assert found.paired == tuple(range(PAIRED + 1, 1, -1))
    assert found.unpaired_in_words() == (
        "These are the pairs of the best 30 of 32 rows; 'ganbench results --format json' prints all of them."
    )
    assert ranking(rows[: 2 * PAIRED]).unpaired_in_words() == ""


def test_of_each_pair_it_is_said_how_many_seeds_it_needs() -> None:
    found = ranking([*rows_of("a", LOW), *rows_of("b", LOW), *rows_of("c", (1.05, 1.15, 1.25, 1.35, 1.5)),
                     *rows_of("d", HIGH)])  # fmt: skip
    told = {(pair.a, pair.b): found.seeds_needed(pair, "-") for pair in found.pairs}
    assert (told[0, 1], told[0, 3]) == ("-", "enough")
    near = next(pair for pair in found.pairs if (pair.a, pair.b) == (0, 2))
    assert near.seeds is not None
    assert told[0, 2] == str(near.seeds)
    # Each of four rows has three rivals, any of which might have beaten it.
    assert near.seeds == statistics.seeds_for_power(near.superiority.probability, 0.05, comparisons=3, sides=1)


def test_equal_means_are_none_that_is_better() -> None:
    """One seed of the better row is so far off that both have a mean of 1."""
    found = ranking([*rows_of("best", [0.0] * 7 + [8.0]), *rows_of("even", [1.0] * 8)])
    assert found.ties == (1, 2)
    assert not any("mean" in line for line in found.conclusions())


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, 1.5])
def test_a_level_that_is_none_is_refused(alpha: float) -> None:
    with pytest.raises(UsageError, match=rf"--alpha {alpha:g} must be between 0 and 1, e\.g\. 0\.05"):
        require_level(alpha)


@pytest.mark.parametrize("alpha", [1e-17, 1e-300])
def test_a_level_of_which_an_interval_would_hold_all_is_too_small(alpha: float) -> None:
    """Although it is between 0 and 1."""
    with pytest.raises(
        UsageError, match=rf"^--alpha {alpha:g} is too small to compute with; choose one such as 0\.05$"
    ):
        require_level(alpha)
