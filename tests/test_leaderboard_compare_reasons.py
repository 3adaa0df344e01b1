"""What the gate says of each row: its reason to the word, and the numbers beside it."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ganbench.errors import UsageError
from ganbench.leaderboard.compare import compare
from ganbench.leaderboard.margin import Margin
from ganbench.store.results import Row
from ganbench.store.values import ValueInfo
from tests.rows import FID, HIGH, IS, LOW, NONE, judged, make_row, rows_of
from tests.trials import make_protocol, make_spec


def with_values(rows: Sequence[Row], **values: ValueInfo) -> list[Row]:
    """The same rows, of a metric that is read in another way or not at all."""
    return [replace(row, values=values) for row in rows]


def test_what_was_tested_says_its_p_values() -> None:
    low, high = rows_of("a", LOW), rows_of("a", HIGH)
    assert judged(low, high).reason == "worse by more than the margin (p = 0.004 after Holm)"
    assert judged(high, low).reason == "not worse by the margin (p = 0.004)"
    few = judged(rows_of("a", LOW[:2]), rows_of("a", HIGH[:2]))
    assert few.reason == "too few seeds to say (worse: p = 0.17, not worse: p = 1); roughly 5 per side would be enough"
    assert few.worse == pytest.approx(1 / 6)
    assert few.fine == 1.0


def test_where_no_number_of_seeds_would_settle_it_none_is_named() -> None:
    check = judged(rows_of("a", [1.0] * 5), rows_of("a", [*[1.0] * 4, 1.0 + 1e-15]))
    assert (check.outcome, check.seeds) == ("inconclusive", None)
    assert check.reason == (
        "too few seeds to say (worse: p = 1, not worse: p = 1); "
        "no realistic number per side would be enough if what was seen is the truth"
    )


def test_that_some_seeds_lie_far_off_is_said_at_just_the_level_too() -> None:
    """More seeds would tell how many do, not that they do not."""
    base, new = [4 + seed / 100 for seed in range(10)], [*(4.005 + seed / 100 for seed in range(8)), 20.0, 25.0]
    first = judged(rows_of("a", base), rows_of("a", new), Margin(0.3, True))
    assert first.fine is not None
    (check,) = compare(rows_of("a", base), rows_of("a", new), margin=Margin(0.3, True), alpha=first.fine).checks
    assert (check.outcome, check.seeds) == ("inconclusive", None)
    assert check.reason.endswith("some seeds are outliers")
    (check,) = compare(rows_of("a", base), rows_of("a", new), margin=Margin(0.3, True), alpha=first.fine / 2).checks
    assert check.reason.startswith("too few seeds to say")


@pytest.mark.parametrize("value", [math.inf, math.nan, None])
def test_a_row_that_fails_by_its_lost_seeds_shows_the_scores_of_the_others(value: float | None) -> None:
    check = judged(rows_of("a", LOW), rows_of("a", [*LOW[:4], value]), Margin(0.5, True))
    assert (check.outcome, check.metric) == ("fail", "FID")
    assert (check.base, check.new) == ("1.20 ± 0.16 (n=5)", "1.15 ± 0.13 (n=4)")
    assert check.effect == pytest.approx(-0.05)
    assert check.margin == pytest.approx(0.6)
    assert (check.worse, check.fine, check.seeds) == (None, None, None)


def test_a_side_without_a_mean_has_no_change() -> None:
    check = judged(rows_of("a", LOW), rows_of("a", [math.inf] * 5), Margin(0.5, True))
    assert (check.base, check.new) == ("1.20 ± 0.16 (n=5)", "-")
    assert check.effect is None
    assert check.margin == pytest.approx(0.6)
    check = judged(rows_of("a", [math.inf] * 5), rows_of("a", LOW), Margin(0.5, True))
    assert (check.outcome, check.base, check.new) == ("pass", "-", "1.20 ± 0.16 (n=5)")
    assert (check.effect, check.margin) == (None, None)


def test_a_base_that_failed_throughout_is_nothing_to_compare_with() -> None:
    check = judged(rows_of("a", [math.nan] * 5), rows_of("a", LOW))
    assert (check.outcome, check.reason) == ("inconclusive", "no seed of the base has a score to compare with")
    other = [replace(row, spec=make_spec("a", seed=row.seed + 5)) for row in rows_of("a", [math.nan] * 5)]
    assert judged(rows_of("a", [math.nan] * 5), other, subset=True).reason == check.reason


def test_rows_without_a_score_by_which_to_judge_say_so() -> None:
    plain = ValueInfo(label="FID")  # a number of which neither way is better
    for values in ({}, {"fid": plain}):
        check = judged(with_values(rows_of("a", LOW), **values), with_values(rows_of("a", HIGH), **values))
        assert (check.outcome, check.reason) == ("inconclusive", "there is no score to compare")
        assert (check.metric, check.base, check.new, check.effect) == ("", "-", "-", None)
    lost = with_values(rows_of("a", [*LOW, math.nan]))
    assert judged(lost, lost[5:], subset=True).reason == "there is no score to compare", "it was lost before, too"


def test_a_metric_that_is_a_score_of_some_rows_alone_judges_those() -> None:
    def rows(values: Sequence[float]) -> list[Row]:
        known = [make_row(make_spec("a", seed=seed), fid=value) for seed, value in enumerate(values)]
        other = [make_row(make_spec("a", dataset="mnist", seed=seed), fid=value) for seed, value in enumerate(values)]
        return [*known, *with_values(other, fid=ValueInfo(label="FID"), **{"is": IS})]

    checks = compare(rows(LOW), rows(HIGH), margin=NONE, metric="fid").checks
    assert [check.reason.split(" (")[0] for check in checks] == [
        "worse by more than the margin", "there is no score to compare"
    ]  # fmt: skip


def test_a_metric_is_known_where_either_side_has_it_as_a_score() -> None:
    bare = with_values(rows_of("a", LOW), fid=FID)
    both = with_values(rows_of("a", LOW), fid=FID, **{"is": IS})
    for base, new in ((bare, both), (both, bare)):
        assert len(compare(base, new, margin=NONE, metric="is").checks) == 1
    with pytest.raises(UsageError, match="no row has the score 'is'"):
        compare(bare, bare, margin=NONE, metric="is")
    spread = with_values(rows_of("a", LOW), fid=FID, is_std=ValueInfo(label="IS std"))
    with pytest.raises(UsageError, match=r"^no row has the score 'is_std'; choose one of: fid$"):
        compare(spread, spread, margin=NONE, metric="is_std")


def test_a_new_row_that_failed_and_diverged_says_why_it_failed() -> None:
    def rows(*ends: tuple[str, str]) -> list[Row]:
        return [make_row(make_spec("a", seed=i), status, reason=reason) for i, (status, reason) in enumerate(ends)]

    (check,) = compare([], rows(("diverged", "NaN at step 12"), ("timeout", "slow")), margin=NONE).checks
    assert (check.outcome, check.reason) == (
        "fail", "new, but not all of it is done: done 0/2, diverged 1, timeout 1: slow"
    )  # fmt: skip


def test_a_new_row_says_that_there_is_nothing_to_compare_it_with() -> None:
    base = rows_of("a", LOW)
    _, check = compare(base, [*base, *rows_of("b", LOW)], margin=NONE).checks
    assert (check.outcome, check.reason) == ("pass", "new: there is nothing to compare it with")
    assert (check.metric, check.base, check.new) == ("", "-", "-")
    _, check = compare(base, [*base, *with_values(rows_of("b", [None] * 2, dataset="mnist"))], margin=NONE).checks
    assert check.outcome == "pass", "what has no score has none that is undefined"


def test_of_a_subset_missing_rows_are_not_told_even_where_its_own_cannot_be_compared() -> None:
    base = [*rows_of("a", LOW), *rows_of("b", LOW)]
    specs = [make_spec("a", seed=seed) for seed in range(5)]
    newer = [make_row(spec, fid=9.0, protocol=make_protocol(spec, "0.5.0")) for spec in specs]
    found: dict[bool, list[Any]] = {
        subset: [check.name for check in compare(base, newer, margin=NONE, subset=subset).checks]
        for subset in (True, False)
    }
    assert (len(found[True]), len(found[False])) == (1, 2)
    with_another = compare(base, [*rows_of("a", LOW), *rows_of("c", LOW)], margin=NONE, subset=True)
    assert [check.name for check in with_another.checks] == ["a", "c"]


def test_seeds_of_which_none_has_a_score_but_each_came_to_the_same_end_pass() -> None:
    both = rows_of("a", [None, math.inf])
    check = judged(both, both)
    assert (check.outcome, check.reason) == (
        "pass", "every seed ended as before, none with a score (done 1/2, diverged 1)"
    )  # fmt: skip


@pytest.mark.parametrize("kept", [slice(0, 2), slice(3, 5)])
def test_seeds_that_were_not_run_make_no_change_of_those_that_were(kept: slice) -> None:
    base = rows_of("a", LOW)
    check = judged(base, base[kept], Margin(0.5, True), subset=True)
    assert (check.outcome, check.effect) == ("pass", 0.0)
    assert check.margin == pytest.approx(0.6)
    assert check.base == check.new == f"{1.05 if kept.start == 0 else 1.35:.2f} ± 0.07 (n=2)"


@pytest.mark.parametrize("value", [math.inf, None])
def test_a_seed_that_was_lost_before_is_not_lost_more_often_where_others_were_not_run(value: float | None) -> None:
    """One of six and one of one are the same seed."""
    base = rows_of("a", [*LOW, value])
    check = judged(base, base[5:], subset=True)
    assert (check.outcome, check.base, check.new, check.effect) == ("pass", "-", "-", None)
    assert check.reason.startswith("every seed ended as before, none with a score")
    again = judged(base, base[4:], subset=True)
    assert (again.outcome, again.effect) == ("pass", 0.0)
    assert judged(base, rows_of("a", [*LOW[:4], value]), subset=True).outcome == "fail", "another seed is another loss"


def test_rows_that_fail_or_cannot_be_compared_say_nothing_of_missing_seeds() -> None:
    failed = judged(rows_of("a", LOW), rows_of("a", HIGH[:3]))
    assert (failed.outcome, "--subset" in failed.reason) == ("fail", False)
    few = judged(rows_of("a", LOW), rows_of("a", [1.25, 1.35]))
    assert (few.outcome, "--subset" in few.reason) == ("inconclusive", False)
