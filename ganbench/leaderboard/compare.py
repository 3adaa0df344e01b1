"""The gate: did a change make results worse? Pass, fail, or not enough seeds to say."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ganbench.cleaning import clean
from ganbench.errors import UsageError, did_you_mean
from ganbench.results import SUCCESS, Row
from ganbench.statistics import Summary, holm, margin_tests, seeds_to_settle
from ganbench.tables.grouping import Group, Table, build
from ganbench.tables.ranking import DIVERGED, oriented_scores, short_names, undefined
from ganbench.tables.wording import headline, spread

Outcome = Literal["pass", "fail", "inconclusive"]
EXIT_CODES: dict[Outcome, int] = {"pass": 0, "fail": 1, "inconclusive": 3}


@dataclass(frozen=True)
class Margin:
    """How much worse is still fine: in the metric's own unit, or as a share of the base's mean."""

    size: float
    relative: bool

    def of(self, mean: float) -> float:
        """The margin in the metric's unit."""
        return abs(mean) * self.size if self.relative else self.size

    def __str__(self) -> str:
        return f"{self.size * 100:g} %" if self.relative else f"{self.size:g}"


@dataclass(frozen=True)
class Check:
    """One row of the comparison.

    Attributes:
        name: the row.
        metric: the metric's heading; empty where nothing could be compared.
        outcome: what came of it.
        reason: why, in a sentence.
        base, new: the two sides as ``1.20 ± 0.10``; ``-`` without a score.
        effect: the difference of the means, turned so that positive is worse; ``None`` without.
        margin: in the metric's unit.
        worse: p-value, corrected by Holm, that it did not get worse by more than the margin.
        fine: p-value that it got worse by the margin at least.
        seeds: about how many seeds on either side would settle an inconclusive row.
    """

    name: str
    outcome: Outcome
    reason: str
    metric: str = ""
    base: str = "-"
    new: str = "-"
    effect: float | None = None
    margin: float | None = None
    worse: float | None = None
    fine: float | None = None
    seeds: int | None = None


