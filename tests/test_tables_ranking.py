"""Rankings: what is scored, what ties, what is said, and that nothing is dropped."""

import math
from unittest.mock import Mock

import pytest

from ganbench.store.results import Row
from ganbench.tables import grouping, render
from ganbench.tables.grouping import build
from ganbench.tables.ranking import Ranking, rank
from tests.rows import HIGH, LOW, make_row, rows_of
from tests.trials import component, make_spec


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
    assert first == (
        "FID: either of a and b may be the best; c is worse (exact rank tests, 5 seeds, α = 0.05 for each row)."
    )
    assert second.startswith("About ")
    assert "seeds per row would tell a and b apart" in second
    same = ranking([*rows_of("a", LOW), *rows_of("b", LOW)])
    assert same.conclusions()[1] == (
        "No realistic number of seeds would tell a and b apart if one beats the other as often as seen (50%)."
    )
    # A better mean, and four in five seeds worse.
    lucky = ranking([*rows_of("a", [0.0, 5.0, 5.1, 5.2, 5.3]), *rows_of("b", [4.3, 4.4, 4.5, 4.6, 4.7])])
    assert lucky.order == (0, 1)
    assert lucky.conclusions()[1].endswith("tell a and b apart if one beats the other as often as seen (80%).")


def test_divergences_rank_last_and_failures_are_named() -> None:
    found = ranking([*rows_of("a", [1.0, math.inf, math.inf, 1.1, 0.9]), *rows_of("b", [math.nan, *HIGH])])
    assert found.scores[0].count(math.inf) == 2
    assert len(found.scores[1]) == 5
    assert found.ties == (1, 1)
    assert not any("undefined" in line for line in found.conclusions())
    assert found.conclusions()[-2:] == [
        "a: 2 of 5 seeds diverged, ranked below every score.",
        "b: failed 1 of 6 seeds, with no score to rank.",
    ]


def test_seeds_without_a_value_rank_last_and_are_named() -> None:
    found = ranking([*rows_of("a", [*LOW[:4], None]), *rows_of("b", HIGH)])
    assert found.scores[0].count(math.inf) == 1
    assert found.conclusions()[-1] == "a: FID is undefined for 1 of 5 seeds, ranked below every score."
    alone = render(rows_of("a", [None]), "table")  # the column without a value is left out: the line alone tells
    assert "a: FID is undefined for 1 of 1 seed, ranked below every score." in alone


def test_a_row_is_not_the_better_for_its_useless_seeds() -> None:
    """Five good seeds and fifteen with nothing to score lose against twenty middling ones."""
    steady = [0.5 + seed / 100 for seed in range(20)]
    found = ranking([*rows_of("lucky", [0.1] * 5 + [None] * 15), *rows_of("steady", steady)])
    assert found.ties == (2, 1)
    assert found.conclusions()[0].startswith("FID: steady is best")
    assert found.pairs[0].superiority.probability == pytest.approx(0.25)


def test_where_means_and_groups_disagree_it_is_said() -> None:
    collapsing = [*(0.5 + seed / 100 for seed in range(9)), 20.0]
    steady, far = [1 + seed / 100 for seed in range(10)], [30 + seed / 100 for seed in range(10)]
    found = ranking([*rows_of("mostly", collapsing), *rows_of("steady", steady), *rows_of("far", far)])
    assert found.ties == (1, 2, 3)
    assert found.order == (0, 1, 2)
    (line,) = (line for line in found.conclusions() if "mean" in line)
    assert line == (
        "FID: steady has a better mean than a row of a better group. Groups count which seeds win, and a seed without "
        "a score loses; a mean goes by the size of the scores and leaves such seeds out."
    )
    several = ranking([*rows_of("mostly", collapsing), *rows_of("steady", steady), *rows_of("also", steady)])
    assert any(line.startswith("FID: steady and also have a better mean") for line in several.conclusions())
    clear = ranking([*rows_of("mostly", collapsing[:9]), *rows_of("steady", steady)])
    assert clear.ties == (1, 2)
    assert not any("mean" in line for line in clear.conclusions())


