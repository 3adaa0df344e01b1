"""Rankings: what is scored, what ties, what is said, and that nothing is dropped."""

import math

from ganbench.results import Row
from ganbench.tables import render
from ganbench.tables.grouping import build
from ganbench.tables.ranking import Ranking, rank
from tests.rows import HIGH, LOW, make_row, rows_of
from tests.trials import make_spec


def ranking(rows: list[Row], metric: str | None = None) -> Ranking:
    (table,) = build(rows)
    found = rank(table, metric)
    assert found is not None
    return found


def test_clear_rows_are_ranked_and_said() -> None:
    found = ranking([*rows_of("hinge", HIGH), *rows_of("vanilla", LOW)])
    assert found.ties == (2, 1)
    assert found.order == (1, 0)
    assert found.conclusions() == [
        "FID: vanilla is best; every other row is worse than some row (exact rank tests, 5 seeds, α = 0.05)."
    ]
    (pair,) = found.pairs
    assert (pair.p, pair.superiority.probability) == (2 / 252, 0.0)
    assert found.separates(pair)


def test_three_seeds_are_too_few_and_it_is_said_how_many_are_not() -> None:
    rows = [*rows_of("a", LOW[:3]), *rows_of("b", HIGH[:3]), *rows_of("c", HIGH[2:]), *rows_of("d", HIGH[1:4])]
    assert ranking(rows).conclusions() == [
        "FID: the 4 rows cannot be separated with 3 seeds: at least 4 per row would be needed for a claim."
    ]


def test_a_tie_is_said_with_the_seeds_that_would_settle_it() -> None:
    near = (1.05, 1.15, 1.22, 1.28, 1.5)
    found = ranking([*rows_of("a", LOW), *rows_of("b", near), *rows_of("c", HIGH)])
    assert found.ties == (1, 1, 2)
    first, second = found.conclusions()
    assert [found.separates(pair) for pair in found.pairs] == [False, True, True]
    assert first.startswith("FID: a and b cannot be told apart as the best; c is worse (exact rank tests, 5 seeds")
    assert second.startswith("About ")
    assert "seeds per row would tell a and b apart" in second
    same = ranking([*rows_of("a", LOW), *rows_of("b", LOW)])
    assert same.conclusions()[1] == "a and b differ too little for any realistic number of seeds to tell."


def test_divergences_rank_last_and_failures_are_named() -> None:
    found = ranking([*rows_of("a", [1.0, math.inf, math.inf, 1.1, 0.9]), *rows_of("b", [math.nan, *HIGH])])
    assert found.scores[0].count(math.inf) == 2
    assert len(found.scores[1]) == 5
    assert found.ties == (1, 1)
    assert found.conclusions()[-2:] == [
        "a: 2 of 5 seeds diverged, ranked below every score.",
        "b: failed 1 of 6 seeds, with no score to rank.",
    ]


def test_seeds_without_a_value_are_named_where_they_are_left_out() -> None:
    found = ranking([*rows_of("a", [*LOW[:4], None]), *rows_of("b", HIGH)])
    assert len(found.scores[0]) == 4
    assert found.conclusions()[-1] == "a: FID is undefined for 1 of 5 seeds, and not ranked."
    alone = render(rows_of("a", [None]), "table")  # the column without a value is left out: the line alone tells
    assert "a: FID is undefined for 1 of 1 seed, and not ranked." in alone


def test_more_is_better_where_the_metric_says_so() -> None:
    rows = []
    for loss, score in (("a", 5.0), ("b", 9.0)):
        for seed in range(5):
            row = make_row(make_spec(loss, seed=seed))
            rows.append(make_row(row.spec, metrics={"fid": 1.0, "is": score + seed / 10}))
    found = ranking(rows, "is")
    assert found.order == (1, 0)
    assert found.ties == (2, 1)


def test_names_are_as_short_as_they_can_be() -> None:
    rows = [*rows_of("a", LOW), *rows_of("a", LOW, architecture="resnet")]
    assert ranking(rows).names == ("a · dcgan", "a · resnet")
    alike = [make_row(make_spec("a", seed=seed, n_critic=n)) for seed in range(2) for n in (1, 5)]
    assert ranking(alike).names == ("a · n_critic=1", "a · n_critic=5")


def test_no_ranking_without_scores_or_rows() -> None:
    (table,) = build([make_row(make_spec(baseline="real"))])
    assert rank(table) is None
    (table,) = build(rows_of("a", LOW))
    assert rank(table, "nothing") is None
    assert ranking(rows_of("a", LOW)).conclusions() == []
    assert ranking(rows_of("a", [math.nan])).order == (0,)
