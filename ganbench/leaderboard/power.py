"""What a gate would notice: how often it says what, of results that are drawn to be like a board's."""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.cleaning import clean
from ganbench.errors import UsageError
from ganbench.leaderboard.caveats import cannot_fail
from ganbench.leaderboard.checks import overall
from ganbench.leaderboard.compare import require_score, score_of
from ganbench.leaderboard.margin import Margin
from ganbench.leaderboard.matching import names, placed
from ganbench.statistics import MarginTests, Outcome, decide, margin_tests
from ganbench.statistics.moments import deviation, mean
from ganbench.store.results import Row
from ganbench.store.values import ValueInfo
from ganbench.tables.grouping import Group, build
from ganbench.tables.ranking import oriented_scores, require_level, sign
from ganbench.tables.sheet import Column, Sheet
from ganbench.tables.wording import number

CHANGES = (1.0, 2.0, 3.0)
"""By how many margins one row gets worse; by how many standard deviations where the margin is zero."""


_Said = MarginTests | Outcome


@dataclass(frozen=True)
class Chance:
    """How often the gate says what, where ``change`` is what became of the results."""

    change: str
    outcomes: Counter[Outcome]

    def share(self, outcome: Outcome) -> float:
        """The share of draws with this outcome."""
        return self.outcomes[outcome] / self.outcomes.total()


@dataclass(frozen=True)
class _Like:
    """What a row's scores are drawn from: a normal distribution, lower is better, and a share of seeds without one.

    ``limit`` is how bad the mean can get, as far as the row's scores tell: where more is better, not below 0 if none of
    them is, since nobody declares that a metric cannot be negative; where less is, no share is above 1.
    """

    name: str
    info: ValueInfo
    mean: float
    sd: float
    lost: float
    seeds: int
    limit: float = math.inf

    def draw(self, rng: random.Random) -> list[float]:
        """One score a seed; ``math.inf`` for a seed that has none."""
        return [math.inf if rng.random() < self.lost else rng.gauss(self.mean, self.sd) for _ in range(self.seeds)]

    def worse(self, by: float, margin: Margin) -> tuple[float, float]:
        """The factor and the shift that make scores worse by so many margins."""
        size = margin.stored(self.info)
        if not size:
            return 1.0, by * self.sd
        return (1 + math.copysign(by * size, self.mean), 0.0) if margin.relative else (1.0, by * size)


def power(
    rows: Sequence[Row], *, margin: Margin, alpha: float = 0.05, metric: str = "", seeds: int = 0, draws: int = 500
) -> tuple[list[Chance], list[str]]:
    """Draw pairs of results like ``rows`` and judge each as :func:`ganbench.leaderboard.compare.compare` does.

    The scores of a row are drawn from a normal distribution with its mean and standard deviation over seeds; a seed
    diverges or has no score as often as in the row. First nothing changes, then one row at a time gets worse: by a
    factor where the margin is a share, else by a shift. Every change is looked at on the same draws, so that their
    chances differ by the change alone, and a row that does not change is tested once per draw.

    Args:
        rows: the results to be like.
        margin: how much worse is still fine.
        alpha: the level of the tests.
        metric: the metric; by default each table's headline.
        seeds: how many seeds on either side; by default as many as the row has.
        draws: how many pairs of results per change.

    Returns:
        the chances, that of no change first; and what to read them with, a line each: the rows that cannot be drawn,
        that rows are too many for their seeds to fail, the rows of whose mean a share is no margin, and changes that
        are left out because they would make a mean that no result can have.

    Raises:
        UsageError: no row has the metric or two seeds with a score, the level is none, or the margin none of a score.
    """
    require_level(alpha)
    like, caveats = _rows(rows, metric, seeds)
    for row in like:
        margin.stored(row.info)  # refuses what the gate does, also where no row would be tested
    caveats += cannot_fail([(row.seeds, row.seeds) for row in like], alpha)
    rng = random.Random(0)
    drawn = [[(row.draw(rng), row.draw(rng)) for row in like] for _ in range(draws)]
    before = [[_said(row, old, new, margin) for row, (old, new) in zip(like, pair, strict=True)] for pair in drawn]
    chances = [Chance("nothing", Counter(_verdict(said, alpha) for said in before))]
    for index, row in enumerate(like):
        if margin.relative and margin.size and not row.mean:
            caveats.append(
                f"{row.name}: its mean is 0, of which a share is no margin, so it passes only with the same numbers; a "
                f"margin in the unit of {clean(row.info.label)} would be one."
            )
            continue
        too_far = [by for by in CHANGES if _mean_after(row, by, margin) > row.limit]
        if too_far:
            caveats.append(_left_out(row, too_far, margin))
        for by in (by for by in CHANGES if by not in too_far):
            factor, shift = row.worse(by, margin)
            found: Counter[Outcome] = Counter()
            for pair, said in zip(drawn, before, strict=True):
                old, new = pair[index]
                worse = [score * factor + shift if math.isfinite(score) else score for score in new]
                now = _said(row, old, worse, margin)
                found[_verdict([*said[:index], now, *said[index + 1 :]], alpha)] += 1
            chances.append(Chance(_described(row, by, margin), found))
    return chances, caveats


