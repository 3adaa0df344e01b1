"""The gate: did a change make results worse? Pass, fail, or not enough seeds to say."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ganbench.cleaning import clean
from ganbench.errors import UsageError, did_you_mean
from ganbench.leaderboard.caveats import cannot_fail, computed_elsewhere
from ganbench.leaderboard.checks import Check, Verdict
from ganbench.leaderboard.margin import Margin
from ganbench.leaderboard.matching import Pair, code_differs, match, names
from ganbench.leaderboard.unchanged import in_words, unchanged
from ganbench.statistics import MarginTests, Outcome, Summary, decide, is_exact, margin_tests, seeds_to_settle
from ganbench.statistics.moments import within_floats
from ganbench.store.results import SUCCESS, Row
from ganbench.store.values import ValueInfo
from ganbench.tables.grouping import Group, Table, build
from ganbench.tables.ranking import DIVERGED, oriented_scores, require_level, sign, undefined
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
    return chosen, table.scores.get(chosen)


@dataclass(frozen=True)
class _Scores:
    """The old and the new scores of a row, lower is better, and its margin as they are stored."""

    base: list[float]
    new: list[float]
    margin: float
    relative: bool

    def tests(self) -> MarginTests:
        return margin_tests(self.base, self.new, self.margin, relative=self.relative)

    def seeds_to_settle(self, alpha: float, comparisons: int) -> int | None:
        return seeds_to_settle(self.base, self.new, self.margin, alpha, comparisons, relative=self.relative)


@dataclass(frozen=True)
class _Judged:
    """A row on its own, before the correction over all rows.

    Attributes:
        check: what is said of it, but for the outcome and the reason of a row that is to be tested.
        scores: what is to be tested; ``None`` where a rule has decided, or nothing can be compared.
        changed: the old row and the new one, where some seed did not end as it did before.
    """

    check: Check
    scores: _Scores | None = None
    changed: tuple[Group, Group] | None = None


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
    called = names([*(pair.new for pair in pairs), *(row.base for row in missing)])
    judged = [_judge(pair, name, metric, margin, alpha) for pair, name in zip(pairs, called, strict=False)]
    decided = zip(pairs, _decided(judged, alpha), strict=True)
    checks = [_of_all_seeds(check, pair, subset=subset) for pair, check in decided]
    if not subset or not any(pair.base or pair.why for pair in pairs):  # none of the base's rows are no subset
        lost = zip(called[len(pairs) :], missing, strict=True)
        checks += [Check(name, "inconclusive", row.why) for name, row in lost]
    sizes = [(len(row.scores.base), len(row.scores.new)) for row in judged if row.scores]
    exact = all(is_exact(*both) for both in sizes)
    changed = [row.changed for row in judged if row.changed]
    return Verdict(tuple(checks), margin, alpha, exact, (*cannot_fail(sizes, alpha), *computed_elsewhere(changed)))


def _judge(pair: Pair, name: str, metric: str, margin: Margin, alpha: float) -> _Judged:
    new = pair.new.group
    score, info = score_of(pair.new.table, metric)
    if pair.base is None:
        return _Judged(Check(name, *_alone(pair, score, info)))
    base = pair.base.group
    check = _described(name, base, new, score, info, margin)
    same = unchanged(base, new, score, info, margin, alpha)
    if same is not None and info is not None:
        outcome, reason = in_words(new, same, info)
        reason += _cause(new, _failed) if outcome != "pass" else ""
        # Beside the same seeds of the base: its others would look like a change, of the mean or of how many are lost.
        beside = _described(name, same.base, new, score, info, margin)
        return _Judged(replace(check, outcome=outcome, reason=reason, base=beside.base, effect=beside.effect))
    changed = (base, new) if same is None else None
    if changed and (lost := _lost_more(base, new, score, info)):
        return _Judged(replace(check, outcome="fail", reason=lost), changed=changed)
    if info is None:
        return _Judged(replace(check, reason="there is no score to compare"), changed=changed)
    if different := code_differs(pair.base, pair.new, score):
        return _Judged(replace(check, reason=different), changed=changed)
    old, now = (oriented_scores(group, score, info) for group in (base, new))
    if not old:  # a new row without any has more seeds that have none than an old one with some, and failed above
        return _Judged(replace(check, reason="no seed of the base has a score to compare with"), changed=changed)
    return _Judged(check, _Scores(old, now, margin.stored(info), margin.relative), changed)


def _alone(pair: Pair, score: str, info: ValueInfo | None) -> tuple[Outcome, str]:
    """What is said of a row that has no old one."""
    new = pair.new.group
    if pair.why:
        return "inconclusive", pair.why
    if any(status != SUCCESS for status in new.statuses):
        ended = _failed if any(map(_failed, new.rows)) else _diverged
        return "fail", f"new, but not all of it is done: {new.status}{_cause(new, ended)}"
    if info is not None and (count := undefined(new, score)):
        return "fail", f"new, but its {clean(info.label)} is undefined for {count} of {len(new.rows)} seeds"
    return "pass", "new: there is nothing to compare it with"


def _described(name: str, base: Group, new: Group, score: str, info: ValueInfo | None, margin: Margin) -> Check:
    """The numbers of a row beside its old one's; what they come to is yet to be said."""
    if info is None:
        return Check(name, "inconclusive", "")
    before, after = base.metric(score), new.metric(score)

    def told(summary: Summary | None) -> str:
        return "-" if summary is None else f"{spread(summary.mean, summary.sd, info)} (n={summary.n})"

    return Check(
        name,
        "inconclusive",
        "",
        metric=clean(info.label),
        base=told(before),
        new=told(after),
        effect=within_floats(sign(info) * (after.mean - before.mean)) if before and after else None,
        margin=within_floats(margin.stored(info) * (abs(before.mean) if margin.relative else 1.0)) if before else None,
        percent=info.percent,
    )


