"""What a metric must do: known values, and worse numbers for worse samples.

``expected`` may hold ``known``: a list of (fake, reference, {name: value}), the sides made with
:func:`ganbench.testing.evidence`; and ``shape``: that of one sample it is to be shown, (C, H, W) where it needs images,
else (D,). By default it is shown the first of a few usual shapes that its ``check`` does not refuse.
"""

import itertools
import math
from typing import Any

import torch

from ganbench.errors import UsageError, with_kind
from ganbench.evaluation.needs import check_words, uses_extractor
from ganbench.testing.files import leftovers
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.metric_needs import undeclared, unrefused
from ganbench.testing.metric_queries import generators
from ganbench.testing.metric_references import references
from ganbench.testing.metric_sides import (
    DEGRADATIONS,
    SEVERITIES,
    N,
    Sides,
    build,
    close,
    compute,
    contents,
    headline,
    refuses,
    rows,
    shown,
)
from ganbench.testing.used_parameters import used_parameters

FEWER = 240
"""Samples on one side where the other has N: a run hardly ever has as many fakes as real samples."""


def declaration(subject: Subject) -> None:
    """What it returns and needs is declared in the contract's terms."""
    metric = build(subject)
    if not metric.values:
        raise Flaw("it declares no values; a table would have no column for it")
    try:
        check_words(subject.name, metric)
    except UsageError as error:
        raise Flaw(f"{error}; every run would be refused with this line") from error
    for name in metric.values:
        if not name.isidentifier():
            raise Flaw(f"'{name}' must consist of letters, digits and underscores, to be a column of a data frame")
    given = subject.expected.get("shape")
    if given is not None and (len(given) == 3) != ("images" in metric.needs):
        kind = "of images, and needs does not name images" if len(given) == 3 else "of vectors, and it needs images"
        raise Flaw(f"its shape is given as {tuple(given)}, which is one {kind}; it could not be shown such samples")
    if metric.when not in ("always", "final"):
        raise Flaw(f"when is '{metric.when}', not 'always' or 'final'; it would never be computed")


def values(subject: Subject) -> None:
    """It returns a float for each declared name; real samples are no worse than bad ones."""
    sides = shown(subject)
    metric = sides.metric
    try:
        found = compute(metric, sides.fakes(), sides.reference())
    except Exception as error:
        if told := undeclared(sides) or unrefused(sides, with_kind(error)):
            raise Flaw(told) from error
        raise
    name = headline(metric) or next(iter(metric.values))
    if not math.isfinite(found[name]):
        if told := undeclared(sides):
            raise Flaw(told)
        raise Flaw(f"'{name}' is {found[name]} for ordinary samples; it would be empty in every row of a table")
    for name, value in metric.values.items():
        if value.percent and math.isfinite(found[name]) and not 0 <= found[name] <= 1:
            raise Flaw(
                f"'{name}' is {found[name]:g}, but it is shown in percent, that is times 100; return a share from 0 "
                "to 1"
            )


def known_values(subject: Subject) -> None:
    """It gives the known values that its author states."""
    known = subject.expected.get("known")
    if not known:
        raise NotApplicable("no known values are given (expected = {'known': [(fake, reference, {name: value})]})")
    for fake, real, wanted in known:
        found = compute(build(subject), fake, real)
        for name, value in wanted.items():
            if not close(found[name], value):
                raise Flaw(f"'{name}' is {found[name]:.9g}, but {value:.9g} is the known value")