def sheet(chances: Sequence[Chance], caveats: Sequence[str], *, margin: Margin, alpha: float) -> Sheet:
    """The chances as a table."""
    kinds: tuple[Outcome, ...] = ("pass", "inconclusive", "fail")
    columns = [Column("what changes", [chance.change for chance in chances])]
    columns += [Column(kind, [f"{chance.share(kind):.0%}" for chance in chances], numeric=True) for kind in kinds]
    told = (
        f"How often ganbench leaderboard compare would say what (margin {margin}, α = {alpha:g}), measured on "
        f"{chances[0].outcomes.total()} pairs of results per line, drawn from normal distributions with each row's "
        "mean and standard deviation over seeds; the other rows of a pair do not change."
    )
    return Sheet(columns, baselines=0, sentences=[told, *caveats])


def _rows(rows: Sequence[Row], metric: str, seeds: int) -> tuple[list[_Like], list[str]]:
    require_score(metric, rows)
    found: list[_Like] = []
    left_out: list[str] = []
    shown = placed(build(rows))
    for row, name in zip(shown, names(shown), strict=True):
        chosen, info = score_of(row.table, metric)
        like = None if info is None else _like(row.group, chosen, info, name, seeds)
        if like is None:
            left_out.append(f"{name}: fewer than two seeds have a score, so its spread is not known.")
        else:
            found.append(like)
    if not found:
        raise UsageError("no row has a score for two seeds, so its spread is not known; run more seeds")
    return found, left_out


def _like(group: Group, metric: str, info: ValueInfo, name: str, seeds: int) -> _Like | None:
    scores = oriented_scores(group, metric, info)
    finite = [score for score in scores if math.isfinite(score)]
    if len(finite) < 2:
        return None
    lost = 1 - len(finite) / len(scores)
    limit = _limit(finite, info)
    return _Like(name, info, mean(finite), deviation(finite), lost, seeds or len(scores), limit)


def _limit(scores: Sequence[float], info: ValueInfo) -> float:
    """How bad a mean of scores like these can get, as they are: lower is better."""
    if info.direction == "higher":
        return 0.0 if max(scores) <= 0 else math.inf
    return 1.0 if info.percent and max(scores) <= 1 else math.inf


def _said(row: _Like, base: Sequence[float], new: Sequence[float], margin: Margin) -> _Said:
    """What the gate finds of a row before its correction: by rule where more seeds are lost, else by the tests."""
    if list(new).count(math.inf) > list(base).count(math.inf):
        return "fail"
    if not any(map(math.isfinite, base)):  # new results of as many seeds and none with a score have lost more
        return "inconclusive"
    if list(new) == list(base):  # as where a row has one score in all its seeds
        return "pass"
    return margin_tests(base, new, margin.stored(row.info), relative=margin.relative)


def _verdict(said: Sequence[_Said], alpha: float) -> Outcome:
    """What the gate says of all rows."""
    untested: list[Outcome] = [one for one in said if isinstance(one, str)]
    tests = [one for one in said if not isinstance(one, str)]
    return overall([*untested, *(decision.outcome for decision in decide(tests, alpha))])


def _mean_after(row: _Like, by: float, margin: Margin) -> float:
    factor, shift = row.worse(by, margin)
    after = row.mean * factor + shift
    return 0.0 if abs(after) < 1e-12 * abs(row.mean) else after  # rounding is not below 0


def _left_out(row: _Like, changes: Sequence[float], margin: Margin) -> str:
    """``hinge: 2 and 3 margins worse, IS would be below 0, where none of its scores is; left out.``"""
    *others, last = (f"{by:g}" for by in changes)
    steps = f"{', '.join(others)} and {last}" if others else last
    unit = "σ" if not margin.size else "margin" if changes[-1] == 1 else "margins"
    beyond = "below 0, where none of its scores is" if row.info.direction == "higher" else "above 100 %"
    return f"{row.name}: {steps} {unit} worse, {clean(row.info.label)} would be {beyond}; left out."


def _described(row: _Like, by: float, margin: Margin) -> str:
    """``vanilla · dcgan · digits: FID 4.34 to 5.64 (1 margin worse)``."""
    before, after = (number(sign(row.info) * value, row.info) for value in (row.mean, _mean_after(row, by, margin)))
    unit = "margin" if margin.size else "σ"
    plural = "s" if by != 1 and margin.size else ""
    return f"{row.name}: {clean(row.info.label)} {before} to {after} ({by:g} {unit}{plural} worse)"
