"""Metrics that query the generator: a right one passes, mistakes are caught in words that name them."""

from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from ganbench.api import Evidence, Metric, Need, Queried, Value
from ganbench.metrics.ppl import PPL
from ganbench.testing import check, evidence
from ganbench.testing.metric_generators import SmallGenerator
from tests.kit import assert_caught, failed, outcome_of


class RightQuery(Metric):
    """How far samples move with a small step of z."""

    values: ClassVar = {"slope": Value(label="slope", direction="lower")}
    needs: ClassVar[tuple[Need, ...]] = ("features", "generator")
    when = "final"
    steps = 200

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        generator = fake.generator
        assert generator is not None
        rng = torch.Generator().manual_seed(generator.seed)
        z = torch.randn(self.steps, generator.latent_dim, generator=rng)
        if generator.latent == "uniform":
            z = torch.rand(z.shape, generator=rng) * 2 - 1
        labels = torch.arange(self.steps) % generator.classes if generator.classes else None
        moved = [generator.features(point, labels) for point in (z, z + 0.01)]
        return {"slope": self.sloped(moved[1] - moved[0])}

    def sloped(self, moved: Tensor) -> float:
        return float(moved.norm(dim=1).mean()) / 0.01


class OfImages(RightQuery):
    """Looks at the pixels."""

    needs = ("images", "generator")

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        generator = fake.generator
        assert generator is not None
        z = torch.zeros(2, generator.latent_dim)
        z[1] = 0.01
        labels = torch.zeros(2, dtype=torch.int64) if generator.classes else None
        one, other = generator.samples(z, labels)
        assert one.shape == fake.samples.shape[1:] == (1, 16, 16)
        return {"slope": float((other - one).norm())}


class OfLabels(RightQuery):
    """Compares with the classes of the fakes, which a generator has that got them."""

    needs = ("features", "fake_labels", "generator")

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.labels is not None
        assert fake.generator is not None
        assert int(fake.labels.max()) < fake.generator.classes == 4
        return super().compute(fake, reference)


class Undeclared(RightQuery):
    """Queries the generator without saying so."""

    needs = ("features",)


class Unlabelled(RightQuery):
    """Never gives labels."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.generator is not None
        z = torch.randn(50, fake.generator.latent_dim)
        return {"slope": self.sloped(fake.generator.features(z + 0.01) - fake.generator.features(z))}


class OfOneWidth(RightQuery):
    """Takes the number of latent numbers for known."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        generator = fake.generator
        assert generator is not None
        z = torch.randn(50, 6)
        labels = torch.zeros(50, dtype=torch.int64) if generator.classes else None
        return {"slope": self.sloped(generator.features(z + 0.01, labels) - generator.features(z, labels))}


class OfNormal(RightQuery):
    """Knows no uniform latents."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.generator is not None
        assert fake.generator.latent == "normal", "only normal latents"
        return super().compute(fake, reference)


class Normalised(RightQuery):
    """Divides by how far the samples lie apart, which a collapsed generator's do not."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {"slope": super().compute(fake, reference)["slope"] / self._spread(fake)}

    def _spread(self, fake: Evidence) -> float:
        assert fake.generator is not None
        labels = torch.arange(50) % fake.generator.classes if fake.generator.classes else None
        return float(fake.generator.features(torch.randn(50, fake.generator.latent_dim), labels).var(dim=0).sum())


class Remembers(RightQuery):
    """Draws on where it was, as a stream of the module's own does."""

    def __init__(self) -> None:
        self._rng = torch.Generator().manual_seed(0)

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.generator is not None
        z = torch.randn(20, fake.generator.latent_dim, generator=self._rng)
        labels = torch.arange(20) % fake.generator.classes if fake.generator.classes else None
        moved = fake.generator.features(z + 0.01, labels) - fake.generator.features(z, labels)
        return {"slope": self.sloped(moved)}


