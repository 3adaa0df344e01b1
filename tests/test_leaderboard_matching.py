"""Which rows of two sides are held against each other, and which are not."""

import math
from collections.abc import Sequence
from typing import Any
from unittest.mock import Mock

import pytest

from ganbench.leaderboard import matching
from ganbench.leaderboard.compare import compare
from ganbench.leaderboard.matching import code_differs, placed
from ganbench.store.results import Row
from ganbench.tables.grouping import Table, build
from tests.rows import FID, HIGH, LOW, NONE, judged, make_row, rows_of
from tests.trials import make_protocol, make_spec


def test_a_row_that_is_gone_is_missed_though_a_namesake_is_left() -> None:
    def recipes(*n_critic: int) -> list[Row]:
        return [
            make_row(make_spec("a", seed=seed, n_critic=n), fid=v + n) for n in n_critic for seed, v in enumerate(LOW)
        ]

    verdict = compare(recipes(1, 5), recipes(1), margin=NONE)
    assert [check.outcome for check in verdict.checks] == ["pass", "inconclusive"]
    assert "n_critic=5" in verdict.checks[1].name
    assert compare(recipes(1, 5), recipes(1), margin=NONE, subset=True).outcome == "pass"

    def budgets(*steps: int) -> list[Row]:
        return [make_row(make_spec("a", seed=seed, steps=n), fid=v) for n in steps for seed, v in enumerate(LOW)]

    lost = compare(budgets(1000, 2000), budgets(1000), margin=NONE).checks[1]
    assert (lost.outcome, lost.reason) == (
        "inconclusive",
        "in the base under its other protocol (budget 2000 generator updates of 64), but not among the new results",
    )
    both = compare(budgets(1000, 2000), budgets(1000, 2000), margin=NONE).checks
    assert [check.name for check in both] == [f"a (budget {n} generator updates of 64)" for n in (1000, 2000)]


def test_numbers_of_another_metrics_code_are_not_compared() -> None:
    def scored(values: Sequence[float], source: str, name: str = "fid", **info: Any) -> list[Row]:
        found = []
        for seed, value in enumerate(values):
            spec = make_spec("a", seed=seed)
            parts = [part.model_copy(update={"source": source}) if part.name == name else part
                     for part in spec.evaluation.metrics]  # fmt: skip
            evaluation = spec.evaluation.model_copy(update={"metrics": tuple(parts)})
            spec = spec.model_copy(update={"evaluation": evaluation})
            found.append(make_row(spec, fid=value))
            found[-1].values["fid"] = found[-1].values["fid"].model_copy(update=info)  # type: ignore[index]
        return found

    changed = judged(scored(LOW, "ab" * 32), scored(HIGH, "ef" * 32))
    assert changed.outcome == "inconclusive"
    assert changed.reason.startswith("the code of the metric fid has changed: build the base again")
    assert judged(scored(LOW, "ab" * 32), scored(LOW, "ef" * 32)).outcome == "pass", "equal numbers need no explanation"
    another = judged(scored(LOW, "ab" * 32, "is"), scored(HIGH, "ef" * 32, "is"))
    assert another.outcome == "fail", "the code of IS has no part in the FID"
    turned = judged(scored(LOW, "ab" * 32), scored(HIGH, "ab" * 32, direction="higher"))
    assert (turned.outcome, turned.reason) == (
        "inconclusive",
        "FID was 'lower is better' and is now 'higher is better'",
    )


def test_of_code_that_only_one_side_names_nothing_is_said() -> None:
    def table(*metrics: str, **changes: Any) -> Table:
        (found,) = build([make_row(make_spec("a", metrics=metrics), metrics={"quality": 1.0}, **changes)])
        return found

    def said(before: Table, after: Table) -> str:
        (old,), (new,) = placed([before]), placed([after])
        return code_differs(old, new, "quality")

    quality = {"quality": FID}
    assert said(table("fid", values=quality), table("fid", "kid", values=quality)) == ""
    assert said(table("fid", values={}), table("fid", values=quality)) == "", "nor of a direction"
    assert said(table("fid", values=quality), table("fid", values={})) == ""


def test_numbers_of_another_extractors_code_are_not_compared() -> None:
    def scored(values: Sequence[float], source: str) -> list[Row]:
        found = []
        for seed, value in enumerate(values):
            spec = make_spec("a", seed=seed)
            assert spec.evaluation.extractor is not None
            extractor = spec.evaluation.extractor.model_copy(update={"source": source})
            evaluation = spec.evaluation.model_copy(update={"extractor": extractor})
            found.append(make_row(spec.model_copy(update={"evaluation": evaluation}), fid=value))
        return found

    assert judged(scored(LOW, "ab" * 32), scored(HIGH, "ab" * 32)).outcome == "fail"
    changed = judged(scored(LOW, "ab" * 32), scored(HIGH, "ef" * 32))
    assert changed.outcome == "inconclusive"
    assert changed.reason.startswith("the code of the extractor digits has changed: build the base again")


def test_a_training_that_is_scored_twice_is_matched_by_its_schedule() -> None:
    def scored(values: Sequence[float], every: int) -> list[Row]:
        rows = []
        for row in rows_of("a", values):
            evaluation = row.spec.evaluation.model_copy(update={"every": every})
            rows.append(make_row(row.spec.model_copy(update={"evaluation": evaluation}), fid=row.metrics["fid"]))
        return rows

    rows = [*scored(LOW, 4), *scored(HIGH, 0)]
    verdict = compare(rows, rows, margin=NONE)
    assert [check.reason for check in verdict.checks] == ["every seed has the same number as before"] * 2
    assert judged(scored(LOW, 4), scored(LOW, 2)).outcome == "pass", "one of a name needs no equal schedule"


