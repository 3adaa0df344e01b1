"""What a metric must do: known values, and worse numbers for worse samples.

``expected`` may hold ``known``: a list of (fake, reference, {name: value}), made with :func:`evidence`.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from ganbench.api import Evidence, Metric, Mixture, Value
from ganbench.evaluation.features import Extracted
from ganbench.evaluation.isolation import own_global_stream
from ganbench.testing.kit import Flaw, NotApplicable, Subject

NEEDS = ("features", "logits", "labels", "mixture", "train")
SEVERITIES = (0.0, 0.25, 0.5, 1.0)
CLASSES, DIMENSION, N = 4, 8, 300
CPU = torch.device("cpu")


def evidence(
    *,
    samples: Tensor | None = None,
    features: Tensor | None = None,
    logits: Tensor | None = None,
    labels: Tensor | None = None,
    mixture: Mixture | None = None,
    train: Evidence | None = None,
) -> Extracted:
    """Return one side of a comparison, as metrics get it; without samples, the features are the samples."""
    data = samples if samples is not None else features
    if data is None:
        raise ValueError("evidence needs samples or features")
    return Extracted(
        samples=data,
        features=features,
        logits=logits,
        labels=labels,
        mixture=mixture,
        train=cast(Extracted | None, train),
    )


def build(subject: Subject) -> Metric:
    """Return a fresh instance."""
    return cast(Metric, subject.build())


def compute(metric: Metric, fake: Evidence, reference: Evidence) -> dict[str, float]:
    """Compute as an evaluation does: torch's and numpy's global streams at a fixed start."""
    with own_global_stream(0, CPU):
        found: Any = metric.compute(fake, reference)
    if not isinstance(found, dict) or set(found) != set(metric.values):
        got = sorted(found) if isinstance(found, dict) else type(found).__name__
        raise Flaw(f"compute() returns {got} and declares {sorted(metric.values)}; a table would lack or lose a column")
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Flaw(f"compute() returns {type(value).__name__} for '{name}', not a float; it could not be stored")
    return found


def draw(seed: int, n: int = N, *, classes: int = CLASSES, noise: float = 0.0) -> Extracted:
    """Draw one side: points around ``classes`` of the modes of a mixture, a share ``noise`` of them anywhere."""
    rng = torch.Generator().manual_seed(seed)
    means = _means()
    labels = torch.randint(classes, (n,), generator=rng)
    points = means[labels] + 0.3 * torch.randn(n, DIMENSION, generator=rng)
    anywhere = means.mean(0) + 6 * torch.randn(n, DIMENSION, generator=rng)
    stray = torch.rand(n, generator=rng) < noise
    points = torch.where(stray[:, None], anywhere, points)
    logits = -2 * torch.cdist(points, means)
    logits = torch.where(stray[:, None], logits * 0, logits)
    return evidence(features=points, logits=logits, labels=labels, mixture=Mixture(means=means, sigma=0.3))


def reference() -> Extracted:
    """The real side, with training samples beside it."""
    held_out, train = draw(101), draw(102)
    return Extracted(
        samples=held_out.samples,
        features=held_out.features,
        logits=held_out.logits,
        labels=held_out.labels,
        mixture=held_out.mixture,
        train=train,
    )


def fewer_classes(severity: float) -> Extracted:
    """Samples that have lost modes: none, one, two, all but one."""
    return draw(7, classes=max(1, round(CLASSES * (1 - severity))))


def noisy(severity: float) -> Extracted:
    """Samples of which a share lies anywhere."""
    return draw(7, noise=severity)


def copies(severity: float) -> Extracted:
    """Samples of which a share are copies of training samples."""
    fresh, train = draw(7), draw(102)
    count = int(severity * N)
    assert fresh.features is not None
    assert train.features is not None
    assert fresh.logits is not None
    assert train.logits is not None
    return evidence(
        features=torch.cat([train.features[:count], fresh.features[count:]]),
        logits=torch.cat([train.logits[:count], fresh.logits[count:]]),
        mixture=fresh.mixture,
    )


DEGRADATIONS: dict[str, Callable[[float], Extracted]] = {
    "lost modes": fewer_classes,
    "noise": noisy,
    "copies of training samples": copies,
}


def declaration(subject: Subject) -> None:
    """What it returns and needs is declared in the contract's terms."""
    metric = build(subject)
    if not metric.values:
        raise Flaw("it declares no values; a table would have no column for it")
    for name, value in metric.values.items():
        if not isinstance(value, Value) or value.direction not in ("lower", "higher", None):
            raise Flaw(f"the declaration of '{name}' is not a ganbench.api.Value with a direction; ranking would fail")
        if not name.isidentifier():
            raise Flaw(f"'{name}' is no name of letters, digits and underscores; a data frame's column needs one")
    if next(iter(metric.values.values())).direction is None:
        raise Flaw("its first value, the headline, has no direction; a table could not say which row is best")
    unknown = [need for need in metric.needs if need not in NEEDS]
    if unknown:
        raise Flaw(f"it needs {' and '.join(unknown)}, and there are {', '.join(NEEDS)}; every run would be refused")
    if metric.when not in ("always", "final"):
        raise Flaw(f"when is '{metric.when}', not 'always' or 'final'; it would never be computed")


