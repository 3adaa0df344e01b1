"""What the curve of a score over training says in one number: its best value, and the area under it."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ganbench.api import Value

_SMALLER = 2.0**-128
"""What heights are multiplied by where their sum overflows: a step has up to 63 bits, and two heights are added."""


def best_values(history: Sequence[Mapping[str, Any]], values: Mapping[str, Value]) -> dict[str, dict[str, float]]:
    """Return the best ``value`` of each score over the evaluations where it is defined, with the first ``step`` of it.

    Args:
        history: the lines of ``metrics.jsonl``, in order.
        values: by name, what the metrics return; only those with a direction are scores.
    """
    best = {}
    for name, value in values.items():
        points = [(height, step) for step, height in _points(history, name)]
        if points and value.direction is not None:
            sign = 1 if value.direction == "lower" else -1
            score, step = min(points, key=lambda point: (sign * point[0], point[1]))
            best[name] = {"value": score, "step": step}
    return best


def areas(history: Sequence[Mapping[str, Any]], values: Mapping[str, Value]) -> dict[str, float]:
    """Return the mean height of each score's curve over the steps, by the trapezoid rule; needs two evaluations.

    The curve connects the evaluations where the score is defined. It is straight across an undefined one in between,
    and begins later or ends earlier where the first or the last is undefined.

    Args:
        history: the lines of ``metrics.jsonl``, in order.
        values: by name, what the metrics return; only those with a direction are scores.
    """
    found = {}
    for name, value in values.items():
        points = _points(history, name)
        if value.direction is None or len(points) < 2 or points[-1][0] == points[0][0]:
            continue
        area = _mean_height(points)
        # A sum on the way may overflow, although the mean does not: it is not above the highest.
        found[name] = area if math.isfinite(area) else _mean_height([(x, y * _SMALLER) for x, y in points]) / _SMALLER
    return found


def _mean_height(points: Sequence[tuple[int, float]]) -> float:
    total = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(points))
    return total / (points[-1][0] - points[0][0])


def _points(history: Sequence[Mapping[str, Any]], name: str) -> list[tuple[int, float]]:
    """By step, the heights of a score's curve where it is defined."""
    return [(line["step"], line["values"][name]) for line in history if line["values"].get(name) is not None]
