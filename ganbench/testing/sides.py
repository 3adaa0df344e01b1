"""The sides of a comparison that metrics are tried on: samples around known modes, better and worse ones."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor

from ganbench.api import Evidence, Metric, Mixture
from ganbench.evaluation.features import Extracted
from ganbench.evaluation.images import to_uint8
from ganbench.evaluation.needs import uses_extractor

SEVERITIES = (0.0, 0.25, 0.5, 1.0)
CLASSES, DIMENSION, N = 4, 8, 300


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


def declared(metric: Metric, side: Extracted, *, real: bool = False) -> Extracted:
    """What every run has of the fakes, or of the ``real`` side: the samples, and what the metric says it needs."""
    train = side.train if "train" in metric.needs else None
    return replace(
        side,
        samples=as_images(side.samples) if "images" in metric.needs else side.samples,
        # One network gives both features and class outputs.
        features=side.features if uses_extractor(metric) else None,
        logits=side.logits if "logits" in metric.needs else None,
        labels=side.labels if ("labels" if real else "fake_labels") in metric.needs else None,
        mixture=side.mixture if "mixture" in metric.needs else None,
        train=declared(metric, train, real=True) if train is not None else None,
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


def reference(n: int = N, *, seed: int = 101, classes: int = CLASSES) -> Extracted:
    """The real side, with as many training samples beside it."""
    return replace(draw(seed, n, classes=classes), train=draw(seed + 1, n, classes=classes))


def fewer_classes(severity: float) -> Extracted:
    """Samples that have lost modes: none, one, two, all but one."""
    return draw(7, classes=max(1, round(CLASSES * (1 - severity))))


def noisy(severity: float) -> Extracted:
    """Samples of which a share lies anywhere."""
    return draw(7, noise=severity)


def copies(severity: float) -> Extracted:
    """Samples of which a share are copies of training samples."""
    count = int(severity * N)
    return joined(rows(draw(102), slice(count)), rows(draw(7), slice(count, None)))


def rows(side: Extracted, index: Tensor | slice) -> Extracted:
    """Some of the samples, with all that is known of them."""
    parts: dict[str, Any] = {name: tensor[index] for name, tensor in _by_sample(side).items()}
    return Extracted(mixture=side.mixture, train=side.train, **parts)


def joined(first: Extracted, second: Extracted) -> Extracted:
    """The samples of both, with all that is known of them; mixture and training samples are those of the second."""
    others = _by_sample(second)
    parts: dict[str, Any] = {name: torch.cat([old, others[name]]) for name, old in _by_sample(first).items()}
    return Extracted(mixture=second.mixture, train=second.train, **parts)


DEGRADATIONS: dict[str, Callable[[float], Extracted]] = {
    "lost modes": fewer_classes,
    "noise": noisy,
    "copies of training samples": copies,
}


def contents(side: Extracted) -> dict[str, Tensor]:
    """A copy of everything that a metric can reach, by name."""
    found = _by_sample(side)
    if side.mixture is not None:
        found["modes"] = side.mixture.means
    if side.features is not None:
        found |= {f"statistics ({name})": torch.as_tensor(value) for name, value in side.statistics().items()}
    if side.train is not None:
        found |= {f"training {name}": tensor for name, tensor in contents(side.train).items()}
    return {name: tensor.clone() for name, tensor in found.items()}


def _means() -> Tensor:
    """Modes far from one another."""
    return 4 * torch.eye(CLASSES, DIMENSION)


def _by_sample(side: Extracted) -> dict[str, Tensor]:
    """What there is of each sample."""
    found = {"samples": side.samples, "features": side.features, "logits": side.logits, "labels": side.labels}
    return {name: tensor for name, tensor in found.items() if tensor is not None}