def _lost_more(base: Group, new: Group, score: str, info: ValueInfo | None) -> str:
    """Why a row fails by rule: a larger share of its seeds than before diverged, failed or have an undefined score."""

    def more(before: int, after: int) -> bool:
        return after * len(base.rows) > before * len(new.rows)

    for ended, words in ((_diverged, "diverged"), (_failed, "have no score")):
        before, after = (sum(map(ended, group.rows)) for group in (base, new))
        if more(before, after):
            told = f"{after} of {len(new.rows)} seeds {words}, before {before} of {len(base.rows)}"
            return told + _cause(new, ended)
    before, after = undefined(base, score), undefined(new, score)
    if info is not None and more(before, after):
        told = f"{clean(info.label)} is undefined for {after} of {len(new.rows)} seeds"
        return f"{told}, before for {before} of {len(base.rows)}"
    return ""


def _decided(judged: Sequence[_Judged], alpha: float) -> list[Check]:
    """The checks of all rows; those that are tested share the level of the tests that they got worse, by Holm."""
    tested = {place: row.scores for place, row in enumerate(judged) if row.scores}
    found = [row.check for row in judged]
    tests = [scores.tests() for scores in tested.values()]
    for (place, scores), test, (outcome, p) in zip(tested.items(), tests, decide(tests, alpha), strict=True):
        reason = {
            "fail": f"worse by more than the margin (p = {p:.2g} after Holm)",
            "pass": f"not worse by the margin (p = {test.fine:.2g})",
            "inconclusive": f"too few seeds to say (worse: p = {p:.2g}, not worse: p = {test.fine:.2g})",
        }[outcome]
        needed = None
        if outcome == "inconclusive" and test.fine <= alpha:
            # More seeds would show how many lie far off, and not that this is fine.
            told = f"most seeds are not worse (p = {test.fine:.2g}), but the mean is, by more than the margin"
            reason = f"{told}: some seeds are outliers"
        elif outcome == "inconclusive":
            needed = scores.seeds_to_settle(alpha, len(tested))
            reason += f"; {f'roughly {needed}' if needed else 'no realistic number'} per side would be enough"
            reason += "" if needed else " if what was seen is the truth"
        found[place] = replace(found[place], outcome=outcome, reason=reason, worse=p, fine=test.fine, seeds=needed)
    return found


def _of_all_seeds(check: Check, pair: Pair, *, subset: bool) -> Check:
    """A row that passes though seeds of its old one were not run says so, and without ``subset`` is inconclusive: one
    of them could be the one that got worse, and whoever leaves it out says so.
    """
    if check.outcome != "pass" or pair.base is None:
        return check
    seeds = {row.seed for row in pair.base.group.rows}
    absent = seeds - {row.seed for row in pair.new.group.rows}
    if not absent:
        return check
    count = f"{len(absent)} of the base's {len(pair.base.group.rows)} {'was' if len(absent) == 1 else 'were'}"
    reason = f"{check.reason}; {count} not run"
    if subset:
        return replace(check, reason=reason)
    return replace(check, outcome="inconclusive", reason=f"{reason}; --subset accepts this")


def _diverged(row: Row) -> bool:
    return row.status == DIVERGED


def _failed(row: Row) -> bool:
    """Whether it ended in any other way than done or diverged."""
    return row.status not in (DIVERGED, SUCCESS)


def _cause(group: Group, ended: Callable[[Row], bool]) -> str:
    """The reason of the first trial that ended so and has one, after a colon."""
    reasons = (cut(row.reason) for row in group.rows if ended(row))
    return next((f": {reason}" for reason in reasons if reason), "")
