"""Whether test samples are copies of training samples with small changes, such as noise or rounding."""

import torch
from torch import Tensor

from ganbench.testing.kit import Flaw

LOOKED_AT = 500
"""Samples of each split whose nearest training sample is found."""
COLUMNS = 512
"""Numbers of a sample that are compared: so many pixels of two images are nearly as far apart as the whole images."""
NEAR = 0.05
"""A sample is a near copy within this share of the usual distance between neighbours in train. A grey level more or
less in each pixel is 0.02 of it in CIFAR-10 and in MNIST, and no two of their images are nearer than 0.2."""
ALLOWED = 0.05
"""The share of near copies in test beyond that within train. Points of a plane have near neighbours by chance, as many
in one split as in the other: 0.002 of those of eight Gaussians."""
PART = 10_000
"""Training samples compared at a time."""


def check(train: Tensor, test: Tensor) -> None:
    """Hold the samples of both splits, (N, ...), against those of train.

    Raises:
        Flaw: more of those in test have a near copy in train than of those in train itself.
    """
    if len(train) < 2:
        return  # no sample has a neighbour
    rng = torch.Generator().manual_seed(13)
    train, test = train.flatten(1), test.flatten(1)
    columns = torch.randperm(train.shape[1], generator=rng)[:COLUMNS]
    train, test = train[:, columns], test[:, columns]
    some, others = (torch.randperm(len(data), generator=rng)[:LOOKED_AT] for data in (train, test))
    within = _nearest(train[some], train, own=some)
    usual = within.median()
    due, found = (
        float((distances < NEAR * usual).double().mean()) for distances in (within, _nearest(test[others], train))
    )
    if found > due + ALLOWED:
        raise Flaw(
            f"{100 * found:.0f} % of the test samples have a training sample at less than {100 * NEAR:.0f} % of the "
            f"usual distance between neighbours, and {100 * due:.0f} % of the training samples: test is made of copies "
            "of train with little changed; scores against it would reward memorising"
        )


def _nearest(samples: Tensor, train: Tensor, own: Tensor | None = None) -> Tensor:
    """The distance (N,) of each sample to the nearest in ``train``, without itself, which is at ``own`` there."""
    found = torch.full((len(samples),), torch.inf, dtype=torch.float64)
    for start in range(0, len(train), PART):
        distances = torch.cdist(samples.double(), train[start : start + PART].double())
        if own is not None:
            inside = (own >= start) & (own < start + PART)
            distances[inside, own[inside] - start] = torch.inf
        found = torch.minimum(found, distances.min(dim=1).values)
    return found
