"""The pages of a leaderboard: which pairs of a table they show, and what is said beneath them."""

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
    assert "p: two-sided exact rank test;" in said_of(5)
    assert "p: two-sided rank test;" in said_of(200)


def test_a_page_shows_the_pairs_of_the_best_rows() -> None:
    """Of 40 rows there are 780 pairs, of the best 30 of them 435."""
    (table,) = build([row for index in range(40) for row in rows_of(f"loss{index}", [index, index + 0.5])])
    ranking = rank(table)
    assert ranking is not None
    assert len(ranking.pairs) == 780
    shown = table_of_pairs(ranking)
    first, second = shown.columns[0].cells, shown.columns[1].cells
    best = {ranking.names[index] for index in ranking.order[:30]}
    assert len(set(zip(first, second, strict=True))) == 435
    assert {*first, *second} == best
    assert shown.sentences[1] == (
        "These are the pairs of the best 30 of 40 rows; the JSON of the table has all of them."
    )
