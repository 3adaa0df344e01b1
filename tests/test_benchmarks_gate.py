"""The gate's promises on drawn scores: the short form of ``python -m benchmarks.gate``."""

import importlib.util
import math
from pathlib import Path

from ganbench.leaderboard.margin import Margin

# The benchmarks are no part of the package, and the tests may run against an installed one.
_place = Path(__file__).parents[1] / "benchmarks" / "gate.py"
_found = importlib.util.spec_from_file_location("benchmarks_gate", _place)
assert _found is not None
assert _found.loader is not None
gate = importlib.util.module_from_spec(_found)
_found.loader.exec_module(gate)


def test_false_alarms_and_power_on_drawn_scores() -> None:
    """The short form of ``python -m benchmarks.gate``, with three standard errors of tolerance."""
    repetitions = 60
    tolerance = 3 * math.sqrt(gate.ALPHA * (1 - gate.ALPHA) / repetitions)
    results = gate.Results(5)
    for margin, shift in ((Margin(0.0, False), 0.0), (Margin(gate.SD, False), 1.0)):
        assert gate.verdicts(results, repetitions, margin, shifts=(shift,) * 4)["fail"] <= gate.ALPHA + tolerance
    assert gate.verdicts(results, repetitions, Margin(0.0, False), shifts=(5.0, 0.0, 0.0, 0.0))["fail"] > 0.9
    assert gate.verdicts(results, repetitions, Margin(5 * gate.SD, False))["pass"] > 0.9


def test_a_relative_margin_does_not_take_the_old_mean_for_the_true_one() -> None:
    """At its edge, whether the spread grew with the mean or not; with three standard errors of tolerance."""
    repetitions, margin, doubled = 150, Margin(1.0, True), gate.MEAN / gate.SD
    tolerance = 3 * math.sqrt(gate.ALPHA * (1 - gate.ALPHA) / repetitions)
    results = gate.Results(5)
    fails = gate.verdicts(results, repetitions, margin, shape="heavy tails", shifts=(doubled,) * 4)["fail"]
    passes = gate.verdicts(
        results, repetitions, margin, shape="skewed", shifts=(0.0, *gate.BETTER), factors=(2.0, 1.0, 1.0, 1.0)
    )["pass"]
    assert 0 < fails <= gate.ALPHA + tolerance
    assert 0 < passes <= gate.ALPHA + tolerance


def test_a_seed_that_collapsed_does_not_pass_for_one_of_many_that_are_fine() -> None:
    results, margin, shifts = gate.Results(10), Margin(0.3, True), (0.0, *gate.BETTER)
    assert gate.verdicts(results, 60, margin, shifts=shifts, collapse=(1.0, 1.0))["pass"] == 0
    assert gate.verdicts(results, 60, margin, shifts=shifts)["pass"] > 0.9


def test_tie_groups_hold_the_true_best() -> None:
    for shape, step in (("normal", 0.0), ("normal", 1.0), ("skewed", 0.5)):
        held, size = gate.best_kept(300, 5, shape, [index * step for index in range(4)], [1.0] * 4)
        assert held >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 300)
        assert size < 4.01 if step == 0 else size < 3.6


def test_one_seed_that_got_worse_by_the_margin_is_hardly_ever_taken_for_unchanged() -> None:
    """And a row of fewer rows takes the first shifts alone."""
    alone = gate.Results(1, rows=1)
    assert len(alone.draw(gate.random.Random(0), gate.SHAPES["normal"])) == 1
    found = gate.verdicts(alone, 300, Margin(1.4 * gate.SD, False), shifts=(1.4,))
    assert found["pass"] <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / 300)
    assert gate.verdicts(alone, 20, Margin(1e6, False))["pass"] == 1
