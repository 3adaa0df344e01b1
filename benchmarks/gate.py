"""What the statistics promise, measured on scores whose truth is known: ``python -m benchmarks.gate``.

False alarms and power of ``ganbench leaderboard compare``, how often tie groups hold the true best, and how often
intervals hold the true mean. Nothing is trained: scores are drawn. Exit code 1 where a promise is broken by more than
the repetitions' own error (three standard errors: of some fifty promises one in forty is off by two by chance).
"""

import argparse
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ganbench import statistics
from ganbench.leaderboard.compare import compare
from ganbench.leaderboard.margin import Margin
from ganbench.leaderboard.unchanged import NEAR
from ganbench.protocol import Protocol
from ganbench.spec import Component, DataSpec, EvaluationSpec, Recipe, ReferenceSpec, TrialSpec
from ganbench.store.results import Row
from ganbench.store.values import ValueInfo

ALPHA = 0.05
ROWS = 4
MEAN, SD = 10.0, 0.5
SHARES = (0.05, 0.5, 1.0)
"""The relative margins that are tried."""
BETTER = (-8.0,) * (ROWS - 1)
"""Shifts of rows that pass, so that the verdict is the first row's."""
COLLAPSED = 10.0
"""How many times as bad a seed's score is that collapsed without diverging."""
Draw = Callable[[random.Random], float]

SHAPES: dict[str, Draw] = {
    "normal": lambda rng: rng.gauss(0, 1),
    # Both with mean 0 and standard deviation 1.
    "skewed": lambda rng: (
        (math.exp(rng.gauss(0, 0.75)) - math.exp(0.75**2 / 2)) / math.sqrt((math.exp(0.75**2) - 1) * math.exp(0.75**2))
    ),
    "heavy tails": lambda rng: rng.gauss(0, 1) / math.sqrt(rng.gammavariate(2, 1) / 2) / math.sqrt(2),
}


class Results:
    """Rows of trials with drawn scores: the gate is measured whole, from rows to verdict."""

    def __init__(self, seeds: int, rows: int = ROWS) -> None:
        part = {"plugin": "ganbench", "version": "0", "source": "0"}
        digits = Component(name="digits", label="digits", **part)
        fid = Component(name="fid", label="fid", **part)
        evaluation = EvaluationSpec(
            metrics=(fid,), extractor=None, extractor_sha256="", num_samples=1, every=0,
            reference=ReferenceSpec(split="test", size=1, fingerprint="0"),
        )  # fmt: skip
        protocol = Protocol(
            dataset="digits", metrics=("fid",), fidelity="0", extractor="", extractor_sha256="", reference="test",
            reference_fingerprint="0", reference_size=1, num_samples=1, weights="last", budget="",
        )  # fmt: skip
        self.templates: list[list[Row]] = []
        for number in range(rows):
            loss = Component(name=f"loss-{number}", label=f"loss-{number}", **part)
            self.templates.append([])
            for seed in range(seeds):
                spec = TrialSpec(
                    loss=loss, architecture=None, seed=seed, recipe=Recipe(), evaluation=evaluation,
                    data=DataSpec(component=digits, kind="image", shape=(1,), size=1, fingerprint="0"),
                )  # fmt: skip
                self.templates[-1].append(
                    Row(
                        trial_id=spec.trial_id, folder=Path(), spec=spec, status="done", reason="", metrics={},
                        best={}, area={}, values={"fid": ValueInfo(label="FID", direction="lower")},
                        protocol=protocol, cost={},
                    )
                )  # fmt: skip

    def draw(
        self,
        rng: random.Random,
        shape: Draw,
        shifts: Sequence[float] = (0.0,) * ROWS,
        factors: Sequence[float] = (1.0,) * ROWS,
        diverge: float = 0.0,
        collapse: Sequence[float] = (),
        spread: float = 1.0,
    ) -> list[Row]:
        """Rows with scores around ``MEAN``, each moved by its shift in standard deviations, and then multiplied.

        They spread ``spread`` times as much. Of the first row, seed by seed, ``collapse`` is the probability that its
        score is ``COLLAPSED`` times as bad.
        """
        rows = []
        for templates, shift, factor in zip(self.templates, shifts, factors, strict=False):  # of the rows there are
            for row in templates:
                if diverge and rng.random() < diverge:
                    rows.append(replace(row, status="diverged", reason="drawn"))
                else:
                    score = factor * (MEAN + SD * (spread * shape(rng) + shift))
                    first = templates is self.templates[0]
                    if first and row.seed < len(collapse) and rng.random() < collapse[row.seed]:
                        score *= COLLAPSED
                    rows.append(replace(row, metrics={"fid": score}))
        return rows


