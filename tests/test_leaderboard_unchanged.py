"""Rows that are what they were: seeds paired by number, equal or nearly so, and what that is not taken for."""

import math
from collections.abc import Sequence
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.leaderboard.compare import compare
from ganbench.leaderboard.margin import Margin
from ganbench.leaderboard.unchanged import NEAR
from ganbench.leaderboard.verdicts import as_github, as_junit, as_markdown
from ganbench.store.results import Row
from ganbench.store.values import ValueInfo
from tests.rows import HIGH, LOW, NONE, judged, make_row, rows_of
from tests.trials import component, make_spec

SHARE = Margin(0.05, True)
ROUNDED = tuple(value * (1 + 1e-8 * (-1) ** seed) for seed, value in enumerate(LOW))


def moved(by: float, values: Sequence[float] = LOW) -> list[Row]:
    """One seed's number is another by so much, and the others' are the same."""
    return rows_of("a", [values[0] + by, *values[1:]])


def test_numbers_that_differ_by_rounding_pass_without_a_test() -> None:
    check = judged(rows_of("a", LOW), rows_of("a", ROUNDED), SHARE)
    assert (check.outcome, check.worse, check.fine) == ("pass", None, None)
    assert check.reason == (
        "every seed has nearly the same number as before: "
        "the largest difference, 1.4e-08, is less than a hundredth of the margin"
    )
    assert (check.base, check.new) == ("1.20 ± 0.16 (n=5)", "1.20 ± 0.16 (n=5)")
    assert check.effect == pytest.approx(2.4e-9)
    assert check.margin == pytest.approx(0.06)
    assert judged(rows_of("a", LOW), rows_of("a", ROUNDED)).outcome == "inconclusive", "no margin, no part of it"
    verdict = compare(rows_of("a", LOW), rows_of("a", ROUNDED), margin=SHARE)
    assert verdict.sentence() == "pass: 1 pass (margin 5 %, α = 0.05, no row was tested)"


