"""Our seeds against what somebody printed: a mean with its standard error, or a number alone."""

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
    # As shares of the variance, whose squares are neither too large nor too small whatever the unit.
    freedom = 1 / ((ours / both) ** 4 / (len(values) - 1) + (error / both) ** 4 / (runs - 1))
    return _around(mean_of(values) - mean, t_quantile((1 + level) / 2, freedom) * both, scale, level, "welch")


def prediction_interval(values: Sequence[float], mean: float, runs: int, level: float = 0.95) -> Interval | None:
    """Return the interval of (our mean - a printed mean without an error), by a prediction interval.

    It holds 0 with probability ``level`` where their trainings and ours have one distribution, a normal one: the
    difference of a mean over ``runs`` trainings and one over n seeds then has the standard deviation
    s * sqrt(1/runs + 1/n), with s known from our seeds alone, and so n - 1 degrees of freedom (Student's t). Nothing
    is known of how much their trainings vary; that it is as much as ours is assumed, not seen.

    Args:
        values: our scores, one per seed.
        mean: what was printed: the score of one training, or the mean over ``runs``.
        runs: how many trainings that was, at least one.
        level: the confidence level, in (0, 1).

    Returns:
        the interval; ``None`` of fewer than two values, or where they are all equal, or as good as equal beside the
        printed one: their spread is not known.

    Raises:
        ValueError: there are no runs, or a value is not finite.
    """
    if runs < 1 or not all(math.isfinite(value) for value in (*values, mean)):
        raise ValueError("values must be finite, and a printed number is of one run at least")
    if len(set(values)) < 2:
        return None
    scale = scale_for_sums((*values, mean))
    values, mean = [value * scale for value in values], mean * scale
    spread = deviation(values) * math.sqrt(1 / runs + 1 / len(values))
    if not spread:  # too small for a float beside so large a mean
        return None
    half = t_quantile((1 + level) / 2, len(values) - 1) * spread
    return _around(mean_of(values) - mean, half, scale, level, "prediction")


def _around(difference: float, half: float, scale: float, level: float, method: str) -> Interval:
    """The interval that reaches ``half`` to either side, both in units of ``scale``, in those of the values."""
    low, high = (within_floats(end / scale) for end in (difference - half, difference + half))
    return Interval(low, high, level, method)
