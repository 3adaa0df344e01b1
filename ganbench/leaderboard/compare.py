"""The gate: did a change make results worse? Pass, fail, or not enough seeds to say."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ganbench.cleaning import clean
from ganbench.errors import UsageError, did_you_mean
from ganbench.leaderboard.caveats import cannot_fail, computed_elsewhere
from ganbench.leaderboard.checks import Check, Verdict
from ganbench.leaderboard.margin import Margin
from ganbench.leaderboard.matching import Pair, code_differs, match, names
from ganbench.leaderboard.unchanged import Unchanged, in_words, unchanged
from ganbench.statistics import MarginTests, Outcome, Summary, decide, is_exact, margin_tests, seeds_to_settle
from ganbench.store.results import SUCCESS, Row
from ganbench.store.values import ValueInfo
from ganbench.tables.grouping import Group, Table, build
from ganbench.tables.ranking import DIVERGED, oriented_scores, require_level, undefined
from ganbench.tables.sheet import cut
from ganbench.tables.wording import headline, spread


def require_score(metric: str, rows: Iterable[Row]) -> None:
    """Check that a metric, where one is named, is a score of some row.

    Raises:
        UsageError: no row has it.
    """
    known = {name for row in rows for name, info in row.values.items() if info.direction is not None}
    if metric and metric not in known:
        raise UsageError(f"no row has the score '{metric}'{did_you_mean(metric, known)}")


def score_of(table: Table, metric: str) -> tuple[str, ValueInfo | None]:
    """The score to judge a table's rows by, and how it is read; ``None`` where the table has none of its name."""
    chosen = metric or headline(table.values) or ""
    info = table.values.get(chosen)
    return chosen, info if info is not None and info.direction is not None else None


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
    where it is worse by more than the margin (corrected by Holm over the rows, so that a set of rows that did not get
    worse fails by its scores with probability ``alpha`` at most), or where more seeds diverged, failed or have an
    undefined score than before: a rule and no test, which ``alpha`` does not bound. It passes where it is shown not to
    be worse by the margin and its mean is not, or, without a test, where each of its seeds ended as before, with a
    number that is the same or nearly so (:func:`ganbench.leaderboard.unchanged.unchanged`). Numbers of different
    protocols are not compared.

    Args:
        base: the rows to hold against.
        new: the rows to judge.
        margin: how much worse is still fine.
        alpha: the level of the tests.
        metric: the metric; by default each table's headline.
        subset: whether rows of ``base``, and seeds of its rows, may be missing in ``new``: else such rows do not pass.

    Raises:
        UsageError: no row has the metric, the level is none, or the margin none of a score that is compared.
    """
    require_level(alpha)
    require_score(metric, (*base, *new))
    pairs, missing = match(build(base), build(new))
    called = names([*pairs, *missing])
    stayed = [_stayed(pair, metric, margin, alpha) for pair in pairs]
    raw = [_judge(pair, name, metric, margin, same) for pair, name, same in zip(pairs, called, stayed, strict=False)]
    decided = _corrected(raw, pairs, metric, margin, alpha)
    checks = [_of_all_seeds(check, pair, subset=subset) for check, pair in zip(decided, pairs, strict=True)]
    if not subset or not any(pair.base or pair.why for pair in pairs):  # none of the base's rows are no subset
        lost = zip(called[len(pairs) :], missing, strict=True)
        checks += [Check(name, "inconclusive", row.why) for name, row in lost]
    tested = [_scores(pair, metric) for pair, check in zip(pairs, raw, strict=True) if check.worse is not None]
    sizes = [(len(old), len(now)) for old, now in tested]
    exact = all(is_exact(*both) for both in sizes)
    changed = [(pair.base, pair.group) for pair, same in zip(pairs, stayed, strict=True) if pair.base and same is None]
    return Verdict(tuple(checks), margin, alpha, exact, (*cannot_fail(sizes, alpha), *computed_elsewhere(changed)))


def _judge(pair: Pair, name: str, metric: str, margin: Margin, same: Unchanged | None) -> Check:
    """A row on its own, before the correction over all rows."""
    chosen, info = score_of(pair.table, metric)
    if pair.base is None:
        return Check(name, *_alone(pair, chosen, info))
    check = _described(pair, name, metric, margin)
    if info is not None and same is not None:
        outcome, reason = in_words(pair.group, same, info)
        reason += _cause(pair.group, "") if outcome != "pass" else ""
        # Beside the same seeds of the base: its others would look like a change, of the mean or of how many are lost.
        beside = _described(replace(pair, base=same.base), name, metric, margin)
        return replace(check, outcome=outcome, reason=reason, base=beside.base, effect=beside.effect)
    for kind, words in ((DIVERGED, "diverged"), ("", "have no score")):
        before, after = _lost(pair.base, kind), _lost(pair.group, kind)
        if _more(pair, before, after):
            told = f"{after} of {len(pair.group.rows)} seeds {words}, before {before} of {len(pair.base.rows)}"
            return replace(check, outcome="fail", reason=told + _cause(pair.group, kind))
    if info is None:
        return replace(check, reason="there is no score to compare")
    before, after = undefined(pair.base, chosen), undefined(pair.group, chosen)
    if _more(pair, before, after):
        told = f"{check.metric} is undefined for {after} of {len(pair.group.rows)} seeds"
        return replace(check, outcome="fail", reason=f"{told}, before for {before} of {len(pair.base.rows)}")
    if different := code_differs(pair, chosen):
        return replace(check, reason=different)
    base, new = _scores(pair, metric)
    if not base:  # a new row without any has more seeds that have none than an old one with some, and failed above
        return replace(check, reason="no seed of the base has a score to compare with")
    worse, fine, beyond = margin_tests(base, new, margin.stored(info), relative=margin.relative)
    return replace(check, worse=worse, fine=fine, beyond=beyond)


def _stayed(pair: Pair, metric: str, margin: Margin, alpha: float) -> Unchanged | None:
    chosen, info = score_of(pair.table, metric)
    return unchanged(pair, chosen, info, margin, alpha) if pair.base else None


def _scores(pair: Pair, metric: str) -> tuple[list[float], list[float]]:
    """The old and the new scores, lower is better, where there are an old row and a score."""
    chosen, info = score_of(pair.table, metric)
    assert pair.base is not None
    assert info is not None
    return oriented_scores(pair.base, chosen, info), oriented_scores(pair.group, chosen, info)


def _alone(pair: Pair, chosen: str, info: ValueInfo | None) -> tuple[Outcome, str]:
    """What is said of a row that has no old one."""
    if pair.why:
        return "inconclusive", pair.why
    if any(status != SUCCESS for status in pair.group.statuses):
        kind = "" if _lost(pair.group, "") else DIVERGED
        return "fail", f"new, but not all of it is done: {pair.group.status}{_cause(pair.group, kind)}"
    if info is not None and (count := undefined(pair.group, chosen)):
        return "fail", f"new, but its {clean(info.label)} is undefined for {count} of {len(pair.group.rows)} seeds"
    return "pass", "new: there is nothing to compare it with"


def _more(pair: Pair, before: int, after: int) -> bool:
    """Whether ``after`` is a larger share of the new row's seeds than ``before`` of the old one's."""
    assert pair.base is not None
    return after * len(pair.base.rows) > before * len(pair.group.rows)


def _described(pair: Pair, name: str, metric: str, margin: Margin) -> Check:
    assert pair.base is not None
    chosen, info = score_of(pair.table, metric)
    if info is None:
        return Check(name, "inconclusive", "")
    base, new = pair.base.metric(chosen), pair.group.metric(chosen)
    sign = -1.0 if info.direction == "higher" else 1.0

    def told(summary: Summary | None) -> str:
        return "-" if summary is None else f"{spread(summary.mean, summary.sd, info)} (n={summary.n})"

    return Check(
        name,
        "inconclusive",
        "",
        metric=clean(info.label),
        base=told(base),
        new=told(new),
        effect=sign * (new.mean - base.mean) if base and new else None,
        margin=margin.stored(info) * (abs(base.mean) if margin.relative else 1.0) if base else None,
        percent=info.percent,
    )


def _corrected(
    checks: Sequence[Check], pairs: Sequence[Pair], metric: str, margin: Margin, alpha: float
) -> list[Check]:
    """Decide the rows that were tested, with Holm's correction of the tests that they got worse."""
    tested = {
        index: MarginTests(check.worse, check.fine, check.beyond)
        for index, check in enumerate(checks)
        if check.worse is not None and check.fine is not None
    }
    found = list(checks)
    for (index, tests), (outcome, p) in zip(tested.items(), decide(list(tested.values()), alpha), strict=True):
        reason = {
            "fail": f"worse by more than the margin (p = {p:.2g} after Holm)",
            "pass": f"not worse by the margin (p = {tests.fine:.2g})",
            "inconclusive": f"too few seeds to say (worse: p = {p:.2g}, not worse: p = {tests.fine:.2g})",
        }[outcome]
        needed = None
        if outcome == "inconclusive" and tests.fine <= alpha:
            # More seeds would show how many lie far off, and not that this is fine.
            told = f"most seeds are not worse (p = {tests.fine:.2g}), but the mean is, by more than the margin"
            reason = f"{told}: some seeds are outliers"
        elif outcome == "inconclusive":
            needed = _seeds(pairs[index], metric, margin, alpha, len(tested))
            reason += f"; {f'roughly {needed}' if needed else 'no realistic number'} per side would be enough"
            reason += "" if needed else " if what was seen is the truth"
        found[index] = replace(found[index], outcome=outcome, reason=reason, worse=p, seeds=needed)
    return found