@pytest.mark.parametrize(("margin", "edge"), [(Margin(0.05, True), 0.0005), (Margin(0.3, False), 0.003)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_may_move_by_less_than_a_hundredth_of_the_margin(margin: Margin, edge: float, sign: int) -> None:
    """Either way: a number that got better by more is one of another training too."""
    base = rows_of("a", LOW)
    within, beyond = (judged(base, moved(sign * edge * part), margin) for part in (0.99, 1.01))
    assert (within.outcome, within.fine) == ("pass", None)
    assert beyond.fine is not None, "it is tested"
    below = [-value for value in LOW]
    assert judged(rows_of("a", below), moved(sign * edge * 0.99, below), margin).fine is None, "a share has no sign"
    exactly = judged(base, moved(sign * 0.25), Margin(25.0, False))
    assert exactly.fine is not None, "a hundredth is not less than one"


def test_each_seed_has_its_own_share_whatever_the_others_are() -> None:
    """One that collapsed long ago, and pulls the mean, makes no room for the others."""
    values = (*LOW[:4], 1e6)
    assert judged(rows_of("a", values), moved(0.1, values), SHARE).outcome == "inconclusive"
    assert judged(rows_of("a", values), rows_of("a", [*LOW[:4], 1e6 + 100]), SHARE).outcome == "pass"
    of_the_new = 0.0005 * LOW[0] * 1.0002  # less than a hundredth of the margin by the new score alone
    assert judged(rows_of("a", LOW), moved(of_the_new), SHARE).fine is not None, "a share of the old score"
    zero = (0.0, *LOW[1:])
    assert judged(rows_of("a", zero), moved(1e-12, zero), SHARE).outcome == "inconclusive", "a share of nothing"


def test_differences_are_told_in_the_unit_of_the_table() -> None:
    share = ValueInfo(label="share", direction="higher", decimals=1, percent=True)

    def scored(values: Sequence[float]) -> list[Row]:
        return [replace(row, values={"fid": share}) for row in rows_of("a", values)]

    good = [0.94 + seed / 1000 for seed in range(5)]
    near = judged(scored(good), scored([good[0] - 0.0004, *good[1:]]), Margin(5.0, False))
    assert near.outcome == "pass"
    assert "the largest difference, 0.04 %, is less than" in near.reason
    assert near.effect == pytest.approx(0.00008), "of which more is better: less is worse"
    assert judged(scored(good), scored([good[0] - 0.0006, *good[1:]]), Margin(5.0, False)).fine is not None


@pytest.mark.parametrize("value", [math.inf, None, math.nan])
def test_a_seed_without_a_score_has_to_have_none_on_both_sides(value: float | None) -> None:
    lost = rows_of("a", [*LOW, value])
    check = judged(lost, rows_of("a", [*ROUNDED, value]), SHARE)
    assert check.outcome == "pass"
    assert check.reason.startswith("every seed ended as before, and the 5 of 6 with a score have nearly the same")
    assert judged(rows_of("a", [*LOW, 1.5]), rows_of("a", [*ROUNDED, value]), SHARE).outcome == "fail"
    assert judged(lost, rows_of("a", [*ROUNDED, 1.5]), SHARE).outcome == "inconclusive", "a change for the better"
    again = judged(lost, lost).reason
    assert again == "every seed ended as before, and the 5 of 6 with a score have the same number as before"


def test_seeds_that_were_not_run_are_told_and_have_to_be_allowed() -> None:
    base, few = rows_of("a", LOW), rows_of("a", ROUNDED)[3:]
    unasked = judged(base, few, SHARE)
    assert unasked.outcome == "inconclusive"
    assert unasked.reason.endswith("of the margin; 3 of the base's 5 were not run; --subset accepts this")
    one = judged(base, rows_of("a", ROUNDED[:4]), SHARE)
    assert one.reason.endswith("of the margin; 1 of the base's 5 was not run; --subset accepts this")
    asked = judged(base, few, SHARE, subset=True)
    assert (asked.outcome, asked.base, asked.new) == ("pass", "1.35 ± 0.07 (n=2)", "1.35 ± 0.07 (n=2)")
    assert asked.effect == pytest.approx(0.5e-9, rel=1e-3)
    other = [replace(row, spec=make_spec("a", seed=row.seed + 9)) for row in rows_of("a", ROUNDED)]
    assert judged(base, other, SHARE, subset=True).fine is not None, "another seed is another score"
    more = judged(base, rows_of("a", [*ROUNDED, 1.2]), SHARE)
    assert more.fine is not None, "a seed that the base lacks is tested, with all"


def test_at_a_strict_level_one_seed_alone_has_to_be_equal() -> None:
    base, near = rows_of("a", LOW[:2]), rows_of("a", ROUNDED[:2])
    assert NEAR == 100

    def outcome(alpha: float, seeds: int, new: list[Row]) -> str:
        return compare(base[:seeds], new[:seeds], margin=SHARE, alpha=alpha).outcome

    assert [outcome(alpha, 1, near) for alpha in (0.05, 0.01, 0.009)] == ["pass", "pass", "inconclusive"]
    assert [outcome(alpha, 2, near) for alpha in (0.009, 0.0001, 0.00009)] == ["pass", "pass", "inconclusive"]
    assert outcome(1e-9, 1, base) == "pass"
    base, near = rows_of("a", [LOW[0], math.inf]), rows_of("a", [ROUNDED[0], math.inf])
    assert outcome(0.009, 2, near) == "inconclusive", "a seed without a score is no evidence"


def test_unchanged_rows_share_no_level_and_need_no_explanation() -> None:
    near = [row for loss in "bcd" for row in rows_of(loss, ROUNDED[:3])]
    base = [row for loss in "abcd" for row in rows_of(loss, LOW[:3])]

    def under(torch: str, rows: list[Row]) -> list[Row]:
        return [replace(row, versions={"torch": torch}) for row in rows]

    verdict = compare(base, [*rows_of("a", HIGH[:3]), *near], margin=SHARE)
    assert [check.outcome for check in verdict.checks] == ["fail", "pass", "pass", "pass"]
    assert (verdict.checks[0].worse, verdict.caveats) == (0.05, ())
    assert verdict.sentence().endswith("exact rank tests, Holm)")
    assert compare(under("2.9", base[3:]), under("2.14", near), margin=SHARE).caveats == ()


def test_it_is_a_pass_in_every_form() -> None:
    verdict = compare(rows_of("a", LOW), rows_of("a", ROUNDED), margin=SHARE)
    (case,) = ElementTree.fromstring(as_junit(verdict)).iter("testcase")
    assert [child.tag for child in case] == ["system-out"]
    assert case.findtext("system-out", "").endswith(
        "the largest difference, 1.4e-08, is less than a hundredth of the margin"
    )
    assert [line.split(" ")[0] for line in as_github(verdict).splitlines()] == ["::notice"]
    (line,) = (line for line in as_markdown(verdict).splitlines() if "largest difference" in line)
    assert line.startswith("| ✅ | `a` |")
    assert "+2.4e-09 (margin 0.06)" in line


def test_a_metric_that_is_written_anew_and_gives_the_same_numbers_changed_nothing() -> None:
    def rewritten(values: Sequence[float]) -> list[Row]:
        rows = []
        for seed, value in enumerate(values):
            spec = make_spec("a", seed=seed)
            metrics = tuple(component(part.name, source="ef" * 32) for part in spec.evaluation.metrics)
            evaluation = spec.evaluation.model_copy(update={"metrics": metrics})
            rows.append(make_row(spec.model_copy(update={"evaluation": evaluation}), fid=value))
        return rows

    base = rows_of("a", LOW)
    assert judged(base, rewritten(ROUNDED), SHARE).outcome == "pass"
    assert "the code of" in judged(base, rewritten(HIGH), SHARE).reason


@pytest.mark.parametrize(
    "shape",
    [scipy.stats.norm, scipy.stats.t(3), scipy.stats.cauchy, scipy.stats.laplace, scipy.stats.uniform(-1, 2),
     scipy.stats.triang(0.5, -1, 2)],
)  # fmt: skip
def test_a_seed_that_got_worse_by_the_margin_comes_near_by_a_chance_of_less_than_one_in_a_hundred(
    shape: scipy.stats.rv_continuous,
) -> None:
    """Whatever its difference spreads, and whether it got worse by just the margin, which is 1, or by more."""
    worse, spread = np.meshgrid([1.0, 1.01, 1.5, 2.0, 5.0], np.geomspace(1e-3, 1e3, 400))
    near = shape.cdf((1 / NEAR - worse) / spread) - shape.cdf((-1 / NEAR - worse) / spread)
    assert 0.003 < near.max() < 1 / NEAR


@given(
    st.lists(st.floats(0.1, 1e3), min_size=1, max_size=6),
    st.lists(st.floats(-0.99, 0.99), min_size=6, max_size=6),
    st.floats(1e-3, 0.9),
    st.floats(1e-6, 1e6),
)
@settings(max_examples=40, deadline=None)
def test_what_moved_by_parts_of_a_hundredth_passes_at_any_scale(
    values: list[float], parts: list[float], share: float, scale: float
) -> None:
    old = [value * scale for value in values]
    new = [value * (1 + part * share / NEAR) for value, part in zip(old, parts, strict=False)]
    check = judged(rows_of("a", old), rows_of("a", new), Margin(share, True))
    assert (check.outcome, check.worse) == ("pass", None)
    assert judged(rows_of("a", old), rows_of("a", old), NONE).outcome == "pass"
