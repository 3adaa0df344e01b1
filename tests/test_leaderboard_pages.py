"""The pages of a leaderboard: what is said beneath the pairs of a table."""

from ganbench.leaderboard.pages import table_of_pairs
from ganbench.tables.grouping import build
from ganbench.tables.ranking import rank
from tests.rows import rows_of


def said_of(seeds: int) -> str:
    (table,) = build(
        [row for loss in ("hinge", "vanilla") for row in rows_of(loss, [1 + i / 10 for i in range(seeds)])]
    )
    ranking = rank(table)
    assert ranking is not None
    (sentence,) = table_of_pairs(ranking).sentences
    return sentence


def test_a_test_is_called_exact_where_it_is() -> None:
    assert "the two-sided exact rank test and" in said_of(5)
    assert "the two-sided rank test and" in said_of(200)
