"""Penalties on the generator that are sums over their batch are told from those that are not, and those that are often
0 are seen at work."""

from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.api import GeneratorPenalty
from tests.kit import assert_caught, outcome_of


class Sum(GeneratorPenalty):
    """Of all samples."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return fake.square().sum()


class SumOfSlopes(GeneratorPenalty):
    """At all latent points."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        z = z.detach().requires_grad_()
        (slopes,) = torch.autograd.grad(generator(z).sum(), z, create_graph=True)
        return slopes.square().sum()


class SumOfPairs(GeneratorPenalty):
    """Each sample with each, and with itself."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        x = fake.flatten(1)
        return torch.exp(-torch.cdist(x, x)).sum()


class SumOfTwo(GeneratorPenalty):
    """Each sample with each other one."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return -torch.pdist(fake.flatten(1)).sum()


WRONG: list[tuple[type[GeneratorPenalty], str]] = [
    (Sum, "it is 7.8 times as large on 64 samples as on 8: it is summed over samples; take the mean"),
    (SumOfSlopes, "it is summed over samples"),
    (SumOfPairs, "it is summed over pairs of samples; take the mean"),
    (SumOfTwo, "it is summed over pairs of samples"),
]


@pytest.mark.parametrize(("penalty", "words"), WRONG, ids=[one.__name__ for one, _ in WRONG])
def test_a_sum_over_the_batch_is_caught(penalty: type[GeneratorPenalty], words: str) -> None:
    assert_caught(penalty, "reduction", words)


class SeedsItsStream(GeneratorPenalty):
    """Draws at every step what it has drawn in the first."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        rng.manual_seed(0)
        near = z + 0.1 * torch.randn(z.shape, generator=rng, device=z.device, dtype=z.dtype)
        found: Tensor = generator(near)
        return (found - fake).square().mean()


def test_one_that_seeds_its_stream_is_caught() -> None:
    assert_caught(SeedsItsStream, "repeatable", "it seeds the random stream that it is given")


class Mean(GeneratorPenalty):
    """Of all samples."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return fake.square().mean()


class MeanOfPairs(GeneratorPenalty):
    """Each sample with each other one."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return -torch.pdist(fake.flatten(1)).mean()


class OfWeights(GeneratorPenalty):
    """Sees no samples."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return torch.stack([weight.square().sum() for weight in generator.parameters()]).sum()


class Nearest(GeneratorPenalty):
    """Is larger where there are more samples, since they lie nearer to each other, and is a mean all the same."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        x = fake.flatten(1)
        apart = torch.cdist(x, x) + 1e9 * torch.eye(len(x), dtype=x.dtype, device=x.device)
        return apart.min(1).values.pow(-2).mean()


@pytest.mark.parametrize("penalty", [Mean, MeanOfPairs, OfWeights, Nearest])
def test_what_is_no_sum_passes(penalty: type[GeneratorPenalty]) -> None:
    assert outcome_of("reduction", penalty).status == "ok"


class OneSided(GeneratorPenalty):
    """Is for slopes above 1, which a generator need not have."""

    limit = 1.0

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        z = z.detach().requires_grad_()
        (slopes,) = torch.autograd.grad(generator(z).sum(), z, create_graph=True)
        above: Tensor = (slopes.norm(dim=1) - self.limit).clamp_min(0)
        return above.square().mean()


class OneSidedOfNumbers(OneSided):
    """Is detached."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return super().__call__(generator, z, fake, rng).detach()


class Hardly(OneSided):
    """Is for slopes that no generator has."""

    limit = 1e9


def test_one_that_is_often_0_is_seen_at_work() -> None:
    assert outcome_of("gradient", OneSided).status == "ok"
    assert_caught(OneSidedOfNumbers, "gradient", "it has no gradient by the generator's weights")
    assert outcome_of("gradient", Hardly).status == "skipped"