def _of_all_seeds(check: Check, pair: Pair, *, subset: bool) -> Check:
    """A row that passes though seeds of its old one were not run says so, and without ``subset`` is inconclusive: one
    of them could be the one that got worse, and whoever leaves it out says so.
    """
    if check.outcome != "pass" or pair.base is None:
        return check
    absent = {row.seed for row in pair.base.rows} - {row.seed for row in pair.group.rows}
    if not absent:
        return check
    count = f"{len(absent)} of the base's {len(pair.base.rows)} {'was' if len(absent) == 1 else 'were'}"
    reason = f"{check.reason}; {count} not run"
    if subset:
        return replace(check, reason=reason)
    return replace(check, outcome="inconclusive", reason=f"{reason}; --subset accepts this")


def _seeds(pair: Pair, metric: str, margin: Margin, alpha: float, comparisons: int) -> int | None:
    _, info = score_of(pair.table, metric)
    assert info is not None
    base, new = _scores(pair, metric)
    return seeds_to_settle(base, new, margin.stored(info), alpha, comparisons, relative=margin.relative)


def _lost(group: Group, kind: str) -> int:
    """How many diverged; without a kind, how many ended in any other way than done."""
    return sum(_ended(row, kind) for row in group.rows)


def _cause(group: Group, kind: str) -> str:
    """The reason of the first of them that has one, after a colon."""
    reasons = (cut(row.reason) for row in group.rows if _ended(row, kind))
    return next((f": {reason}" for reason in reasons if reason), "")


def _ended(row: Row, kind: str) -> bool:
    return row.status == DIVERGED if kind else row.status not in (DIVERGED, SUCCESS)