def values(subject: Subject) -> None:
    """It returns a float for each declared name; real samples are no worse than bad ones."""
    metric = build(subject)
    found = compute(metric, draw(7), reference())
    name, value = next(iter(metric.values.items()))
    if not math.isfinite(found[name]):
        raise Flaw(f"'{name}' is {found[name]} for ordinary samples; every row of a table would be empty")
    if value.percent and not 0 <= found[name] <= 1:
        raise Flaw(f"'{name}' is {found[name]:g} and shown in percent, so times 100; return a share from 0 to 1")


def known_values(subject: Subject) -> None:
    """It gives the values its author knows."""
    known = subject.expected.get("known")
    if not known:
        raise NotApplicable("no known values are given (expected = {'known': [(fake, reference, {name: value})]})")
    for fake, real, wanted in known:
        found = compute(build(subject), fake, real)
        for name, value in wanted.items():
            same = math.isnan(found[name]) if math.isnan(value) else math.isclose(found[name], value, rel_tol=1e-6)
            if not same and abs(found[name] - value) > 1e-9:
                raise Flaw(f"'{name}' is {found[name]:.9g} where {value:.9g} is known")


def severity(subject: Subject) -> str:
    """The headline gets worse with a degradation of the samples: lost modes, noise, or copies."""
    metric = build(subject)
    name, value = next(iter(metric.values.items()))
    real = reference()
    sign = 1 if value.direction == "lower" else -1
    ordered, series = [], {}
    for what, degrade in DEGRADATIONS.items():
        found = [compute(metric, degrade(severity), real)[name] for severity in SEVERITIES]
        numbers = [sign * number for number in found if math.isfinite(number)]
        slack = 0.02 * (abs(numbers[-1] - numbers[0]) if numbers else 0.0)
        rises = all(later >= earlier - slack for earlier, later in itertools.pairwise(numbers))
        if len(numbers) > 1 and rises and numbers[-1] > numbers[0] + 1e-9:
            ordered.append(what)
        series[what] = ", ".join(f"{number:.3g}" for number in found)
    if not ordered:
        listed = "; ".join(f"{what}: {numbers}" for what, numbers in series.items())
        raise Flaw(
            f"'{name}' is said to be better when {value.direction}, and no growing degradation makes it worse "
            f"({listed}); the best row of a table would not be the best generator"
        )
    return f"orders {' and '.join(ordered)}"


def repeatable(subject: Subject) -> None:
    """The same samples give the same value; it changes nothing it is given; their order does not matter."""
    metric, fake, real = build(subject), draw(7), reference()
    kept = [None if x is None else x.clone() for x in (fake.features, fake.logits, fake.samples, real.features)]
    first, second = compute(metric, fake, real), compute(metric, fake, real)
    now = (fake.features, fake.logits, fake.samples, real.features)
    if not all(a is None or (b is not None and torch.equal(a, b)) for a, b in zip(kept, now, strict=True)):
        raise Flaw("it changes the features it is given; the metrics after it would score other samples")
    for name, value in first.items():
        if not (value == second[name] or (math.isnan(value) and math.isnan(second[name]))):
            raise Flaw(
                f"'{name}' is {value:.6g} and then {second[name]:.6g} for the same samples: it draws from a stream "
                "that does not start anew; a result could not be repeated"
            )
    order = torch.randperm(N, generator=torch.Generator().manual_seed(3))
    assert fake.features is not None
    assert fake.logits is not None
    mixed = evidence(features=fake.features[order], logits=fake.logits[order], mixture=fake.mixture)
    name = next(iter(metric.values))
    shuffled = compute(metric, mixed, real)[name]
    if abs(shuffled - first[name]) > 0.05 * abs(first[name]) + 0.02:
        raise Flaw(
            f"'{name}' is {first[name]:.4g}, and {shuffled:.4g} with the same samples in another order; a score would "
            "depend on the order in which a generator draws"
        )


def counts(subject: Subject) -> None:
    """It judges sample counts in one line, and has nothing against many samples."""
    metric = build(subject)
    for n in (0, 1, 10, 100_000):
        try:
            found: Any = metric.check(fakes=n, reference=n, dimension=64, classes=10)
        except ValueError:
            if n > 1000:
                raise Flaw(f"check() refuses {n:,} samples on each side; every run would be refused") from None
            continue
        if found is not None and (not isinstance(found, str) or "\n" in found):
            raise Flaw("check() returns something else than None or one line; the warning could not be shown")


CHECKS = (declaration, values, known_values, severity, repeatable, counts)


def _means() -> Tensor:
    """Modes far from one another."""
    return 4 * torch.eye(CLASSES, DIMENSION)
