"""The gate: pass, fail, inconclusive; what it refuses to compare; its outputs."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ganbench import statistics
from ganbench.errors import UsageError
from ganbench.leaderboard.compare import compare
from ganbench.leaderboard.margin import Margin
from ganbench.leaderboard.verdicts import as_text
from ganbench.store.results import Row
from ganbench.store.values import ValueInfo
from tests.rows import HIGH, LOW, NONE, judged, make_row, rows_of
from tests.trials import make_spec


def test_clearly_worse_fails_and_clearly_not_worse_passes() -> None:
    worse = judged(rows_of("a", LOW), rows_of("a", HIGH))
    assert worse.outcome == "fail"
    assert worse.worse == pytest.approx(1 / 252)
    assert worse.effect == pytest.approx(1.0)
    assert (worse.base, worse.new) == ("1.20 ± 0.16 (n=5)", "2.20 ± 0.16 (n=5)")
    better = judged(rows_of("a", HIGH), rows_of("a", LOW))
    assert better.outcome == "pass"
    assert better.fine == pytest.approx(1 / 252)
    within = judged(rows_of("a", LOW), rows_of("a", HIGH), Margin(2.0, False))
    assert within.outcome == "pass"
    share = judged(rows_of("a", LOW), rows_of("a", HIGH), Margin(0.5, True))
    assert share.outcome == "fail"
    assert share.margin == pytest.approx(0.6)


def test_a_relative_margin_is_a_factor_and_its_base_is_not_exact() -> None:
    new = (2.61, 2.65, 2.7, 2.72, 2.75)
    assert judged(rows_of("a", LOW), rows_of("a", new), Margin(1.2, False)).outcome == "fail"
    check = judged(rows_of("a", LOW), rows_of("a", new), Margin(1.0, True))
    assert check.outcome == "inconclusive"
    assert check.worse == pytest.approx(19 / 252)
    assert check.margin == pytest.approx(1.2), "the share of the mean is what is shown"
    assert check.seeds == statistics.seeds_to_settle([2 * value for value in LOW], new)
    below = judged(rows_of("a", [-value for value in LOW]), rows_of("a", new), Margin(1.0, True))
    assert below.margin == pytest.approx(1.2), "a margin is never negative"


def test_a_relative_margin_of_a_percentage_of_which_more_is_better() -> None:
    share = ValueInfo(label="share", direction="higher", decimals=1, percent=True)

    def scored(values: Sequence[float]) -> list[Row]:
        return [replace(row, values={"fid": share}) for row in rows_of("a", values)]

    good = [0.9 + seed / 100 for seed in range(5)]
    halved = judged(scored(good), scored([value / 2 for value in good]), Margin(0.5, True))
    assert (halved.outcome, halved.worse) == ("inconclusive", halved.fine)
    assert halved.margin == pytest.approx(0.46)
    assert judged(scored(good), scored([value / 3 for value in good]), Margin(0.5, True)).outcome == "fail"
    assert judged(scored(good), scored([value / 1.5 for value in good]), Margin(0.5, True)).outcome == "pass"


@pytest.mark.parametrize("after", [[*LOW[:4], None], [None] * 5])
def test_a_score_that_is_undefined_where_it_was_not_fails_and_is_not_left_out(after: Sequence[float | None]) -> None:
    lost = after.count(None)
    check = judged(rows_of("a", LOW), rows_of("a", after), Margin(10.0, False))
    assert (check.outcome, check.reason) == ("fail", f"FID is undefined for {lost} of 5 seeds, before for 0 of 5")
    assert judged(rows_of("a", after), rows_of("a", after)).outcome == "pass"


def test_too_few_seeds_are_inconclusive_and_it_is_said_how_many_are_not() -> None:
    check = judged(rows_of("a", (1.0, 1.2)), rows_of("a", (1.1, 1.3)))
    assert check.outcome == "inconclusive"
    assert check.seeds is not None
    assert f"; roughly {check.seeds} per side would be enough" in check.reason


def test_most_seeds_being_fine_is_no_pass_where_the_mean_is_worse_by_more_than_the_margin() -> None:
    base, new = [4 + seed / 100 for seed in range(10)], [*(4.005 + seed / 100 for seed in range(8)), 20.0, 25.0]
    check = judged(rows_of("a", base), rows_of("a", new), Margin(0.3, True))
    assert check.effect is not None
    assert check.margin is not None
    assert check.effect > check.margin
    assert (check.outcome, check.seeds) == ("inconclusive", None)
    assert check.reason == (
        "most seeds are not worse (p = 0.012), but the mean is, by more than the margin: some seeds are outliers"
    )
    assert judged(rows_of("a", base), rows_of("a", new[:8]), Margin(0.3, True), subset=True).outcome == "pass"


def test_a_p_value_of_just_the_level_decides() -> None:
    """The smallest of three seeds against three is 1 in 20."""
    low, high = rows_of("a", LOW[:3]), rows_of("a", HIGH[:3])
    assert [judged(low, high).worse, judged(high, low).fine] == [0.05, 0.05]
    assert [judged(low, high).outcome, judged(high, low).outcome] == ["fail", "pass"]
    stricter = [compare(*sides, margin=NONE, alpha=0.049).outcome for sides in ((low, high), (high, low))]
    assert stricter == ["inconclusive", "inconclusive"]


def test_rows_that_are_too_many_for_their_seeds_to_fail_are_told() -> None:
    base = [row for loss in range(13) for row in rows_of(f"loss-{loss}", LOW)]
    new = [row for loss in range(13) for row in rows_of(f"loss-{loss}", [value + 0.01 for value in LOW])]
    worse = [*rows_of("loss-0", [100 * value for value in LOW]), *new[len(LOW) :]]
    verdict = compare(base, worse, margin=Margin(0.5, True))
    assert verdict.outcome == "inconclusive"
    (caveat,) = verdict.caveats
    assert caveat == "no single row can fail by its scores alone: 13 rows at alpha 0.05 need at least 6 seeds per side"
    assert caveat in as_text(verdict)
    # Unchanged rows are not tested, and share no level.
    few = compare(base, [*worse[: 3 * len(LOW)], *base[3 * len(LOW) :]], margin=Margin(0.5, True))
    assert (few.outcome, few.caveats) == ("fail", ())


def test_rows_share_the_level_of_the_test_that_they_got_worse_and_of_no_other() -> None:
    low, high = ([*rows_of("a", values[:3]), *rows_of("b", values[:3])] for values in (LOW, HIGH))
    worse = compare(low, high, margin=NONE).checks
    assert [(check.outcome, check.worse) for check in worse] == [("inconclusive", 0.1)] * 2
    needed = [statistics.seeds_to_settle(LOW[:3], HIGH[:3], comparisons=rows) for rows in (1, 2)]
    assert [check.seeds for check in worse] == [needed[1]] * 2
    assert needed == [5, 6]
    assert [check.outcome for check in compare(high, low, margin=NONE).checks] == ["pass", "pass"]


@pytest.mark.parametrize(("before", "after", "more"), [(2, 1, False), (2, 2, True), (0, 1, True), (10, 5, False)])
@pytest.mark.parametrize(("value", "words"), [(math.inf, "diverged"), (math.nan, "have no score"), (None, "undefined")])
def test_it_is_a_larger_share_of_the_seeds_that_fails(
    before: int, after: int, more: bool, value: float | None, words: str
) -> None:
    base = rows_of("a", [*(1.0 + seed / 10 for seed in range(10 - before)), *[value] * before])
    new = rows_of("a", [*(1.05 + seed / 10 for seed in range(5 - after)), *[value] * after])
    check = judged(base, new, Margin(10.0, False))
    assert (check.outcome == "fail" and words in check.reason) == more, check.reason


def test_a_changed_row_that_lacks_seeds_does_not_pass_unasked() -> None:
    base, better = rows_of("a", HIGH), rows_of("a", LOW[:3])
    unasked = judged(base, better)
    assert (unasked.outcome, unasked.reason) == (
        "inconclusive",
        "not worse by the margin (p = 0.018); 2 of the base's 5 were not run; --subset accepts this",
    )
    asked = judged(base, better, subset=True)
    assert (asked.outcome, asked.reason) == (
        "pass", "not worse by the margin (p = 0.018); 2 of the base's 5 were not run"
    )  # fmt: skip
    assert judged(rows_of("a", LOW), rows_of("a", HIGH[:3])).outcome == "fail"
    assert judged(rows_of("a", HIGH[:3]), rows_of("a", LOW)).outcome == "pass", "more seeds are no fewer"


def test_another_torch_is_told_where_numbers_differ_and_nowhere_else() -> None:
    def under(torch: str, values: Sequence[float]) -> list[Row]:
        return [replace(row, versions={"torch": torch}) for row in rows_of("a", values)]

    assert compare(under("2.9", LOW), under("2.14", LOW), margin=NONE).caveats == ()
    (caveat,) = compare(under("2.9", LOW), under("2.14", [*LOW[:4], math.nan]), margin=NONE).caveats
    assert caveat.startswith("base: torch 2.9; new: torch 2.14: numbers may differ for that alone")
    assert compare(under("2.9", LOW), under("2.9", HIGH), margin=NONE).caveats == ()


def test_the_same_numbers_pass_without_a_test() -> None:
    base = rows_of("a", LOW)
    assert judged(base, base).reason == "every seed has the same number as before"
    fewer = judged(base, base[:2], subset=True)
    assert (fewer.outcome, fewer.reason) == (
        "pass", "every seed has the same number as before; 3 of the base's 5 were not run"
    )  # fmt: skip
    unasked = judged(base, base[:2])
    assert unasked.outcome == "inconclusive"
    assert "3 of the base's 5 were not run; --subset accepts this" in unasked.reason
    assert judged(base, rows_of("a", [*LOW[:4], 1.39])).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ([*LOW, math.inf], [*LOW, math.inf], "pass"),
        (LOW, [*LOW[:4], math.inf], "fail"),
        ([*LOW, math.inf], [*LOW[:4], math.inf, math.inf], "fail"),
        (LOW, [*LOW[:4], math.nan], "fail"),
        ([math.inf] * 2, [math.inf] * 2, "pass"),
    ],
)
def test_more_divergences_or_failures_than_before_fail(
    before: Sequence[float], after: Sequence[float], outcome: str
) -> None:
    check = judged(rows_of("a", before), rows_of("a", after), Margin(10.0, False))
    assert check.outcome == outcome
    if outcome == "fail":
        assert "seeds diverged, before" in check.reason or "seeds have no score, before" in check.reason


def test_a_row_without_a_number_on_either_side_is_not_the_same() -> None:
    scored = rows_of("a", LOW)
    broken = [make_row(make_spec("b", seed=seed), "failed", result=False) for seed in range(5)]
    _, check = compare([*scored, *broken], [*scored, *broken], margin=NONE).checks
    assert (check.outcome, check.reason) == ("inconclusive", "no seed has a score on either side (failed): it broke")
    diverged = judged(rows_of("c", [math.inf] * 2), rows_of("c", [math.inf] * 2))
    assert diverged.reason == "every seed ended as before, none with a score (diverged)"


def test_a_new_row_whose_score_is_undefined_fails_as_one_that_failed_does() -> None:
    base = rows_of("a", LOW)
    _, check = compare(base, [*base, *rows_of("b", [*LOW[:4], None])], margin=NONE).checks
    assert (check.outcome, check.reason) == ("fail", "new, but its FID is undefined for 1 of 5 seeds")


def test_a_new_row_fails_by_a_single_seed() -> None:
    base = rows_of("a", LOW)
    _, check = compare(base, [*base, *rows_of("b", [*LOW[:4], math.nan])], margin=NONE).checks
    assert check.outcome == "fail"
    assert check.reason.startswith("new, but not all of it is done")


def test_why_seeds_have_no_score_is_said_in_one_line() -> None:
    def failed(*reasons: str, status: str = "failed") -> list[Row]:
        return [make_row(make_spec("a", seed=seed), status, reason=reason) for seed, reason in enumerate(reasons)]

    base, told = rows_of("a", LOW[:3]), "3 of 3 seeds have no score, before 0 of 3"
    lost = judged(base, failed("", "the worker\n was \x1b[31mkilled", "no memory"))
    assert (lost.outcome, lost.reason) == ("fail", f"{told}: the worker was killed")
    assert judged(base, failed("", "", "")).reason == told
    assert len(judged(base, failed(*["x" * 5000] * 3)).reason) < 300
    diverged = [*failed("NaN at step 12", status="diverged"), *base[1:]]
    assert judged(base, diverged).reason == "1 of 3 seeds diverged, before 0 of 3: NaN at step 12"
    (new,) = compare([], failed("no memory"), margin=NONE).checks
    assert new.reason == "new, but not all of it is done: failed: no memory"
    (new,) = compare([], diverged, margin=NONE).checks
    assert new.reason == "new, but not all of it is done: done 2/3, diverged 1: NaN at step 12"


def test_a_seed_that_fails_is_not_made_good_by_one_that_no_longer_diverges() -> None:
    check = judged(rows_of("a", [*LOW, math.inf]), rows_of("a", [*LOW, math.nan]), Margin(10.0, False))
    assert (check.outcome, check.reason) == ("fail", "1 of 6 seeds have no score, before 0 of 6: it broke")


def test_undefined_seeds_take_part_in_the_test_as_the_worst() -> None:
    lost = [None] * 5
    check = judged(rows_of("a", [*LOW, *lost]), rows_of("a", [*HIGH, *lost]))
    assert check.worse == pytest.approx(
        statistics.rank_test([*HIGH, *[math.inf] * 5], [*LOW, *[math.inf] * 5], "greater")
    )


def test_a_margin_of_a_percentage_is_in_points() -> None:
    share = ValueInfo(label="share", direction="higher", decimals=1, percent=True)

    def scored(values: Sequence[float]) -> list[Row]:
        return [replace(row, values={"fid": share}) for row in rows_of("a", values)]

    good, bad = [0.94 + seed / 1000 for seed in range(5)], [0.30 + seed / 1000 for seed in range(5)]
    check = judged(scored(good), scored(bad), Margin(5.0, False))
    assert check.outcome == "fail"
    assert check.margin == pytest.approx(0.05)
    verdict = compare(scored(good), scored(bad), margin=Margin(5.0, False))
    assert "+64 % (margin 5 %)" in as_text(verdict)
    assert judged(scored(good), scored(bad), Margin(70.0, False)).outcome == "pass"


def test_tests_of_very_many_seeds_are_not_called_exact() -> None:
    many = [seed / 100 for seed in range(90)]
    assert "exact" not in compare(rows_of("a", many), rows_of("a", [v + 1 for v in many]), margin=NONE).sentence()
    assert "exact" in compare(rows_of("a", LOW), rows_of("a", HIGH), margin=NONE).sentence()
    both = compare(
        [*rows_of("a", many), *rows_of("b", LOW)], [*rows_of("a", [v + 1 for v in many]), *rows_of("b", HIGH)],
        margin=NONE,
    )  # fmt: skip
    assert "exact" not in both.sentence(), "one that is none is enough"


def test_more_is_better_where_the_metric_says_so() -> None:
    def scored(values: Sequence[float]) -> list[Row]:
        specs = [make_spec("a", seed=seed) for seed in range(len(values))]
        return [make_row(spec, metrics={"fid": 1.0, "is": value}) for spec, value in zip(specs, values, strict=True)]

    (check,) = compare(scored(HIGH), scored(LOW), margin=NONE, metric="is").checks
    assert check.outcome == "fail"
    assert check.effect == pytest.approx(1.0)


def test_a_total_collapse_of_what_more_is_better_of_does_not_pass_by_a_margin_of_all_of_it() -> None:
    def scored(value: float) -> list[Row]:
        return [make_row(make_spec("a", seed=seed), metrics={"is": value + seed / 100}) for seed in range(5)]

    with pytest.raises(UsageError, match="--margin 100 % of IS"):
        compare(scored(8.0), scored(0.0), margin=Margin(1.0, True), metric="is")


def test_a_level_or_a_metric_that_is_none() -> None:
    with pytest.raises(UsageError, match="--alpha 2"):
        compare([], [], margin=NONE, alpha=2)
    with pytest.raises(UsageError, match="did you mean 'fid'"):
        compare(rows_of("a", LOW), rows_of("a", LOW), margin=NONE, metric="fidd")
