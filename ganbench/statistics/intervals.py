"""Mean, spread and interval of one row's scores over its training seeds."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from ganbench.statistics.moments import deviation, mean, median, scale_for_sums, within_floats

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Method = Literal["auto", "t", "bootstrap"]

RESAMPLES = 20_000


class Interval(NamedTuple):
    """A confidence interval of the mean: its ends, its level (0.95) and how it was made (``t``, ``bootstrap``)."""

    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True)
class Summary:
    """What is said of a row's finite scores.

    Attributes:
        mean, median: of the values.
        sd: the sample standard deviation, ``None`` of a single value.
        n: how many values.
        values: the values themselves, in the order they came.
    """

    mean: float
    sd: float | None
    n: int
    median: float
    values: tuple[float, ...] = field(repr=False)

    def interval(self, level: float = 0.95, method: Method = "auto") -> Interval | None:
        """The confidence interval of the mean, see :func:`interval`; ``None`` of a single value."""
        return interval(self.values, level, method)


def summarise(values: Iterable[float | None]) -> Summary | None:
    """Sum up the finite values there are; ``None`` if there are none."""
    present = tuple(value for value in values if value is not None and math.isfinite(value))
    if not present:
        return None
    sd = deviation(present) if len(present) > 1 else None
    return Summary(mean(present), sd, len(present), median(present), present)


def interval(values: Sequence[float], level: float = 0.95, method: Method = "auto") -> Interval | None:
    """A confidence interval of the mean over seeds.

    ``auto`` takes the bootstrap where it can be wide enough. It assumes no shape, but its interval lies between the
    smallest and the largest value, and these enclose the median of a symmetric distribution only with probability ``1
    - 2**(1 - n)``: below six values no such interval holds 95 %. There Student's t is taken, which assumes that scores
    over seeds are roughly normal. What either really holds, docs/statistics.md says: of few values with a long tail
    much less than the level.

    Args:
        values: finite scores, one per seed.
        level: the confidence level, in (0, 1).
        method: ``t``, ``bootstrap`` or ``auto``.

    Returns:
        the interval with the method that made it; ``None`` for fewer than two values, and where all are equal: that a
        count came out alike in a few seeds does not say that it always does.

    Raises:
        ValueError: the level is not in (0, 1), a value is not finite, or there is no such method.
    """
    if not 0 < level < 1:
        raise ValueError(f"a confidence level must be between 0 and 1, not {level}")
    if not all(math.isfinite(value) for value in values):
        raise ValueError("an interval of the mean needs finite values")
    if method not in ("auto", "t", "bootstrap"):
        raise ValueError(f"there is no interval '{method}'; choose one of: auto, bootstrap, t")
    if len(values) < 2 or min(values) == max(values):
        return None
    if method == "auto":
        method = "bootstrap" if 2.0 ** (1 - len(values)) <= 1 - level + 1e-12 else "t"
    return bootstrap_interval(values, level) if method == "bootstrap" else t_interval(values, level)


def t_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Student's t interval of the mean; assumes values that are roughly normal."""
    n = len(values)
    half = t_quantile((1 + level) / 2, n - 1) * deviation(values) / math.sqrt(n)
    return around(mean(values), half, level, "t")


def around(middle: float, half: float, level: float, method: str) -> Interval:
    """The interval that reaches ``half`` to either side, its ends no further out than floats are."""
    return Interval(within_floats(middle - half), within_floats(middle + half), level, method)


def bootstrap_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """The expanded percentile bootstrap interval of the mean; assumes no shape.

    The plain percentile interval is too narrow for few values, by the factor ``sqrt((n - 1) / n)`` and by taking
    normal for t quantiles. Its tails are taken further out by as much (Hesterberg 2015, section 4.2, arXiv:1411.5279).
    The resamples are drawn from a fixed stream, so that the same values have the same interval.
    """
    # In a fixed order, so that the interval does not depend on the order in which seeds ran.
    return _bootstrap(tuple(sorted(values)), level)


# A row's interval stands in several places of a page.
@lru_cache(maxsize=4096)
def _bootstrap(ordered: tuple[float, ...], level: float) -> Interval:
    import numpy as np
    from scipy.special import ndtr

    n = len(ordered)
    tail = float(ndtr(-math.sqrt(n / (n - 1)) * t_quantile((1 + level) / 2, n - 1)))
    scale = scale_for_sums(ordered)
    means = (np.asarray(ordered, dtype=np.float64) * scale)[_resamples(n)].mean(axis=1)
    low, high = np.quantile(means, [tail, 1 - tail]) / scale
    return Interval(float(low), float(high), level, "bootstrap")


@lru_cache(maxsize=4)
def _resamples(n: int) -> "NDArray[np.int64]":
    """Which of ``n`` values each resample takes, (RESAMPLES, n): the rows of a table mostly have equally many seeds."""
    import numpy as np

    return np.random.default_rng(0).integers(0, n, size=(RESAMPLES, n))


def t_quantile(probability: float, degrees: float) -> float:
    """The quantile of Student's t; ``degrees`` of freedom need not be whole."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))