class AnyLatents(RightQuery):
    """Draws z as the generator does; what it asks with is of another type, and is its own to change."""

    dtype = torch.float64

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.generator is not None
        z, labels = self.drawn(fake.generator), self.labels(fake.generator)
        first = fake.generator.features(z, labels)
        return {"slope": self.sloped(fake.generator.features(z.add_(0.01), labels) - first)}

    def drawn(self, generator: Queried) -> Tensor:
        rng = torch.Generator().manual_seed(generator.seed)
        if generator.latent == "uniform":
            return torch.rand(50, generator.latent_dim, generator=rng, dtype=self.dtype) * 2 - 1
        return torch.randn(50, generator.latent_dim, generator=rng, dtype=self.dtype)

    def labels(self, generator: Queried) -> Tensor | None:
        return torch.arange(50) % generator.classes if generator.classes else None


class WithoutExtractor(AnyLatents):
    """Asks for features without saying so."""

    needs = ("generator",)


class WithGradients(AnyLatents):
    """Wants the way back from samples to z."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.generator is not None
        z = self.drawn(fake.generator).requires_grad_()
        (slope,) = torch.autograd.grad(fake.generator.features(z, self.labels(fake.generator)).sum(), z)
        return {"slope": self.sloped(slope)}


class OneLabel(AnyLatents):
    """Gives one label for all."""

    def labels(self, generator: Queried) -> Tensor | None:
        return torch.tensor([1]) if generator.classes else None


class LabelsFromTheEnd(AnyLatents):
    """Counts classes from the last one, as indices can."""

    def labels(self, generator: Queried) -> Tensor | None:
        return -1 - torch.arange(50) % generator.classes if generator.classes else None


class AlwaysNormal(AnyLatents):
    """Never asks what z is drawn from."""

    def drawn(self, generator: Queried) -> Tensor:
        return torch.randn(50, generator.latent_dim, generator=torch.Generator().manual_seed(generator.seed))


@pytest.mark.parametrize("metric", [RightQuery, OfImages, OfLabels, AnyLatents, PPL])
def test_right_ones_pass(metric: type[Metric]) -> None:
    skip = {"severity": "it looks at one step"} if metric is OfImages else {}
    assert {name: said for name, said in failed(check(metric)).items() if name not in skip} == {}
    assert outcome_of("generators", metric).status == "ok"


def test_it_gets_worse_the_rougher_the_way_is() -> None:
    assert outcome_of("severity", PPL).message == "orders noise"


@pytest.mark.parametrize(
    ("metric", "name", "words"),
    [
        (Undeclared, "values", "it uses generator, but needs names only features"),
        (Unlabelled, "generators", "with a conditional generator of 4 classes it raises ValueError"),
        (OfOneWidth, "generators", "with a generator of other latent points, of 40 numbers it raises ValueError"),
        (OfNormal, "generators", "with a generator of uniform latent points it raises AssertionError: only normal"),
        (Normalised, "collapsed", "for fakes that are all the same it raises ZeroDivisionError"),
        (Remembers, "repeatable", "its random stream does not restart"),
        (WithoutExtractor, "values", "raises ValueError: there are no features without an extractor"),
        (WithGradients, "values", "raises RuntimeError: element 0 of tensors does not require grad"),
        (OneLabel, "generators", r"labels must have the shape (50,), one for each z, not (1,)"),
        (LabelsFromTheEnd, "generators", "labels must be 0 to 3, not -4 to -1"),
        (AlwaysNormal, "generators", "lies beyond [-1, 1]"),
    ],
)
def test_mistakes_are_caught(metric: type[Metric], name: str, words: str) -> None:
    assert_caught(metric, name, words)


def test_others_are_shown_no_generator() -> None:
    class Looks(RightQuery):
        """Notes whether there is a generator."""

        needs = ("features",)
        seen: ClassVar[list[Any]] = []

        def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
            self.seen.append(fake.generator)
            return {"slope": 0.0}

    found = outcome_of("generators", Looks)
    assert (found.status, found.message) == ("skipped", "it does not query the generator")
    outcome_of("values", Looks)
    assert Looks.seen[0] is None


def test_authors_make_evidence_with_a_generator_of_their_own() -> None:
    generator = SmallGenerator(means=torch.eye(4), render=Tensor.clone, collapsed=True)
    side = evidence(features=torch.zeros(10, 4), generator=generator)
    assert failed(check(RightQuery, known=[(side, side, {"slope": 0.0})])) == {}
    assert_caught(RightQuery, "known-values", "'slope' is 0, but 1 is", known=[(side, side, {"slope": 1.0})])
