"""What a gate would notice, on rows whose spread is known."""

import math
import random
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ganbench.cli import cli
from ganbench.errors import UsageError
from ganbench.leaderboard import power as module
from ganbench.leaderboard.compare import compare
from ganbench.leaderboard.margin import Margin
from ganbench.leaderboard.power import Chance, power, sheet
from ganbench.statistics import MarginTests, Outcome, margin_tests
from ganbench.store.results import Row
from ganbench.store.values import ValueInfo
from tests.rows import FID, IS, make_row, rows_of
from tests.trials import make_spec, trial

TIGHT, WIDE = (2.0, 2.01, 1.99, 2.02, 1.98), (1.0, 3.0, 2.0, 1.5, 2.5)


def chances(rows: Sequence[Row], margin: Margin, **options: object) -> dict[str, Chance]:
    found, left_out = power(rows, margin=margin, draws=200, **options)  # type: ignore[arg-type]
    assert not left_out
    return {chance.change: chance for chance in found}


@pytest.mark.parametrize(
    ("margin", "worse"), [(Margin(0.3, True), "2.00 to 2.60"), (Margin(0.6, False), "2.00 to 2.60")]
)
def test_a_row_that_scatters_less_than_the_margin_is_always_judged(margin: Margin, worse: str) -> None:
    found = chances(rows_of("hinge", TIGHT), margin)
    nothing, one, two, three = found.values()
    assert (nothing.change, nothing.share("pass")) == ("nothing", 1.0)
    assert f"FID {worse} (1 margin worse)" in one.change
    assert one.share("pass") <= 0.1  # promised: at most 5 %
    assert one.share("fail") <= 0.1
    assert (two.share("fail"), three.share("fail")) == (1.0, 1.0)


def test_a_row_that_scatters_more_is_inconclusive_and_more_seeds_help() -> None:
    rows, margin = rows_of("hinge", WIDE), Margin(0.1, True)
    few, many = chances(rows, margin), chances(rows, margin, seeds=40)
    assert few["nothing"].share("inconclusive") > 0.6
    last = [*few][-1]
    assert many[last].share("fail") > few[last].share("fail") + 0.2


def test_what_more_is_better_of_gets_worse_downwards() -> None:
    rows = [make_row(make_spec(seed=i), metrics={"fid": 1.0, "is": 8.0 + i / 100}) for i in range(5)]
    found = chances(rows, Margin(0.1, True), metric="is")
    one, two = [*found.values()][1:3]
    assert "IS 8.02 to 7.22 (1 margin worse)" in one.change
    assert two.share("fail") == 1.0


def test_a_margin_of_all_of_a_score_of_which_more_is_better_is_refused() -> None:
    rows = [make_row(make_spec(seed=i), metrics={"is": 8.0 + i / 100}) for i in range(5)]
    with pytest.raises(UsageError, match="--margin 100 % of IS"):
        power(rows, margin=Margin(1.0, True), metric="is", draws=2)


def test_what_no_metric_is_named_for_is_judged_by_the_headline_as_in_the_gate() -> None:
    values = {"is": IS, "fid": FID}
    rows = [make_row(make_spec(seed=i), values=values, metrics={"fid": 1.0, "is": 8.0 + i / 100}) for i in range(5)]
    assert any("IS 8.02 to 7.22" in change for change in chances(rows, Margin(0.1, True)))
    (check,) = compare(rows, rows, margin=Margin(0.1, True)).checks
    assert check.metric == "IS"


def test_with_no_margin_rows_get_worse_by_their_spread() -> None:
    assert any("(3 σ worse)" in change for change in chances(rows_of("hinge", TIGHT), Margin(0.0, False)))