@dataclass(frozen=True)
class Verdict:
    """The rows, and what they come to: a failure wherever one failed, a pass only where all passed."""

    checks: tuple[Check, ...]
    margin: Margin
    alpha: float

    @property
    def outcome(self) -> Outcome:
        """What the rows come to."""
        outcomes = {check.outcome for check in self.checks}
        if "fail" in outcomes:
            return "fail"
        return "pass" if outcomes == {"pass"} else "inconclusive"

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 inconclusive."""
        return EXIT_CODES[self.outcome]

    def sentence(self) -> str:
        """The verdict in a line."""
        counts = [(sum(check.outcome == kind for check in self.checks), kind) for kind in EXIT_CODES]
        told = ", ".join(f"{count} {kind}" for count, kind in counts if count) or "nothing to compare"
        return f"{self.outcome}: {told} (margin {self.margin}, α = {self.alpha:g}, exact rank tests, Holm)"


def parse_margin(text: str) -> Margin:
    """``5%`` of the base's mean, or ``0.3`` in the metric's unit.

    Raises:
        UsageError: not a number, negative or not finite.
    """
    number, percent = text.strip().removesuffix("%").strip(), text.strip().endswith("%")
    try:
        size = float(number)
    except ValueError as error:
        raise UsageError(f"--margin '{text}' is not a number or a share such as 5%") from error
    if not 0 <= size < math.inf:
        raise UsageError(f"--margin '{text}' must be zero or more")
    return Margin(size / 100 if percent else size, percent)


def compare(
    base: Sequence[Row],
    new: Sequence[Row],
    *,
    margin: Margin,
    alpha: float = 0.05,
    metric: str = "",
    subset: bool = False,
) -> Verdict:
    """Compare new results with old ones, row by row.

    Rows are matched by loss, architecture and dataset, by their recipes too where there are namesakes. A row fails
    where more seeds diverged, failed or have an undefined score than before, or where it is worse by more than the
    margin (corrected by Holm over the rows, so that an unchanged set of rows fails with probability ``alpha`` at most).
    It passes where it is shown not to be worse by the margin, or where all its numbers are the same. Numbers of
    different protocols are not compared.

    Args:
        base: the rows to hold against.
        new: the rows to judge.
        margin: how much worse is still fine.
        alpha: the level of the tests.
        metric: the metric; by default each table's headline.
        subset: whether rows of ``base`` may be missing in ``new``.

    Raises:
        UsageError: no row has the metric, or the level is none.
    """
    if not 0 < alpha < 1:
        raise UsageError(f"--alpha {alpha:g} is no level of a test; it lies between 0 and 1, e.g. 0.05")
    known = {name for row in (*base, *new) for name, info in row.values.items() if info.direction is not None}
    if metric and metric not in known:
        raise UsageError(f"no row has the score '{metric}'{did_you_mean(metric, known)}")
    pairs, missing = _matched(build(base), build(new))
    names = _names([pair.group for pair in pairs] + missing)
    raw = [_judge(pair, name, metric, margin, alpha) for pair, name in zip(pairs, names, strict=False)]
    checks = _corrected(raw, pairs, metric, alpha)
    if not subset or not any(pair.base or pair.why for pair in pairs):  # none of the base's rows are no subset
        lost = names[len(pairs) :]
        checks += [Check(name, "inconclusive", "in the base, but not among the new results") for name in lost]
    return Verdict(tuple(checks), margin, alpha)


@dataclass(frozen=True)
class _Pair:
    """A new row, its old one, and the table of the new one; ``why`` says why there is no old one."""

    group: Group
    table: Table
    base: Group | None
    why: str = ""


def _matched(base: Sequence[Table], new: Sequence[Table]) -> tuple[list[_Pair], list[Group]]:
    """The new rows with their old ones, and the old rows that no new one has the labels of."""
    old = [(table, group) for table in base for group in table.groups]
    pairs = []
    for table in new:
        for group in table.groups:
            namesakes = [(t, g) for t, g in old if _labels(g) == _labels(group)]
            alike = [g for t, g in namesakes if _comparable(t, table)]
            if len(alike) > 1:
                alike = [g for g in alike if g.first.recipe == group.first.recipe]
            if len(alike) == 1:
                pairs.append(_Pair(group, table, alike[0]))
            elif not namesakes:
                pairs.append(_Pair(group, table, None))
            elif alike or any(_comparable(t, table) for t, _ in namesakes):
                why = "the base has several rows of its name, and not one with its recipe"
                pairs.append(_Pair(group, table, None, why))
            else:
                pairs.append(_Pair(group, table, None, _protocols_differ(namesakes[0][0], table)))
    seen = {_labels(pair.group) for pair in pairs}
    return pairs, [group for _, group in old if _labels(group) not in seen]


def _labels(group: Group) -> tuple[str, str, str]:
    return group.first.dataset, group.first.architecture, group.first.loss


def _comparable(one: Table, other: Table) -> bool:
    """Equal protocols; a side without any has no scores either, and only its failures are compared."""
    return one.protocol is None or other.protocol is None or one.protocol.key == other.protocol.key


def _protocols_differ(one: Table, other: Table) -> str:
    if one.protocol is None or other.protocol is None:
        return "one side has no protocol"
    a, b = one.protocol.model_dump(), other.protocol.model_dump()
    fields = [f"{name} {a[name]} and {b[name]}" for name in a if a[name] != b[name]]
    return f"the protocols differ ({clean('; '.join(fields))}): build the base again under the new one"


def _names(groups: Sequence[Group]) -> list[str]:
    return short_names(groups) if groups else []


def _judge(pair: _Pair, name: str, metric: str, margin: Margin, alpha: float) -> Check:
    """A row on its own, before the correction over all rows."""
    if pair.base is None:
        if pair.why:
            return Check(name, "inconclusive", pair.why)
        lost = [status for status in pair.group.statuses if status != SUCCESS]
        if lost:
            return Check(name, "fail", f"new, and not all of it is done: {pair.group.status}")
        return Check(name, "pass", "new: there is nothing to compare it with")
    for kind, words in ((DIVERGED, "diverged"), ("", "have no score")):
        before, after = _lost(pair.base, kind), _lost(pair.group, kind)
        if _more(pair, before, after):
            told = f"{after} of {len(pair.group.rows)} seeds {words}, before {before} of {len(pair.base.rows)}"
            return replace(_described(pair, name, metric, margin), outcome="fail", reason=told)
    check = _described(pair, name, metric, margin)
    chosen = metric or headline(pair.table.values) or ""
    info = pair.table.values.get(chosen)
    if info is None or info.direction is None:
        return replace(check, reason="there is no score to compare")
    before, after = undefined(pair.base, chosen), undefined(pair.group, chosen)
    if _more(pair, before, after):
        # Left out of the test, the worst seeds would make a row look better.
        told = f"{check.metric} is undefined for {after} of {len(pair.group.rows)} seeds"
        return replace(check, outcome="fail", reason=f"{told}, before for {before} of {len(pair.base.rows)}")
    if _outcomes(pair.group, chosen) <= _outcomes(pair.base, chosen):
        return replace(check, outcome="pass", reason="every seed has the same number as before")
    base, new = oriented_scores(pair.base, chosen, info), oriented_scores(pair.group, chosen, info)
    if not base or not new:
        return replace(check, reason="one side has no score")
    size = check.margin if check.margin is not None else 0.0
    worse, fine = margin_tests(base, new, size)
    return replace(check, worse=worse, fine=fine)


def _more(pair: _Pair, before: int, after: int) -> bool:
    """Whether ``after`` is a larger share of the new row's seeds than ``before`` of the old one's."""
    assert pair.base is not None
    return after * len(pair.base.rows) > before * len(pair.group.rows)


def _described(pair: _Pair, name: str, metric: str, margin: Margin) -> Check:
    assert pair.base is not None
    chosen = metric or headline(pair.table.values) or ""
    info = pair.table.values.get(chosen)
    check = Check(name, "inconclusive", "")
    if info is None or info.direction is None:
        return check
    base, new = pair.base.metric(chosen), pair.group.metric(chosen)
    sign = -1.0 if info.direction == "higher" else 1.0

    def told(summary: Summary | None) -> str:
        return "-" if summary is None else f"{spread(summary.mean, summary.sd, info)} (n={summary.n})"

    return replace(
        check,
        metric=clean(info.label),
        base=told(base),
        new=told(new),
        effect=sign * (new.mean - base.mean) if base and new else None,
        margin=margin.of(base.mean) if base else None,
    )


def _corrected(checks: Sequence[Check], pairs: Sequence[_Pair], metric: str, alpha: float) -> list[Check]:
    """Decide the rows that were tested, with Holm's correction of the tests that they got worse."""
    tested = [index for index, check in enumerate(checks) if check.worse is not None]
    adjusted = dict(zip(tested, holm([checks[index].worse or 0.0 for index in tested]), strict=True))
    found = list(checks)
    for index, p in adjusted.items():
        check, fine = found[index], found[index].fine
        assert fine is not None
        if p <= alpha:
            outcome: Outcome = "fail"
            reason = f"worse by more than the margin (p = {p:.2g} after Holm)"
        elif fine <= alpha:
            outcome, reason = "pass", f"not worse by the margin (p = {fine:.2g})"
        else:
            outcome, reason = "inconclusive", f"too few seeds to say (worse: p = {p:.2g}, not worse: p = {fine:.2g})"
        needed = _seeds(check, pairs[index], metric, alpha, len(tested)) if outcome == "inconclusive" else None
        if outcome == "inconclusive":
            reason += f"; about {needed} per side would" if needed else "; no realistic number would"
        found[index] = replace(check, outcome=outcome, reason=reason, worse=p, seeds=needed)
    return found


def _seeds(check: Check, pair: _Pair, metric: str, alpha: float, comparisons: int) -> int | None:
    chosen = metric or headline(pair.table.values) or ""
    info = pair.table.values[chosen]
    assert pair.base is not None
    base, new = oriented_scores(pair.base, chosen, info), oriented_scores(pair.group, chosen, info)
    return seeds_to_settle(base, new, check.margin or 0.0, alpha, comparisons)


def _lost(group: Group, kind: str) -> int:
    """How many diverged; without a kind, how many ended in any other way than done."""
    counts = group.statuses
    return counts[DIVERGED] if kind else len(group.rows) - counts[DIVERGED] - counts[SUCCESS]


def _outcomes(group: Group, metric: str) -> set[tuple[int, str, float | None]]:
    return {(row.seed, row.status, row.metrics.get(metric)) for row in group.rows}