def severity(subject: Subject) -> str:
    """The headline gets worse with a degradation of the samples: lost modes, noise, or copies."""
    sides = shown(subject)
    name, real = headline(sides.metric), sides.reference()
    if name is None:
        raise NotApplicable("none of its values has a direction, so it is shown but ranks nothing")
    direction = sides.metric.values[name].direction
    sign = 1 if direction == "lower" else -1
    ordered, series = [], {}
    for what in DEGRADATIONS:
        found = [compute(sides.metric, sides.degraded(what, level), real)[name] for level in SEVERITIES]
        numbers = [sign * number for number in found if math.isfinite(number)]
        slack = 0.02 * (abs(numbers[-1] - numbers[0]) if numbers else 0.0)
        rises = all(later >= earlier - slack for earlier, later in itertools.pairwise(numbers))
        if len(numbers) > 1 and rises and numbers[-1] > numbers[0] + 1e-9:
            ordered.append(what)
        series[what] = ", ".join(f"{number:.3g}" for number in found)
    if not ordered:
        listed = "; ".join(f"{what}: {numbers}" for what, numbers in series.items())
        raise Flaw(
            f"'{name}' is declared as better when {direction}, but no growing degradation makes it worse "
            f"({listed}); the best row of a table would not be the best generator"
        )
    return f"orders {' and '.join(ordered)}"


def repeatable(subject: Subject) -> None:
    """The same samples give the same value; it changes nothing it is given; their order does not matter."""
    sides = shown(subject)
    metric, fake, other, real = sides.metric, sides.fakes(), sides.fakes(8, noise=0.5), sides.reference()
    before = contents(fake), contents(real)
    first = compute(metric, fake, real)
    now = contents(fake), contents(real)
    for side, old, new in zip(("fakes", "reference"), before, now, strict=True):
        changed = [what for what, tensor in old.items() if not torch.equal(tensor, new[what])]
        if changed:
            raise Flaw(
                f"it changes the {' and '.join(changed)} of the {side} that it is given, in place; other "
                "metrics and later evaluations would score changed samples"
            )
    compute(metric, other, real)  # a trial scores other samples between two evaluations
    second = compute(metric, fake, real)
    for name, value in first.items():
        if not (value == second[name] or (math.isnan(value) and math.isnan(second[name]))):
            raise Flaw(
                f"'{name}' is {value:.6g} and then {second[name]:.6g} for the same samples: its random stream "
                "does not restart, or it keeps something of earlier samples; a result could not be repeated"
            )
    # Drawn anew: a metric may have changed what it was given, where that is left out of the checks.
    mixed = rows(sides.fakes(), torch.randperm(N, generator=torch.Generator().manual_seed(3)))
    name = headline(metric) or next(iter(metric.values))
    shuffled = compute(metric, mixed, real)[name]
    if abs(shuffled - first[name]) > 0.05 * abs(first[name]) + 0.02:
        raise Flaw(
            f"'{name}' is {first[name]:.4g}, but {shuffled:.4g} with the same samples in another order; a score "
            "would depend on the order in which a generator draws"
        )


def collapsed(subject: Subject) -> None:
    """It takes fakes that are all the same, as an untrained or collapsed generator makes them."""
    sides = shown(subject)
    real = sides.reference()
    compute(sides.metric, sides.fakes(), real)
    try:
        compute(sides.metric, sides.collapsed(), real)
    except Flaw:
        raise
    except Exception as error:
        raise Flaw(
            f"for fakes that are all the same it raises {with_kind(error)}; the trial of a collapsed generator "
            "would fail, although it should be the worst row; return the limit, or nan"
        ) from error


def sizes(subject: Subject) -> None:
    """It takes unequal numbers of fakes and real samples, and does not grow with them."""
    sides = shown(subject)
    if _pairs(sides):
        raise NotApplicable("check() refuses unequal numbers of samples by name")
    compute(sides.metric, sides.fakes(), sides.reference())
    for fakes, reals in ((N, FEWER), (FEWER, N)):
        try:
            compute(sides.metric, sides.fakes(7, fakes), sides.reference(reals))
        except Flaw:
            raise
        except Exception as error:
            raise Flaw(
                f"it works with {N} samples on each side, but with {fakes} fakes against {reals} real samples "
                f"it raises {with_kind(error)}; nearly every run has unequal numbers"
            ) from error
    for what, twice in (("fakes", (2, 1)), ("real samples", (1, 2)), ("samples on both sides", (2, 2))):
        # Noise near 0 may double by chance, but hardly for two draws.
        if (names := _doubling(sides, twice, seed=7)) and (names := names & _doubling(sides, twice, seed=9)):
            raise Flaw(
                f"'{min(names)}' doubles with twice as many {what} from the same distribution: a sum where there "
                "should be a mean? scores of runs with other numbers of samples could not be compared"
            )