def test_rows_share_the_level_of_the_tests() -> None:
    """Holm: a change of one row is found less often where more rows are judged."""
    alone = rows_of("hinge", (1.0, 1.3, 1.6, 0.7, 0.4))
    both = [*alone, *(row for loss in ("a", "b", "c", "d") for row in rows_of(loss, TIGHT))]
    margin = Margin(0.9, False)
    change = "FID 1.00 to 2.80 (2 margins worse)"
    one, several = (
        next(chance for name, chance in chances(rows, margin).items() if change in name) for rows in (alone, both)
    )
    assert several.share("fail") < one.share("fail")


def test_a_row_that_does_not_change_is_drawn_and_tested_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four rows of which one at a time gets worse, in three ways: 4 tests a draw, and one more for each change."""
    calls: list[int] = []

    def count(*arguments: Any, **keywords: Any) -> MarginTests:
        calls.append(1)
        return margin_tests(*arguments, **keywords)

    monkeypatch.setattr(module, "margin_tests", count)
    rows = [row for loss in ("a", "b", "c", "d") for row in rows_of(loss, TIGHT)]
    power(rows, margin=Margin(0.3, True), draws=10)
    assert len(calls) == 10 * (4 + 4 * 3)


def test_a_diverged_seed_stays_diverged_whatever_the_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three margins of 50 % make less than nothing of a score of which more is better, and of an infinite one too.

    One seed has a score below 0, so that these can be.
    """
    seen: list[float] = []

    def note(base: Sequence[float], new: Sequence[float], *arguments: Any, **keywords: Any) -> MarginTests:
        seen.extend(new)
        return margin_tests(base, new, *arguments, **keywords)

    monkeypatch.setattr(module, "margin_tests", note)
    rows = [make_row(make_spec(seed=i), metrics={"is": 8.0 + i / 100 if i else -0.1}) for i in range(5)]
    power([*rows, make_row(make_spec(seed=5), "diverged")], margin=Margin(0.5, True), metric="is", draws=50)
    assert math.inf in seen
    assert -math.inf not in seen


def test_seeds_that_diverge_now_and_then_fail_the_gate_by_chance() -> None:
    found = chances(rows_of("hinge", (*TIGHT, math.inf)), Margin(0.3, True))
    assert 0.1 < found["nothing"].share("fail") < 0.6


def test_a_row_whose_spread_is_not_known_is_named() -> None:
    rows = [*rows_of("hinge", TIGHT), *rows_of("lsgan", (2.0, math.inf))]
    found, left_out = power(rows, margin=Margin(0.3, True), draws=2)
    assert left_out == ["lsgan: fewer than two seeds have a score, so its spread is not known."]
    text = "\n".join(sheet(found, left_out, margin=Margin(0.3, True), alpha=0.05).sentences)
    assert left_out[0] in text
    with pytest.raises(UsageError, match="no row has a score for two seeds"):
        power(rows_of("lsgan", (2.0,)), margin=Margin(0.3, True))
    with pytest.raises(UsageError, match="no row has the score 'fidd'; did you mean 'fid'"):
        power(rows, margin=Margin(0.3, True), metric="fidd")
    with pytest.raises(UsageError, match="--alpha 2 must be between 0 and 1"):
        power(rows, margin=Margin(0.3, True), alpha=2)


def test_that_no_row_could_fail_is_said() -> None:
    rows, margin = [*rows_of("hinge", TIGHT[:3]), *rows_of("lsgan", TIGHT[:3])], Margin(0.3, True)
    (caveat,) = power(rows, margin=margin, draws=2)[1]
    assert caveat == "no single row can fail by its scores alone: 2 rows at alpha 0.05 need at least 4 seeds per side"
    assert power(rows, margin=margin, draws=2, seeds=4)[1] == []


PERCENT = ValueInfo(label="share", direction="higher", decimals=1, percent=True)