def verdicts(
    results: Results,
    repetitions: int,
    margin: Margin,
    *,
    shape: str = "normal",
    shifts: Sequence[float] = (0.0,) * ROWS,
    factors: Sequence[float] = (1.0,) * ROWS,
    diverge: float = 0.0,
    collapse: Sequence[float] = (),
    spread: float = 1.0,
    base: Results | None = None,
) -> dict[str, float]:
    """How often the gate says what, of new results that were moved, multiplied, collapsed or spread otherwise.

    The old results have as many seeds unless ``base`` is given.
    """
    rng = random.Random(f"{shape} {margin} {shifts} {factors} {diverge}{collapse or ''}")
    counts = {"pass": 0, "fail": 0, "inconclusive": 0}
    for _ in range(repetitions):
        old = (base or results).draw(rng, SHAPES[shape], diverge=diverge)
        new = results.draw(rng, SHAPES[shape], shifts, factors, diverge, collapse, spread)
        counts[compare(old, new, margin=margin, alpha=ALPHA, subset=base is not None).outcome] += 1
    return {outcome: count / repetitions for outcome, count in counts.items()}


def best_kept(repetitions: int, seeds: int, shape: str, means: Sequence[float], sds: Sequence[float]) -> list[float]:
    """How often the first tie group holds the row with the lowest mean (the first one), and its mean size."""
    rng = random.Random(f"ties {shape} {means} {sds}")
    held = size = 0
    for _ in range(repetitions):
        rows = [[mean + sd * SHAPES[shape](rng) for _ in range(seeds)] for mean, sd in zip(means, sds, strict=True)]
        group = statistics.best_set(rows, ALPHA)
        held += 0 in group
        size += len(group)
    return [held / repetitions, size / repetitions]


def covered(repetitions: int, n: int, shape: str, method: statistics.Method) -> float:
    """How often the 95 % interval of the mean holds the true mean, which is 0."""
    rng = random.Random(f"coverage {n} {shape}")
    found = 0
    for _ in range(repetitions):
        interval = statistics.interval([SHAPES[shape](rng) for _ in range(n)], 0.95, method)
        found += interval is not None and interval.low <= 0 <= interval.high
    return found / repetitions


