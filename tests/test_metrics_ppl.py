"""Perceptual path length: torch-fidelity's number, what it is of generators that are known, and what it refuses."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch_fidelity
from torch import Tensor, nn
from torch_fidelity.generative_model_base import GenerativeModelBase
from torch_fidelity.registry import SAMPLE_SIMILARITY_REGISTRY
from torch_fidelity.sample_similarity_base import SampleSimilarityBase

from ganbench.api import Evidence, Queried
from ganbench.evaluation.images import to_uint8
from ganbench.evaluation.querying import QueriedGenerator
from ganbench.extractors.embedded import Digits
from ganbench.metrics.ppl import PPL, UNIFORM
from ganbench.testing import evidence
from tests.scoring import CPU, TEST, evaluator

STEPS = 300


class Images(nn.Module):
    """From z, and a class where it has some, to varied images of 16x16."""

    def __init__(self, classes: int = 0) -> None:
        super().__init__()
        stream = torch.Generator().manual_seed(3)
        self.of_z = nn.Parameter(torch.randn(8, 256, generator=stream) * 0.5)
        self.of_class = nn.Parameter(torch.randn(max(classes, 1), 256, generator=stream))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        moved = torch.zeros(1, 256) if labels is None else self.of_class[labels]
        return torch.tanh(z @ self.of_z + moved).view(-1, 1, 16, 16)


class Bytes(GenerativeModelBase):  # type: ignore[misc]
    """What torch-fidelity takes for a generator: from z to images of 8 bits."""

    z_size, z_type, num_classes = 8, "", 0

    def __init__(self, module: nn.Module, z_type: str, num_classes: int) -> None:
        super().__init__()
        self.module = module
        type(self).z_type, type(self).num_classes = z_type, num_classes

    def forward(self, z: Tensor, *labels: Tensor) -> Tensor:
        return to_uint8(self.module(z, *labels))


class OfDigits(SampleSimilarityBase):  # type: ignore[misc]
    """The squared distance of the embedded network's features, registered as a user of torch-fidelity would."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name)
        self.network = Digits().build(["64"])

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        difference: Tensor = self.network(one)[0] - self.network(other)[0]
        return difference.square().sum(dim=1)


def queried(module: nn.Module, **more: Any) -> QueriedGenerator:
    return QueriedGenerator(**{"module": module, "device": CPU, "latent_dim": 8, "latent": "normal", "classes": 0,
                               "seed": 41, **more})  # fmt: skip


