"""How a metric is tried: the two sides of a comparison, of samples around known modes, scored as in an evaluation."""

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from ganbench.api import Evidence, Metric, Mixture, Queried
from ganbench.evaluation.features import Extracted
from ganbench.evaluation.images import to_uint8
from ganbench.evaluation.isolation import own_global_stream
from ganbench.evaluation.needs import uses_extractor
from ganbench.testing.kit import Flaw, Subject
from ganbench.testing.metric_generators import SmallGenerator, latents, points_at

CPU = torch.device("cpu")
SEVERITIES = (0.0, 0.25, 0.5, 1.0)
DEGRADATIONS = ("lost modes", "noise", "copies of training samples")
CLASSES, DIMENSION, N = 4, 8, 300
IMAGES = ((1, 16, 16), (3, 16, 16), (1, 28, 28), (3, 32, 32))
VECTORS = ((DIMENSION,), (2,), (3,), (1,))
"""Shapes of samples to show a metric, of which the first that its check() does not refuse is taken."""


def evidence(
    *,
    samples: Tensor | None = None,
    features: Tensor | None = None,
    logits: Tensor | None = None,
    labels: Tensor | None = None,
    mixture: Mixture | None = None,
    train: Evidence | None = None,
    generator: Queried | None = None,
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
        generator=generator,
    )


@dataclass(frozen=True)
class Sides:
    """What a metric is shown: samples of a shape that it takes, and what it declares to need.

    Attributes:
        metric: the metric.
        given: the shape of one sample as its author gives it, (C, H, W) or (D,); else the first that its check() takes.
        traits: of the generator that a metric with this need is shown, as in :class:`SmallGenerator`.
    """

    metric: Metric
    given: Sequence[int] | None = None
    traits: Mapping[str, Any] = field(default_factory=dict)

    @property
    def images(self) -> bool:
        """Whether samples must be images."""
        return "images" in self.metric.needs

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes that may be shown, in the order in which they are tried."""
        if self.given is not None and (len(self.given) == 3) == self.images:
            return (tuple(self.given),)
        return IMAGES if self.images else VECTORS

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the samples that are shown."""
        if uses_extractor(self.metric):  # what check() is told is the number of features
            return self.shapes[0]
        return next((shape for shape in self.shapes if not refuses(self.metric, math.prod(shape))), self.shapes[0])

    @property
    def dimension(self) -> int:
        """The dimension that check() is told: the number of features, else that of values in a sample."""
        return 64 if uses_extractor(self.metric) else math.prod(self.shape)

    def with_needs(self, needs: set[Any]) -> "Sides":
        """The same for a metric that declares other needs."""
        metric = copy(self.metric)
        vars(metric)["needs"] = tuple(needs)
        return replace(self, metric=metric)

    def fakes(self, seed: int = 7, n: int = N, *, classes: int = CLASSES, noise: float = 0.0) -> Extracted:
        """Generated samples; see :func:`draw`, or those of a generator where the metric queries it."""
        if "generator" in self.metric.needs:
            return self._declared(self._generated(seed, n, classes, noise))
        return self._declared(self._draw(seed, n, classes, noise))

    def collapsed(self) -> Extracted:
        """Generated samples that are all the same."""
        side = rows(self.fakes(), torch.zeros(N, dtype=torch.int64))
        if not isinstance(side.generator, SmallGenerator):
            return side
        return replace(side, generator=replace(side.generator, collapsed=True))

    def reference(self, n: int = N, *, seed: int = 101, classes: int = CLASSES) -> Extracted:
        """The real side, with as many training samples beside it."""
        training = self._draw(seed + 1, n, classes)
        return self._declared(replace(self._draw(seed, n, classes), train=training), real=True)

    def degraded(self, what: str, severity: float) -> Extracted:
        """Generated samples that are worse the higher the severity from 0 to 1; ``what`` is of :data:`DEGRADATIONS`."""
        if what == "lost modes":  # none, one, two, all but one
            return self.fakes(classes=max(1, round(CLASSES * (1 - severity))))
        if what == "noise":
            return self.fakes(noise=severity)
        count = int(severity * N)
        return joined(rows(self.fakes(102), slice(count)), rows(self.fakes(), slice(count, None)))

    def _draw(self, seed: int, n: int, classes: int, noise: float = 0.0) -> Extracted:
        return draw(seed, n, classes=classes, noise=noise, dimension=self._points)

    def _generated(self, seed: int, n: int, classes: int, noise: float) -> Extracted:
        """What a small generator makes of n latent points, and the generator."""
        means = _means(self._points)
        render = partial(_rendered, shape=self.shape) if self.images else Tensor.clone
        # Of a conditional generator each class has its mode, and some classes look like others where modes are lost.
        chosen = means[torch.arange(CLASSES) % classes] if self.traits.get("classes") else means[:classes]
        extracts = uses_extractor(self.metric)
        generator = SmallGenerator(means=chosen, render=render, noise=noise, extracts=extracts, **self.traits)
        labels = torch.arange(n) % CLASSES
        points = points_at(generator, latents(generator, n, seed), labels if generator.classes else None)
        logits = -2 * torch.cdist(points, means)
        mixture = Mixture(means=means, sigma=0.3)
        return evidence(features=points, logits=logits, labels=labels, mixture=mixture, generator=generator)

    @property
    def _points(self) -> int:
        """The dimension of the points that samples are made of."""
        return DIMENSION if self.images else self.shape[0]

    def _declared(self, side: Extracted, *, real: bool = False) -> Extracted:
        """What a run has of the fakes, or of the ``real`` side: samples, and what the metric declares to need."""
        needs = self.metric.needs
        train = side.train if "train" in needs else None
        return replace(
            side,
            samples=as_images(side.samples, self.shape) if self.images else side.samples,
            # One network gives both features and class outputs.
            features=side.features if uses_extractor(self.metric) else None,
            logits=side.logits if "logits" in needs else None,
            labels=side.labels if ("labels" if real else "fake_labels") in needs else None,
            mixture=side.mixture if "mixture" in needs else None,
            generator=side.generator if "generator" in needs else None,
            train=self._declared(train, real=True) if train is not None else None,
        )


