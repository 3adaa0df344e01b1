"""Our seeds against a mean that somebody printed with its standard error."""

import math
from collections.abc import Sequence

from ganbench.statistics.intervals import Interval, t_quantile
from ganbench.statistics.moments import deviation, scale_for_sums, within_floats
from ganbench.statistics.moments import mean as mean_of


def difference_interval(
    values: Sequence[float], mean: float, error: float, runs: int, level: float = 0.95
) -> Interval | None:
    """Return the interval of (our mean - the printed mean), by Welch's t; it assumes roughly normal scores.

    The two agree at ``level`` where it holds 0. The degrees of freedom are Welch and Satterthwaite's, the printed
    mean's own being ``runs - 1``.

    Args:
        values: our scores, one per seed.
        mean, error: what was printed: a mean over ``runs`` runs, and its standard error.
        runs: how many runs that was.
        level: the confidence level, in (0, 1).

    Returns:
        the interval; ``None`` where one side has a single run, or our values are all equal, or as good as equal beside
        the others: their spread is not known.

    Raises:
        ValueError: the error is negative, or a value is not finite.
    """
    if error < 0 or not all(math.isfinite(value) for value in (*values, mean, error)):
        raise ValueError("values must be finite, and a standard error not negative")
    if len(set(values)) < 2 or runs < 2:
        return None
    scale = scale_for_sums((*values, mean, error))
    values, mean, error = [value * scale for value in values], mean * scale, error * scale
    ours = deviation(values) / math.sqrt(len(values))
    both = math.hypot(ours, error)
    if not both:  # too small for a float beside so large a mean
        return None
    difference = mean_of(values) - mean
    # As shares of the variance, whose squares are neither too large nor too small whatever the unit.
    freedom = 1 / ((ours / both) ** 4 / (len(values) - 1) + (error / both) ** 4 / (runs - 1))
    half = t_quantile((1 + level) / 2, freedom) * both
    low, high = (within_floats(end / scale) for end in (difference - half, difference + half))
    return Interval(low, high, level, "welch")
