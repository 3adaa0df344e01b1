"""What a metric must do: known values, and worse numbers for worse samples.

``expected`` may hold ``known``: a list of (fake, reference, {name: value}), made with :func:`evidence`.
"""

import itertools
import math
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor

from ganbench.api import Evidence, Metric, Mixture, Value
from ganbench.evaluation.features import Extracted
from ganbench.evaluation.images import to_uint8
from ganbench.evaluation.isolation import own_global_stream
from ganbench.testing.kit import Flaw, NotApplicable, Subject

NEEDS = ("features", "logits", "labels", "mixture", "train", "images")
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


def declared(metric: Metric, side: Extracted) -> Extracted:
    """What every run has of one side: the samples, and what the metric says it needs."""
    train = side.train if "train" in metric.needs else None
    return replace(
        side,
        samples=as_images(side.samples) if "images" in metric.needs else side.samples,
        # One network gives both features and class outputs.
        features=side.features if {"features", "logits"} & set(metric.needs) else None,
        logits=side.logits if "logits" in metric.needs else None,
        labels=side.labels if "labels" in metric.needs else None,
        mixture=side.mixture if "mixture" in metric.needs else None,
        train=declared(metric, train) if train is not None else None,
    )


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


def as_images(points: Tensor) -> Tensor:
    """Return points (N, DIMENSION) as uint8 images (N, 1, 16, 16): each number is the strength of a pattern."""
    patterns = torch.randn(DIMENSION, 1, 4, 4, generator=torch.Generator().manual_seed(55))
    smooth = torch.nn.functional.interpolate(patterns, size=(16, 16), mode="bilinear")
    return to_uint8(torch.tanh(torch.einsum("nd,dchw->nchw", points, smooth) / 4))


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
    try:
        found = compute(metric, declared(metric, draw(7)), declared(metric, reference()))
    except Exception as error:
        if used := [need for need in NEEDS if need not in metric.needs and _computes_with(metric, need)]:
            raise Flaw(
                f"it uses {' and '.join(used)}, and needs names "
                f"{'only ' + ', '.join(metric.needs) if metric.needs else 'nothing'}; where a run"
                " has none, the trial would fail at its first evaluation instead of being refused by name"
            ) from error
        raise
    name, value = next(iter(metric.values.items()))
    if not math.isfinite(found[name]):
        raise Flaw(f"'{name}' is {found[name]} for ordinary samples; every row of a table would be empty")
    for name, value in metric.values.items():
        if value.percent and math.isfinite(found[name]) and not 0 <= found[name] <= 1:
            raise Flaw(f"'{name}' is {found[name]:g} and shown in percent, so times 100; return a share from 0 to 1")


def known_values(subject: Subject) -> None:
    """It gives the values its author knows."""
    known = subject.expected.get("known")
    if not known:
        raise NotApplicable("no known values are given (expected = {'known': [(fake, reference, {name: value})]})")
    for fake, real, wanted in known:
        found = compute(build(subject), fake, real)
        for name, value in wanted.items():
            undefined = math.isnan(found[name]) and math.isnan(value)
            if not undefined and not math.isclose(found[name], value, rel_tol=1e-6, abs_tol=1e-9):
                raise Flaw(f"'{name}' is {found[name]:.9g} where {value:.9g} is known")


def severity(subject: Subject) -> str:
    """The headline gets worse with a degradation of the samples: lost modes, noise, or copies."""
    metric = build(subject)
    name, value = next(iter(metric.values.items()))
    real = declared(metric, reference())
    sign = 1 if value.direction == "lower" else -1
    ordered, series = [], {}
    for what, degrade in DEGRADATIONS.items():
        found = [compute(metric, declared(metric, degrade(level)), real)[name] for level in SEVERITIES]
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
    metric = build(subject)
    drawn = draw(7)
    fake, other, real = (declared(metric, side) for side in (drawn, draw(8, noise=0.5), reference()))
    before = _contents(fake), _contents(real)
    first = compute(metric, fake, real)
    now = _contents(fake), _contents(real)
    for side, old, new in zip(("fakes", "reference"), before, now, strict=True):
        changed = [what for what, tensor in old.items() if not torch.equal(tensor, new[what])]
        if changed:
            raise Flaw(
                f"it changes the {' and '.join(changed)} of the {side} that it is given, in place; the metrics after "
                "it, and every later evaluation of the trial, would score other samples"
            )
    compute(metric, other, real)  # a trial scores other samples between two evaluations
    second = compute(metric, fake, real)
    for name, value in first.items():
        if not (value == second[name] or (math.isnan(value) and math.isnan(second[name]))):
            raise Flaw(
                f"'{name}' is {value:.6g} and then {second[name]:.6g} for the same samples: it draws from a stream "
                "that does not start anew, or keeps something of earlier samples; a result could not be repeated"
            )
    order = torch.randperm(N, generator=torch.Generator().manual_seed(3))
    assert drawn.features is not None
    assert drawn.logits is not None
    mixed = evidence(features=drawn.features[order], logits=drawn.logits[order], mixture=drawn.mixture)
    name = next(iter(metric.values))
    shuffled = compute(metric, declared(metric, mixed), real)[name]
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


def _computes_with(metric: Metric, need: str) -> bool:
    """Whether it takes everything to compute, and fails without ``need``."""
    everything, others = copy(metric), copy(metric)
    # Samples are images or vectors; they are made images only for one that may want them.
    had = (set(NEEDS) - {"images"}) | set(metric.needs) | {need}
    vars(everything)["needs"] = tuple(had)
    vars(others)["needs"] = tuple(had - {need})
    return _computes(everything) and not _computes(others)


def _computes(metric: Metric) -> bool:
    try:
        compute(metric, declared(metric, draw(7)), declared(metric, reference()))
    except Exception:  # whatever it raises where something is not there
        return False
    return True


def _contents(side: Extracted) -> dict[str, Tensor]:
    """A copy of everything that a metric can reach, by name."""
    found = {"samples": side.samples, "features": side.features, "logits": side.logits, "labels": side.labels}
    if side.mixture is not None:
        found["modes"] = side.mixture.means
    if side.features is not None:
        found |= {f"statistics ({name})": torch.as_tensor(value) for name, value in side.statistics().items()}
    if side.train is not None:
        found |= {f"training {name}": tensor for name, tensor in _contents(side.train).items()}
    return {name: tensor.clone() for name, tensor in found.items() if tensor is not None}
