"""What a trial wrote line by line, as the short lists of numbers that a chart draws."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ganbench.files import as_number, read_lines
from ganbench.records.folder import TrialFolder

MAX_POINTS = 240
DIGITS = 5
SCORE_DIGITS = 9
"""Of scores, which a chart also writes, with as many decimals as the tables."""


def metric_curve(folder: TrialFolder, names: Iterable[str]) -> dict[str, Any]:
    """Evaluations in the order of their steps: ``step``, ``images``, ``seconds`` (of training) and ``values`` by name.

    A value that is missing or not finite is ``None``. A line without a step is left out.
    """
    lines = _thinned(_by_step(read_lines(folder.metrics)))
    axes = {name: [_number(line.get(name)) for line in lines] for name in ("step", "images", "seconds")}
    values = [line["values"] if isinstance(line.get("values"), Mapping) else {} for line in lines]
    return {**axes, "values": {name: [_number(line.get(name), SCORE_DIGITS) for line in values] for name in names}}


def loss_curve(folder: TrialFolder) -> dict[str, list[float | None]]:
    """Reports in the order of their steps: ``step``, the discriminator's loss ``d``, the generator's ``g``."""
    lines = _thinned(_by_step(read_lines(folder.progress)))
    names = {"step": "step", "d": "d_loss", "g": "g_loss"}
    return {short: [_number(line.get(name)) for line in lines] for short, name in names.items()}


def rounded(value: float, digits: int = DIGITS) -> float:
    """A few significant digits; five are more than a chart can draw."""
    short = float(f"{value:.{digits}g}")
    return short if math.isfinite(short) else value  # the largest floats would be rounded up to infinity


def _by_step(lines: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    known = [line for line in lines if _number(line.get("step")) is not None]
    return sorted(known, key=lambda line: line["step"])


def _thinned(lines: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """At most :data:`MAX_POINTS` of them, evenly chosen, the last among them.

    Every second, fourth, eighth, ...: so seeds of one schedule and of different lengths keep steps in common.
    """
    stride = 1
    while -(-len(lines) // stride) >= MAX_POINTS and len(lines) > MAX_POINTS:
        stride *= 2
    chosen = lines[::stride]
    return chosen if not lines or chosen[-1] is lines[-1] else [*chosen, lines[-1]]


def _number(value: Any, digits: int = DIGITS) -> float | None:
    number = as_number(value)
    if number is None:
        return None
    return value if isinstance(value, int) else rounded(number, digits)