@pytest.mark.parametrize(
    ("mean", "info", "margin", "expected"),
    [
        (2.0, FID, Margin(0.1, True), (1.2, 0.0)),
        (-8.0, IS, Margin(0.1, True), (0.8, 0.0)),
        (2.0, FID, Margin(0.3, False), (1.0, 0.6)),
        (-0.9, PERCENT, Margin(5.0, False), (1.0, 0.1)),
        (2.0, FID, Margin(0.0, False), (1.0, 0.5)),
        (2.0, FID, Margin(0.0, True), (1.0, 0.5)),
    ],
)
def test_what_makes_scores_two_margins_worse(
    mean: float, info: ValueInfo, margin: Margin, expected: tuple[float, float]
) -> None:
    assert module._Like("a", info, mean, 0.25, 0.0, 5).worse(2.0, margin) == pytest.approx(expected)


def test_scores_are_drawn_with_the_spread_and_the_losses_of_the_row() -> None:
    (found,), _ = module._rows(rows_of("hinge", (1.0, 2.0, 3.0, math.inf)), "", 0)
    assert (found.mean, found.sd, found.lost, found.seeds) == (2.0, 1.0, 0.25, 4)
    assert module._rows(rows_of("hinge", (1.0, 2.0, 3.0, math.inf)), "", 9)[0][0].seeds == 9
    many = module._Like("a", FID, 2.0, 1.0, 0.25, 4000).draw(random.Random(1))
    finite = [score for score in many if math.isfinite(score)]
    assert 0.23 < 1 - len(finite) / len(many) < 0.27
    assert 1.95 < statistics.fmean(finite) < 2.05
    assert 0.95 < statistics.stdev(finite) < 1.05
    whole = module._Like("a", FID, 2.0, 1.0, 0.0, 100).draw(random.Random(1))
    assert all(map(math.isfinite, whole))
    assert len(whole) == 100


def test_two_seeds_with_a_score_are_enough_to_draw_from() -> None:
    (found,), left_out = module._rows(rows_of("hinge", (1.0, 2.0)), "", 0)
    assert (found.mean, left_out) == (1.5, [])


def test_what_is_said_of_a_row_before_the_correction() -> None:
    row, lost, margin = module._Like("a", FID, 1.0, 0.1, 0.0, 2), math.inf, Margin(0.5, True)
    assert module._said(row, [1.0, lost], [lost, lost], margin) == "fail"
    assert module._said(row, [lost, lost], [lost, lost], margin) == "inconclusive"
    assert module._said(row, [lost, lost], [1.0, lost], margin) == "inconclusive"
    assert module._said(row, [1.0, 1.1], [1.5, 1.7], margin) == margin_tests([1.0, 1.1], [1.5, 1.7], 0.5, relative=True)
    assert module._said(row, [1.0, 1.1], [1.5, 1.7], Margin(0.4, False)) == margin_tests([1.0, 1.1], [1.5, 1.7], 0.4)
    assert module._said(row, [1.0, lost], [1.5, lost], margin) == margin_tests(
        [1.0, lost], [1.5, lost], 0.5, relative=True
    )


def test_rows_are_judged_together() -> None:
    better, worse, unclear = MarginTests(0.9, 0.01), MarginTests(0.02, 0.9), MarginTests(0.4, 0.4)
    cases: list[tuple[list[MarginTests | Outcome], Outcome]] = [
        ([better, better], "pass"),
        ([better, unclear], "inconclusive"),
        ([worse], "fail"),
        ([worse, better], "fail"),
        ([worse, better, better], "inconclusive"),  # by Holm
        ([better, "fail"], "fail"),
        ([better, "inconclusive"], "inconclusive"),
        ([worse, "inconclusive"], "fail"),
    ]
    for said, expected in cases:
        assert module._verdict(said, 0.05) == expected, said


def test_the_same_results_have_the_same_chances_twice() -> None:
    rows, margin = rows_of("hinge", WIDE), Margin(0.1, True)
    assert power(rows, margin=margin, draws=20) == power(rows, margin=margin, draws=20)