@pytest.mark.parametrize(
    ("classes", "latent", "interpolation"),
    [(0, "normal", "lerp"), (0, "normal", "slerp_any"), (5, "normal", "lerp"), (5, "uniform", "lerp")],
)
def test_the_number_is_torch_fidelitys(
    classes: int, latent: str, interpolation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = Images(classes)
    labels = torch.arange(len(TEST)) % classes if classes else None
    fakes = module(torch.zeros(len(TEST), 8), labels)
    score = evaluator({"ppl": PPL(samples=STEPS, interpolation=interpolation)})
    asked = queried(module, classes=classes, latent=latent)
    found = score.score(fakes, final=True, labels=labels, generator=asked)

    monkeypatch.setitem(SAMPLE_SIMILARITY_REGISTRY, "of-digits", OfDigits)
    percentile = np.percentile

    def as_before(values: Any, percent: float, interpolation: str) -> Any:
        """By the keyword that numpy 2.4 no longer has, and torch-fidelity 0.4 uses."""
        return percentile(values, percent, method=interpolation)  # type: ignore[call-overload]

    monkeypatch.setattr(np, "percentile", as_before)
    theirs = torch_fidelity.calculate_metrics(
        input1=Bytes(module, {"normal": "normal", "uniform": UNIFORM}[latent], classes), ppl=True,
        input1_model_num_classes=classes, input1_model_num_samples=STEPS, ppl_epsilon=0.03,
        ppl_z_interp_mode=interpolation, ppl_sample_similarity="of-digits", rng_seed=asked.seed, cuda=False,
        verbose=False,
    )  # fmt: skip
    assert found["ppl"] == pytest.approx(theirs["perceptual_path_length_mean"], rel=1e-5)
    assert found["ppl_std"] == pytest.approx(theirs["perceptual_path_length_std"], rel=1e-5)
    assert found["ppl"] > 1


class Straight:
    """A generator whose features are z times a matrix (latent_dim, F)."""

    classes, seed = 0, 7

    def __init__(self, matrix: Tensor) -> None:
        self.matrix, self.latent_dim = matrix, len(matrix)
        self.latent: Any = "normal"

    def samples(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        raise AssertionError

    def features(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return z @ self.matrix


def side(generator: Queried, n: int = 5000) -> Evidence:
    return evidence(features=torch.zeros(n, 2), generator=generator)


@pytest.mark.parametrize(("latent", "bound", "spread"), [("uniform", 1, 1 / 3), ("normal", 6, 1)])
def test_steps_begin_where_the_generators_latent_points_are(latent: str, bound: float, spread: float) -> None:
    asked = []

    class Seen(Straight):
        def features(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
            asked.append(z)
            return super().features(z)

    generator = Seen(torch.eye(8))
    generator.latent = latent
    PPL().compute(side(generator, 1000), side(generator))
    first = torch.cat(asked[::2])
    assert first.shape == (1000, 8)
    assert float(first.abs().max()) <= bound
    assert float(first.mean()) == pytest.approx(0, abs=0.05)
    assert float(first.var()) == pytest.approx(spread, rel=0.05)


def test_a_straight_way_has_the_length_of_its_matrix_whatever_the_step() -> None:
    """E|A(b - a)|² = 2|A|² for a and b from N(0, I); half of the outliers that are left out are the largest."""
    matrix = torch.randn(64, 30, generator=torch.Generator().manual_seed(0))
    found = [PPL(epsilon=epsilon).compute(side(Straight(matrix)), side(Straight(matrix))) for epsilon in (0.03, 0.5)]
    assert found[0]["ppl"] == pytest.approx(2 * float(matrix.square().sum()), rel=0.02)
    assert found[0] == pytest.approx(found[1], rel=1e-3)
    # A sum of 64 squares spreads by sqrt(2 / 64), more where the matrix weighs them unequally.
    assert 0.17 < found[0]["ppl_std"] / found[0]["ppl"] < 0.35


def test_one_percent_at_each_end_is_left_out() -> None:
    far = torch.diag(torch.tensor([1.0, 1.0]))
    metric, generator = PPL(), Straight(far)
    distances = np.sort(metric.distances(generator, 1000))
    # As torch-fidelity does it: the neighbours below the first and above the 99th percentile stay.
    kept = distances[9:991]
    found = metric.compute(side(generator, 1000), side(generator, 1000))
    assert found == pytest.approx({"ppl": kept.mean(), "ppl_std": kept.std()}, rel=1e-5)
    assert found["ppl"] < distances.mean()


def test_as_many_steps_as_fakes_unless_a_number_is_given() -> None:
    generator = Straight(torch.eye(2))
    found = [PPL(samples=samples).compute(side(generator, n), side(generator)) for samples, n in
             ((0, 400), (400, 9), (0, 9))]  # fmt: skip
    assert found[0] == found[1] != found[2]


def test_the_seed_of_the_generator_draws_the_steps() -> None:
    one, other = Straight(torch.eye(2)), Straight(torch.eye(2))
    other.seed = 8
    same, changed = (PPL().compute(side(each, 400), side(each)) for each in (one, other))
    assert PPL().compute(side(one, 400), side(one)) == same != changed


def test_a_collapsed_generator_has_no_way_to_go_and_one_with_noise_of_its_own_none_for_the_noise() -> None:
    def constant(z: Tensor) -> Tensor:
        return torch.zeros(len(z), 1, 16, 16)

    def noise(z: Tensor) -> Tensor:
        return torch.randn(len(z), 1, 16, 16)

    class Module(nn.Module):
        def __init__(self, work: Any) -> None:
            super().__init__()
            self.forward = work

    score = evaluator({"ppl": PPL(samples=50)})
    for work in (constant, noise):
        fakes = torch.zeros(20, 1, 16, 16)
        found = score.score(fakes, final=True, generator=queried(Module(work)))
        assert found == {"ppl": 0.0, "ppl_std": 0.0}


def test_what_is_refused_and_what_is_warned_of() -> None:
    for bad in ({"samples": 1}, {"samples": -1}, {"epsilon": 0.0}, {"epsilon": 1.5}, {"epsilon": math.nan}):
        with pytest.raises(ValueError, match="must be"):
            PPL(**bad)
    # Its square is 0 in float32, and the way would be 0 / 0 long.
    with pytest.raises(ValueError, match="epsilon must be from 1e-06 to 1, not 1e-30"):
        PPL(epsilon=1e-30)
    with pytest.raises(ValueError, match="interpolation must be one of lerp, slerp_any, not 'slerp_unit'"):
        PPL(interpolation="slerp_unit")
    check = partial(PPL.check, reference=5000, dimension=64, classes=10)
    assert check(PPL(), fakes=500) is None
    assert check(PPL(), fakes=499) == "a mean over 499 steps is uncertain"
    assert check(PPL(samples=500), fakes=1) is None
    with pytest.raises(ValueError, match="PPL needs at least 2 samples; raise --num-samples"):
        check(PPL(), fakes=1)
    assert check(PPL(epsilon=1e-4), fakes=900) == (
        "what images change in steps of epsilon=0.0001 is largely rounding to 8 bits"
    )
    assert check(PPL(epsilon=0.01), fakes=900) is None