def build(subject: Subject) -> Metric:
    """Return a fresh instance."""
    return cast(Metric, subject.build())


def shown(subject: Subject) -> Sides:
    """What a fresh instance is shown."""
    metric = build(subject)
    # Fakes have labels only of a generator that got them.
    traits = {"classes": CLASSES} if {"generator", "fake_labels"} <= set(metric.needs) else {}
    return Sides(metric, subject.expected.get("shape"), traits)


def headline(metric: Metric) -> str | None:
    """Its first score: the first value with a direction; ``None`` where it gives no score."""
    return next((name for name, value in metric.values.items() if value.direction), None)


def compute(metric: Metric, fake: Evidence, reference: Evidence) -> dict[str, float]:
    """Compute as an evaluation does: torch's and numpy's global streams at a fixed start."""
    with own_global_stream(0, CPU):
        found: Any = metric.compute(fake, reference)
    if not isinstance(found, dict) or set(found) != set(metric.values):
        got = sorted(found) if isinstance(found, dict) else type(found).__name__
        raise Flaw(
            f"compute() returns {got} but declares {sorted(metric.values)}; a column of a table would be missing"
        )
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Flaw(f"compute() returns {type(value).__name__} for '{name}', but must return a float")
    return found


def close(found: float, wanted: float) -> bool:
    """Whether two values are equal up to rounding, or both undefined."""
    return math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-9) or (math.isnan(found) and math.isnan(wanted))


def refuses(metric: Metric, dimension: int, *, real: int = 100_000) -> bool:
    """Whether check() refuses 100,000 fakes and so many real samples; another check looks at what else it raises."""
    try:
        metric.check(fakes=100_000, reference=real, dimension=dimension, classes=10)
    except ValueError:
        return True
    except Exception:
        return False
    return False


def draw(seed: int, n: int = N, *, classes: int = CLASSES, noise: float = 0.0, dimension: int = DIMENSION) -> Extracted:
    """Draw one side: points around ``classes`` of the modes of a mixture, a share ``noise`` of them anywhere."""
    rng = torch.Generator().manual_seed(seed)
    means = _means(dimension)
    labels = torch.randint(classes, (n,), generator=rng)
    points = means[labels] + 0.3 * torch.randn(n, dimension, generator=rng)
    anywhere = means.mean(0) + 6 * torch.randn(n, dimension, generator=rng)
    stray = torch.rand(n, generator=rng) < noise
    points = torch.where(stray[:, None], anywhere, points)
    logits = -2 * torch.cdist(points, means)
    logits = torch.where(stray[:, None], logits * 0, logits)
    return evidence(features=points, logits=logits, labels=labels, mixture=Mixture(means=means, sigma=0.3))


def as_images(points: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return points (N, DIMENSION) as uint8 images (N, C, H, W): each number is the strength of a pattern."""
    return to_uint8(_rendered(points, shape))


def _rendered(points: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The same images in [-1, 1], before they are rounded."""
    patterns = torch.randn(DIMENSION, shape[0], 4, 4, generator=torch.Generator().manual_seed(55))
    smooth = torch.nn.functional.interpolate(patterns, size=shape[1:], mode="bilinear")
    return torch.tanh(torch.einsum("nd,dchw->nchw", points, smooth) / 4)


def rows(side: Extracted, index: Tensor | slice) -> Extracted:
    """Some of the samples, with all that is known of them."""
    parts: dict[str, Any] = {name: tensor[index] for name, tensor in _by_sample(side).items()}
    return Extracted(mixture=side.mixture, train=side.train, generator=side.generator, **parts)


def joined(first: Extracted, second: Extracted) -> Extracted:
    """The samples of both, with all that is known of them; what has no row for each is the second's."""
    others = _by_sample(second)
    parts: dict[str, Any] = {name: torch.cat([old, others[name]]) for name, old in _by_sample(first).items()}
    return Extracted(mixture=second.mixture, train=second.train, generator=second.generator, **parts)


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


def _means(dimension: int) -> Tensor:
    """Modes (CLASSES, dimension), far from one another."""
    if dimension >= CLASSES:
        return 4 * torch.eye(CLASSES, dimension)
    if dimension == 1:
        return torch.tensor([[-6.0], [-2.0], [2.0], [6.0]])
    corners = torch.tensor([[2.0, 2.0, 2.0], [-2.0, -2.0, 2.0], [-2.0, 2.0, -2.0], [2.0, -2.0, -2.0]])
    return corners[:, :dimension]


def _by_sample(side: Extracted) -> dict[str, Tensor]:
    """The tensors with a row per sample, by name."""
    found = {"samples": side.samples, "features": side.features, "logits": side.logits, "labels": side.labels}
    return {name: tensor for name, tensor in found.items() if tensor is not None}