def test_a_stricter_level_fails_less_often() -> None:
    rows, margin = rows_of("hinge", WIDE), Margin(0.5, False)
    strict, lax = ([*chances(rows, margin, alpha=alpha).values()][-1].share("fail") for alpha in (0.01, 0.2))
    assert strict < lax
    assert [*chances(rows, margin).values()][-1] == [*chances(rows, margin, alpha=0.05).values()][-1]


def test_the_sheet_says_what_was_measured_and_how() -> None:
    found = [Chance("nothing", Counter({"pass": 3, "inconclusive": 1})), Chance("a", Counter({"fail": 4}))]
    told = sheet(found, ["mind this"], margin=Margin(0.3, True), alpha=0.05)
    assert [(column.heading, column.cells, column.numeric) for column in told.columns] == [
        ("what changes", ["nothing", "a"], False),
        ("pass", ["75%", "0%"], True),
        ("inconclusive", ["25%", "0%"], True),
        ("fail", ["0%", "100%"], True),
    ]
    assert told.baselines == 0
    first, last = told.sentences
    assert first == (
        "How often ganbench leaderboard compare would say what (margin 30 %, α = 0.05), measured on 4 pairs of results "
        "per line, drawn from normal distributions with each row's mean and standard deviation over seeds; the other "
        "rows of a pair do not change."
    )
    assert last == "mind this"


def test_the_command_line(tmp_path: Path) -> None:
    for seed, score in enumerate(TIGHT):
        trial(tmp_path / "runs", "a", seed, score)
    arguments = ["leaderboard", "power", str(tmp_path / "runs"), "--margin", "30%", "--draws", "20"]
    answer = CliRunner().invoke(cli, arguments, standalone_mode=False, catch_exceptions=False)
    lines = answer.stdout.splitlines()
    assert lines[2].split() == ["nothing", "100%", "0%", "0%"]
    assert len([line for line in lines if "worse)" in line]) == 3
    assert "20 pairs of results per line" in answer.stdout
    assert answer.return_value == 0


def test_the_documented_table_is_what_the_command_prints() -> None:
    repository = Path(__file__).parents[1]
    board = str(repository / "leaderboards" / "smoke")
    answer = CliRunner().invoke(cli, ["leaderboard", "power", board, "--margin", "30%"], standalone_mode=False)
    assert answer.stdout.partition("\n\n")[0] in (repository / "docs" / "ci.md").read_text("utf-8")


@pytest.mark.parametrize("margin", [Margin(0.0, False), Margin(0.1, True), Margin(1e308, False)])
def test_the_largest_scores_are_drawn_and_judged(margin: Margin) -> None:
    found, _ = power(rows_of("a", (1.7e308, 1.6e308, 1.75e308, -1.7e308)), margin=margin, draws=5)
    assert [chance.outcomes.total() for chance in found] == [5] * 4


def test_a_row_of_one_score_passes_with_the_same_numbers_and_a_share_of_nothing_is_no_margin() -> None:
    """As mode counts can be: ``compare`` passes rows whose numbers are the same, without a test."""
    modes = {"modes": ValueInfo(label="modes", direction="higher", decimals=1)}
    rows = [
        make_row(make_spec(loss, seed=i), values=modes, metrics={"modes": score})
        for loss, score in (("hinge", 8.0), ("lsgan", 0.0))
        for i in range(5)
    ]
    found, caveats = power(rows, margin=Margin(0.1, True), draws=20)
    assert [chance.change for chance in found if chance.share("pass")] == ["nothing"]
    assert len(found) == 1 + len(module.CHANGES)
    assert all(chance.change.startswith("hinge: modes 8.0 to ") for chance in found[1:])
    (line,) = caveats
    assert line.startswith("lsgan: its mean is 0, of which a share is no margin")
    found, caveats = power(rows, margin=Margin(0.5, False), draws=20)
    assert len(found) == 1 + len(module.CHANGES)
    assert caveats == [
        "lsgan: 1, 2 and 3 margins worse, modes would be below 0, where none of its scores is; left out."
    ]