def test_scores_of_different_code_are_told_apart() -> None:
    specs = [make_spec("a", seed=seed) for seed in range(3)]
    changed = make_spec("b").evaluation.metrics[0].model_copy(update={"source": "ef" * 32})
    for place, told in ((0, True), (1, False)):
        rows = [make_row(spec) for spec in specs]
        for spec in (make_spec("b", seed=seed) for seed in range(3)):
            parts = list(spec.evaluation.metrics)
            parts[place] = changed.model_copy(update={"name": parts[place].name, "label": parts[place].label})
            evaluation = spec.evaluation.model_copy(update={"metrics": tuple(parts)})
            rows.append(make_row(spec.model_copy(update={"evaluation": evaluation})))
        line = "FID: the code of the metric fid is not the same in all rows, which may be why they differ."
        assert (line in ranking(rows).conclusions()) is told


def test_scores_by_different_code_of_the_extractor_are_told_apart() -> None:
    rows = [make_row(make_spec("a", seed=seed)) for seed in range(3)]
    for spec in (make_spec("b", seed=seed) for seed in range(3)):
        update = {"extractor": component("digits", source="ef" * 32)}
        rows.append(make_row(spec.model_copy(update={"evaluation": spec.evaluation.model_copy(update=update)})))
    line = "FID: the code of the extractor digits is not the same in all rows, which may be why they differ."
    assert line in ranking(rows).conclusions()
    assert not any("the code of" in text for text in ranking(rows[:3]).conclusions())


def test_where_no_row_has_a_score_nothing_is_ranked() -> None:
    found = ranking([*rows_of("a", [None] * 3), *rows_of("b", [None] * 3)])
    assert found.ties == (None, None)
    assert all("undefined" in line for line in found.conclusions())


def test_of_rows_whose_every_seed_failed_nothing_is_concluded() -> None:
    """They are not among those that were tested, and it is not said that they are worse or may be the best."""
    lost = rows_of("lost", [math.nan] * 5)
    best = ranking([*rows_of("a", LOW), *rows_of("b", HIGH), *lost]).conclusions()
    assert best[0].startswith("FID: a is best; every other ranked row is worse than some row (exact")
    assert best[-1] == "lost: failed 5 of 5 seeds, with no score to rank."
    tied = ranking([*rows_of("a", LOW), *rows_of("b", LOW), *lost]).conclusions()
    assert tied[0].startswith("FID: either of a and b may be the best (exact")
    few = ranking([*rows_of("a", LOW[:3]), *rows_of("b", HIGH[:3]), *lost]).conclusions()
    assert few[0].startswith("FID: the 2 ranked rows cannot be separated with 3 seeds")
    many = [row for index in range(13) for row in rows_of(f"w{index}", [9 + 0.01 * i for i in range(9)])]
    two = [row for name in "ab" for row in rows_of(name, [1 + 0.01 * i for i in range(9)])]
    told = ranking([*two, *many, *lost]).conclusions()[0]
    assert told.startswith("FID: either of a and b may be the best; 13 rows are worse (")


def test_rows_that_lost_every_seed_are_no_pairs() -> None:
    """Beneath their table stood one of pairs without a line, which said that it showed 30 rows of 2."""
    lost = ranking([*rows_of("a", [math.inf] * 5), *rows_of("b", [math.inf] * 5)])
    assert (lost.pairs, lost.paired, lost.unpaired_in_words()) == ((), (), "")
    one = ranking([*rows_of("a", [math.inf] * 5), *rows_of("b", LOW)])
    assert len(one.pairs) == 1


def test_a_row_with_few_seeds_does_not_speak_for_the_others() -> None:
    found = ranking([*rows_of("a", [1 + s / 20 for s in range(10)]), *rows_of("b", [1.02 + s / 20 for s in range(10)]),
                     *rows_of("c", [1.1, 1.2])])  # fmt: skip
    assert found.ties == (1, 1, 1)
    assert "any of the 3 rows may be the best" in found.conclusions()[0]
    few = ranking([*rows_of("a", LOW[:3]), *rows_of("b", HIGH[:2]), *rows_of("c", HIGH[:3])])
    assert "cannot be separated with 2 to 3 seeds: at least 4 per row" in few.conclusions()[0]