class Report:
    """Prints what is measured, and keeps whether promises hold."""

    def __init__(self, repetitions: int) -> None:
        self.error = 3 * math.sqrt(ALPHA * (1 - ALPHA) / repetitions)
        self.broken: list[str] = []

    def at_most(self, label: str, rate: float, bound: float | None) -> None:
        """A promise: the rate is at most the bound; without one it is shown."""
        holds = bound is None or rate <= bound + self.error
        promise = "nothing is promised" if bound is None else f"promised: at most {bound:.0%}"
        print(f"  {label:66} {rate:6.1%}  ({promise}){'' if holds else '  BROKEN'}")
        if not holds:
            self.broken.append(label)

    def at_least(self, label: str, rate: float, bound: float, more: str = "") -> None:
        """A promise: the rate is at least the bound."""
        holds = rate >= bound - self.error
        print(f"  {label:66} {rate:6.1%}  (promised: at least {bound:.0%}){'' if holds else '  BROKEN'}{more}")
        if not holds:
            self.broken.append(label)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args(arguments)
    repetitions, seeds = options.repetitions, options.seeds
    report, results = Report(repetitions), Results(seeds)
    print(f"{repetitions} repetitions, {seeds} seeds, {ROWS} rows, α = {ALPHA}; σ: standard deviation over seeds")

    print("\nthe gate fails though nothing got worse by more than the margin")
    for shape in SHAPES:
        for label, margin, shift in (
            ("no change, margin 0", Margin(0.0, False), 0.0),
            ("no change, margin 1 σ", Margin(SD, False), 0.0),
            ("all rows worse by exactly the margin of 1 σ", Margin(SD, False), 1.0),
        ):
            rate = verdicts(results, repetitions, margin, shape=shape, shifts=(shift,) * ROWS)["fail"]
            report.at_most(f"{shape}: {label}", rate, ALPHA)
        for share in SHARES:
            margin, factors = Margin(share, True), (1 + share,) * ROWS
            rate = verdicts(results, repetitions, margin, shape=shape, factors=factors)["fail"]
            report.at_most(f"{shape}: all rows multiplied by {1 + share:g}, margin {margin}", rate, ALPHA)

    print("\nthe gate passes though one row got worse by the margin (the others got far better)")
    for shape in SHAPES:
        rate = verdicts(results, repetitions, Margin(2 * SD, False), shape=shape, shifts=(2.0, *BETTER))["pass"]
        report.at_most(f"{shape}: worse by exactly the margin of 2 σ", rate, ALPHA)
        for share in SHARES:
            margin, factors = Margin(share, True), (1 + share, *(1.0,) * (ROWS - 1))
            shifts = (0.0, *BETTER)
            rate = verdicts(results, repetitions, margin, shape=shape, shifts=shifts, factors=factors)["pass"]
            report.at_most(f"{shape}: multiplied by {1 + share:g}, margin {margin}", rate, ALPHA)

    print("\nthe gate passes though seeds of one row collapsed (the other rows got far better)")
    margin, shifts, twice = Margin(0.3, True), (0.0, *BETTER), 2 * seeds
    for label, collapse, bound in (
        (f"2 of {twice} seeds, margin {margin}", (1.0, 1.0), 0.0),
        # Where no seed happened to collapse, there is nothing to see.
        (f"each of {twice} seeds with a probability of 10 %, margin {margin}", (0.1,) * twice, None),
    ):
        rate = verdicts(Results(twice), repetitions, margin, shifts=shifts, collapse=collapse)["pass"]
        report.at_most(f"normal: {label}", rate, bound)

    print("\nthe gate takes a row that got worse by the margin of 1.4 σ for unchanged")
    alone = Results(1, rows=1)  # of more seeds, hundredths of these
    for shape in SHAPES:
        rate = verdicts(alone, repetitions, Margin(1.4 * SD, False), shape=shape, shifts=(1.4,))["pass"]
        report.at_most(f"{shape}: one seed alone", rate, 1 / NEAR)

    print("\na relative margin, and only the mean grew by it, not the spread")
    for shape in SHAPES:
        for share in SHARES:
            margin, shift = Margin(share, True), share * MEAN / SD
            fails = verdicts(results, repetitions, margin, shape=shape, shifts=(shift,) * ROWS)["fail"]
            passes = verdicts(results, repetitions, margin, shape=shape, shifts=(shift, *BETTER))["pass"]
            for label, rate in (("all rows worse by it, fail", fails), ("one row worse by it, pass", passes)):
                # Of skewed scores nothing is: with another spread their order says little of their means.
                bound = None if shape == "skewed" else ALPHA
                report.at_most(f"{shape}: margin {margin}, {label}", rate, bound)

    print("\nthe same with three seeds (normal)")
    few = Results(3, rows=1)
    for share in SHARES:
        margin, shift = Margin(share, True), share * MEAN / SD
        rates = verdicts(few, repetitions, margin, shifts=(shift,))
        print(f"  margin {margin}, one row, worse by it: fail {rates['fail']:6.1%}, pass {rates['pass']:6.1%}")

    print("\none row, worse by exactly the margin of 2 σ, and its new scores spread otherwise (normal)")
    alone = Results(seeds, rows=1)
    for old in (seeds, 4 * seeds):
        for spread in (0.25, 0.5, 1.0, 2.0, 4.0):
            rates = verdicts(
                alone, repetitions, Margin(2 * SD, False), shifts=(2.0,), spread=spread, base=Results(old, rows=1)
            )
            print(f"  {old} seeds against {seeds} that spread {spread:g} times as much: "
                  f"fail {rates['fail']:6.1%}, pass {rates['pass']:6.1%}")  # fmt: skip

    print("\npower: one row of four got worse, margin 0 (normal)")
    for shift in (1.0, 2.0, 3.0, 4.0):
        rates = verdicts(results, repetitions, Margin(0.0, False), shifts=(shift, *(0.0,) * (ROWS - 1)))
        print(f"  worse by {shift:g} σ: fail {rates['fail']:6.1%}, inconclusive {rates['inconclusive']:6.1%}")
    print("\npower: nothing changed (normal)")
    for wide in (1.0, 2.0, 3.0, 4.0):
        rates = verdicts(results, repetitions, Margin(wide * SD, False))
        print(f"  margin {wide:g} σ: pass {rates['pass']:6.1%}, inconclusive {rates['inconclusive']:6.1%}")
    rates = verdicts(results, repetitions, Margin(2 * SD, False), diverge=0.02)
    print(f"\nby rule, not by test: 2 % of seeds diverge before and after, and {rates['fail']:.1%} of comparisons fail")

    print("\nthe first tie group holds the true best")
    for label, shape, means, sds in (
        ("four equal rows", "normal", (0, 0, 0, 0), (1, 1, 1, 1)),
        ("steps of 0.5 σ", "normal", (0, 0.5, 1, 1.5), (1, 1, 1, 1)),
        ("steps of 1 σ", "normal", (0, 1, 2, 3), (1, 1, 1, 1)),
        ("steps of 3 σ", "normal", (0, 3, 6, 9), (1, 1, 1, 1)),
        ("steps of 0.5 σ", "skewed", (0, 0.5, 1, 1.5), (1, 1, 1, 1)),
        ("steps of 0.5 σ", "heavy tails", (0, 0.5, 1, 1.5), (1, 1, 1, 1)),
        ("the best spreads four times as much", "normal", (0, 0.5, 0.5, 0.5), (2, 0.5, 0.5, 0.5)),
        ("eight equal rows", "normal", (0,) * 8, (1,) * 8),
    ):
        held, size = best_kept(repetitions, seeds, shape, means, sds)
        report.at_least(f"{shape}: {label}", held, 1 - ALPHA, f"  {size:.1f} of {len(means)} rows in it")

    print("\n95 % intervals hold the true mean (auto: t below six values, else bootstrap)")
    for shape in SHAPES:
        for n in (3, 5, 6, 8, 10, 20):
            rates_by = {name: covered(repetitions, n, shape, name) for name in ("auto", "t", "bootstrap")}
            print(f"  {shape}, {n} seeds: " + ", ".join(f"{name} {rate:6.1%}" for name, rate in rates_by.items()))
    print("\n" + (f"broken: {'; '.join(report.broken)}" if report.broken else "every promise holds"))
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
