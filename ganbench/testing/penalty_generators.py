"""How a penalty on the generator is tried: latent points, a small generator, and the penalty called as in training."""

import math
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganbench.api import FeaturePenalty, GeneratorPenalty
from ganbench.testing.kit import Subject
from ganbench.testing.penalty_critics import require_scalar, sample_shapes, samples
from ganbench.testing.penalty_properties import as_it_acts
from ganbench.testing.trial_streams import stream

LATENT_DIM = 5


def small_generator(shape: tuple[int, ...], *, dtype: torch.dtype = torch.float64) -> nn.Module:
    """A smooth network (N, LATENT_DIM) to (N, *shape) in [-1, 1] with ordinary weights."""
    layers = nn.Sequential(
        nn.Linear(LATENT_DIM, 6), nn.Softplus(), nn.Linear(6, math.prod(shape)), nn.Tanh(), nn.Unflatten(1, shape)
    )
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=stream(7)) * 0.4)
    return layers.to(dtype)


def latent_points(n: int, *, seed: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    """Draw z (n, LATENT_DIM)."""
    return samples(n, (LATENT_DIM,), seed=seed, dtype=dtype)


def build(subject: Subject) -> GeneratorPenalty:
    """Return a fresh instance."""
    return cast(GeneratorPenalty, subject.build())


def acting(subject: Subject) -> GeneratorPenalty:
    """Return an instance as it is before the update in which it acts."""
    penalty = build(subject)
    generator, z = batch(penalty, 4)
    found: GeneratorPenalty = as_it_acts(penalty, generator, lambda tried: term(tried, generator, z))
    return found


def batch(penalty: GeneratorPenalty, n: int, *, dtype: torch.dtype = torch.float64) -> tuple[nn.Module, Tensor]:
    """A small generator of samples that it understands, and n latent points."""
    return small_generator(sample_shapes(penalty)[0], dtype=dtype), latent_points(n, dtype=dtype)


def real_features(fake: Tensor, seed: int = 0) -> Tensor:
    """Features (N, F) of real samples, as those of fakes have them; of others with each seed."""
    return samples(len(fake), fake.shape[1:], seed=100 + seed, dtype=fake.dtype)


def term(penalty: GeneratorPenalty, generator: Any, z: Tensor, seed: int | torch.Generator = 0) -> Tensor:
    """The penalty, called as the training loop calls it, with a stream or one of a seed; to one on features, those of
    fakes are the samples, and those of real ones are drawn from the seed."""
    fake = generator(z)
    if isinstance(penalty, FeaturePenalty):
        real = real_features(fake.flatten(1), seed) if isinstance(seed, int) else real_features(fake.flatten(1))
        value = penalty.on_features(real, fake.flatten(1))
    else:
        value = penalty(generator, z, fake, stream(seed) if isinstance(seed, int) else seed)
    return require_scalar(value, "it", len(z), player="generator")