def test_approximate_tests_are_not_called_exact() -> None:
    many = ranking([*rows_of("a", [s / 100 for s in range(90)]), *rows_of("b", [2 + s / 100 for s in range(90)])])
    assert "(rank tests, 90 seeds" in many.conclusions()[0]
    some = ranking([*rows_of("a", [s / 100 for s in range(25)]), *rows_of("b", [2 + s / 100 for s in range(25)])])
    assert "(exact rank tests, 25 seeds" in some.conclusions()[0]


def test_more_is_better_where_the_metric_says_so() -> None:
    rows = []
    for loss, score in (("a", 5.0), ("b", 9.0)):
        for seed in range(5):
            row = make_row(make_spec(loss, seed=seed))
            rows.append(make_row(row.spec, metrics={"fid": 1.0, "is": score + seed / 10}))
    found = ranking(rows, "is")
    assert found.order == (1, 0)
    assert found.ties == (2, 1)
    assert not any("mean" in line for line in found.conclusions())


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


def test_a_sentence_names_twelve_rows_and_counts_more() -> None:
    def told(worse: int) -> str:
        rows = [row for index in range(worse) for row in rows_of(f"w{index}", [9 + 0.01 * i for i in range(9)])]
        best = [row for name in "ab" for row in rows_of(name, [1 + 0.01 * i for i in range(9)])]
        return ranking([*best, *rows]).conclusions()[0]

    assert told(12).startswith("FID: either of a and b may be the best; w0, w1, ")
    assert " and w11 are worse (" in told(12)
    assert told(13).startswith("FID: either of a and b may be the best; the other 13 rows are worse (")

    def leading(count: int) -> str:
        best = [row for index in range(count) for row in rows_of(f"b{index}", [1 + 0.01 * i for i in range(9)])]
        return ranking([*best, *rows_of("worst", [9 + 0.01 * i for i in range(9)])]).conclusions()[0]

    assert " and b11 may be the best; worst is worse (" in leading(12)
    assert leading(13).startswith("FID: any of 13 rows may be the best; worst is worse (")


def test_where_every_row_has_a_protocol_no_specification_is_hashed_for_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Mock(wraps=grouping._scope)
    monkeypatch.setattr(grouping, "_scope", asked)
    build([*rows_of("a", LOW), *rows_of("b", LOW)])
    assert asked.call_count == 0
    (table,) = build([*rows_of("a", LOW), make_row(make_spec("b"), "failed", result=False)])
    assert (len(table.groups), asked.call_count > 0) == (2, True)


def test_equal_rows_share_their_rank_and_stand_as_they_came() -> None:
    found = ranking([*rows_of("c", LOW), *rows_of("a", LOW), *rows_of("b", LOW), *rows_of("far", HIGH)])
    assert found.ties == (1, 1, 1, 2)
    assert found.order == (0, 1, 2, 3)
    assert found.paired == found.order
    assert found.leaders == {0, 1, 2}
    equal = found.pairs[0]
    assert (equal.p, equal.adjusted, equal.superiority.probability, equal.seeds) == (1.0, 1.0, 0.5, None)


def test_one_row_of_many_seeds_makes_the_tests_approximate_as_soon_as_there_is_another() -> None:
    few, many = rows_of("a", LOW), rows_of("b", [s / 100 for s in range(90)])
    assert ranking([*few, *rows_of("c", HIGH)]).exact
    assert not ranking([*few, *many]).exact


def test_many_rows_with_better_means_are_counted() -> None:
    """The row that all others lose to has one seed that is far off, and so the worst mean."""
    best = rows_of("best", [*(0.01 * i for i in range(19)), 1000.0])

    def told(others: int) -> str:
        rows = [row for index in range(others) for row in rows_of(f"w{index}", [5 + 0.01 * i for i in range(20)])]
        (line,) = (line for line in ranking([*best, *rows]).conclusions() if "better mean" in line)
        return line

    assert told(2).startswith("FID: w0 and w1 have a better mean than a row of a better group. ")
    assert told(13).startswith("FID: 13 rows have a better mean than a row of a better group. ")