def test_rows_are_matched_by_name_and_by_recipe_among_namesakes() -> None:
    def recipes(low: int, high: int) -> list[Row]:
        specs = [
            (make_spec("a", seed=s, n_critic=n), v) for n, vs in ((low, LOW), (high, HIGH)) for s, v in enumerate(vs)
        ]
        return [make_row(spec, fid=value) for spec, value in specs]

    verdict = compare(recipes(1, 5), recipes(1, 5), margin=NONE)
    assert [check.outcome for check in verdict.checks] == ["pass", "pass"]
    unknown = compare(recipes(1, 5), recipes(2, 3), margin=NONE)
    why = "the base has several rows with this name, but not exactly one with its recipe"
    assert [(check.outcome, check.reason) for check in unknown.checks] == [("inconclusive", why)] * 2
    other = [make_row(make_spec("a", seed=seed, steps=5000), fid=value) for seed, value in enumerate(LOW)]
    beside = compare([*recipes(1, 5), *other], recipes(2, 3), margin=NONE)
    assert [check.reason for check in beside.checks] == [why] * 2, "and one of another protocol"
    # A row that is added beside an unchanged one is not held against it.
    added = compare(recipes(1, 5)[: len(LOW)], recipes(1, 5), margin=NONE)
    assert [(check.outcome, check.worse is None) for check in added.checks] == [("pass", True), ("pass", True)]
    assert added.checks[1].reason.startswith("new")
    unclear = compare(recipes(1, 5)[: len(LOW)], recipes(2, 3), margin=NONE)
    assert {check.outcome for check in unclear.checks} == {"inconclusive"}
    assert "several rows with this name" in unclear.checks[0].reason
    # One row of a name: its recipe may be what changed.

    def alone(**recipe: Any) -> list[Row]:
        return [make_row(make_spec("b", seed=seed, n_critic=5, **recipe), fid=v) for seed, v in enumerate(LOW)]

    changed, longer = alone(), alone(steps=5000)
    assert judged(rows_of("b", HIGH), changed).outcome == "pass"
    # A namesake of another protocol is no rival.
    tested, apart = compare(rows_of("b", HIGH), [*changed, *longer], margin=NONE).checks
    assert (tested.outcome, tested.fine is not None) == ("pass", True)
    assert apart.reason.startswith("the protocols differ (budget ")


def test_other_protocols_are_not_compared() -> None:
    specs = [make_spec("a", seed=seed) for seed in range(5)]
    newer = [make_row(spec, fid=9.0, protocol=make_protocol(spec, "0.5.0")) for spec in specs]
    check = judged(rows_of("a", LOW), newer)
    assert check.outcome == "inconclusive"
    assert check.reason == "the protocols differ (fidelity 0.4.0 and 0.5.0): build the base again with the new one"


def test_rows_on_one_side() -> None:
    base, more = rows_of("a", LOW), [*rows_of("a", LOW), *rows_of("b", LOW)]
    assert [check.outcome for check in compare(base, more, margin=NONE).checks] == ["pass", "pass"]
    missing = compare(more, base, margin=NONE)
    assert [(check.name, check.outcome) for check in missing.checks] == [("a", "pass"), ("b", "inconclusive")]
    assert compare(more, base, margin=NONE, subset=True).outcome == "pass"
    strangers = compare(base, rows_of("b", LOW), margin=NONE, subset=True)
    assert strangers.outcome == "inconclusive", "rows of which the base has none are judged by nothing"
    broken = compare(base, [*base, *rows_of("c", [math.inf])], margin=NONE)
    assert broken.outcome == "fail"
    assert compare([], [], margin=NONE).outcome == "inconclusive"
    lost = [make_row(make_spec("a", seed=seed), "failed", result=False) for seed in range(5)]
    assert compare(base, lost, margin=NONE).outcome == "fail"
    (check,) = compare(lost, base, margin=NONE).checks
    assert (check.outcome, check.reason) == ("inconclusive", "no seed of the base has a score to compare with")


def test_own_data_are_matched_by_what_they_are_not_by_what_they_are_called() -> None:
    def rows(name: str, values: Sequence[float], fingerprint: str = "f0") -> list[Row]:
        found = []
        for seed, value in enumerate(values):
            spec = make_spec("a", seed=seed, dataset="folder")
            spec = spec.model_copy(update={"data": spec.data.model_copy(update={"fingerprint": fingerprint})})
            found.append(make_row(spec, fid=value, named=name, protocol=make_protocol(spec, located=True)))
        return found

    assert judged(rows("folder:photos", LOW), rows("folder:pictures", LOW)).outcome == "pass"
    checks = compare(rows("folder:photos", LOW), rows("folder:photos", LOW, "f1"), margin=NONE).checks
    assert [check.outcome for check in checks] == ["inconclusive"]
    assert "training f0 and f1" in checks[0].reason
    # A board of before knows its data by their place.
    old = [make_row(make_spec("a", seed=seed, dataset="folder:photos"), fid=value) for seed, value in enumerate(LOW)]
    assert compare(old, rows("folder:photos", LOW), margin=NONE).outcome == "inconclusive"


def test_rows_are_looked_up_by_name_and_not_each_among_all(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Mock(wraps=matching._labels)
    monkeypatch.setattr(matching, "_labels", asked)
    base = [row for index in range(20) for row in rows_of(f"old{index}", LOW)]
    new = [row for index in range(20) for row in rows_of(f"new{index}", LOW)]
    pairs, missing = matching.match(build(base), build([*base[: len(base) // 2], *new]))
    assert (sum(pair.base is not None for pair in pairs), len(pairs), len(missing)) == (10, 30, 10)
    assert asked.call_count <= 6 * (20 + 30)