def counts(subject: Subject) -> None:
    """check() judges sample counts in one line, and does not refuse many samples."""
    sides = shown(subject)
    metric = sides.metric
    # Vectors and folders of pictures have no classes; without features the dimension is that of one sample.
    dimensions = (64,) if uses_extractor(metric) else (sides.dimension, 1)
    of = "features" if uses_extractor(metric) else "values in a sample"
    numbers = (1000, 100_000, 10, 1, 0)
    for fakes, real, dimension, classes in itertools.product(numbers, numbers, dimensions, (10, 0, 1)):
        if 0 in (fakes, real) and fakes != real:
            continue  # no run has one side without the other
        told = f"{fakes:,} fakes, {real:,} real samples, {dimension} {of} and {classes} classes"
        try:
            found: Any = metric.check(fakes=fakes, reference=real, dimension=dimension, classes=classes)
        except ValueError:
            if min(fakes, real) > 1000 and classes == 10 and dimension == sides.dimension:
                raise Flaw(
                    f"check() refuses {fakes:,} samples on each side{_of_shapes(sides)}; every run would be refused"
                ) from None
            continue
        except Exception as error:
            raise Flaw(
                f"check() raises {with_kind(error)} for {told}; it must raise a ValueError to refuse a run in "
                "one line, or a user would see a traceback"
            ) from error
        if found is not None and (not isinstance(found, str) or "\n" in found):
            raise Flaw(f"check() must return None or one line for {told}; what it returns could not be shown")


def files(subject: Subject) -> None:
    """It leaves no files behind."""
    sides = shown(subject)
    with leftovers() as left:
        compute(sides.metric, sides.fakes(), sides.reference())
    if left:
        more = f" and {len(left) - 1} more" if left[1:] else ""
        raise Flaw(
            f"compute() leaves {left[0]}{more} behind, which trials that run at the same time would share; keep "
            "it in memory, or in a temporary file that is removed (statistics() of the evidence is computed "
            "once for all metrics)"
        )


CHECKS = (
    used_parameters,
    declaration,
    values,
    known_values,
    severity,
    repeatable,
    collapsed,
    sizes,
    files,
    references,
    generators,
    counts,
)


def _pairs(sides: Sides) -> bool:
    """Whether it refuses unequal numbers of samples, but not equal ones."""
    return refuses(sides.metric, sides.dimension, real=80_000) and not refuses(sides.metric, sides.dimension)


def _of_shapes(sides: Sides) -> str:
    """If it may be the shape that is refused: which ones were tried, and how its author gives another."""
    if uses_extractor(sides.metric):
        return ""
    tried = ", ".join("x".join(map(str, shape)) for shape in sides.shapes)
    return f" of every shape tried ({tried}; others by expected = {{'shape': ...}})"


def _doubling(sides: Sides, twice: tuple[int, int], seed: int) -> set[str]:
    """The scores that double, and double once more, with twice as many fakes, real samples or both."""
    first: dict[str, float] = {}
    # What is no score, such as a count, may well double.
    names = {name for name, value in sides.metric.values.items() if value.direction}
    for power in range(3):
        fake = sides.fakes(seed, N * twice[0] ** power, classes=2, noise=0.2)
        found = compute(sides.metric, fake, sides.reference(FEWER * twice[1] ** power))
        names = {name for name in names if math.isfinite(found[name]) and abs(found[name]) > 1e-9}
        first = first or found
        # A mean stays the same, and what grows with the root of the number is 1.4 and then 2 times as large.
        names = {name for name in names if found[name] / first[name] > 0.75 * 2**power}
        if not names:
            break
    return names
