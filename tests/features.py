"""What the tests of metrics share: rows of features, and sides of a comparison made of them."""

import torch
from torch import Tensor

from ganbench.evaluation.features import Extracted


def rows(n: int, seed: int, dimension: int = 6) -> Tensor:
    return torch.randn(n, dimension, generator=torch.Generator().manual_seed(seed))


def evidence(features: Tensor | None = None, logits: Tensor | None = None, train: Tensor | None = None) -> Extracted:
    given_rows = features if features is not None else logits
    assert given_rows is not None
    return Extracted(
        samples=torch.zeros(len(given_rows), 1),
        features=features,
        logits=logits,
        train=None if train is None else evidence(train),
    )
