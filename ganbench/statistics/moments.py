"""Mean, standard deviation and median of finite values, however large: no sum on the way to them is too large.

What no float can hold, as the standard deviation of the two largest of either sign, is the largest float instead.
"""

import math
import statistics
import sys
from collections.abc import Iterable, Sequence

LARGEST = sys.float_info.max
"""The largest float, and what stands for whatever is larger."""
SMALLER = 2.0**-64
"""What values are multiplied with where their sums would be too large: exactly, since it is a power of two."""


def scale_for_sums(values: Iterable[float]) -> float:
    """What to multiply values with before they are added up: 1, or so little that no sum of them is too large."""
    return SMALLER if max(map(abs, values)) > LARGEST * SMALLER else 1.0


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean of finite values, at least one."""
    known = tuple(values)
    try:
        return statistics.fmean(known)
    except OverflowError:
        return within_floats(statistics.fmean(value * SMALLER for value in known) / SMALLER)


def deviation(values: Sequence[float]) -> float:
    """The sample standard deviation of finite values, at least two."""
    try:
        return within_floats(statistics.stdev(values))
    except OverflowError:
        return within_floats(statistics.stdev([value * SMALLER for value in values]) / SMALLER)


def median(values: Sequence[float]) -> float:
    """The median of finite values, at least one."""
    found = statistics.median(values)
    return found if math.isfinite(found) else statistics.median([value / 2 for value in values]) * 2


def within_floats(value: float) -> float:
    """The value, or the largest float with its sign where it is beyond."""
    return max(-LARGEST, min(LARGEST, value))
