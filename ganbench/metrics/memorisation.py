"""Copies of training samples, which every other metric takes for perfect ones.

After Meehan et al. 2020 (arXiv:2004.05675): what is near to a training sample is only suspicious where fresh real
samples are not as near.
"""

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ganbench.api import Evidence, Metric, Value
from ganbench.metrics.neighbours import nearest_distances

THIN_SEED = 2020


def memorised_share(fake: Tensor, train: Tensor, held_out: Tensor, level: float) -> float:
    """Return the share of fakes that are suspiciously near to a training sample.

    A fake is suspicious when its nearest training sample is nearer than it is for all but a share ``level`` of
    held-out real samples, and nearer than its nearest held-out sample. Fresh real samples give at most about
    ``level``, a copy of the training set gives 1; a generator of prototypes, near to everything, is not accused.
    Held-out samples that are in the training set as well say nothing of fresh ones and are left out of that share.

    Args:
        fake, train, held_out: features (N, F), (M, F), (K, F).
        level: the share of false alarms accepted.

    Returns:
        the share, or NaN where every held-out sample is in the training set.
    """
    distances = nearest_distances(held_out, train)
    fresh = distances[distances > 0]
    if len(fresh) == 0:
        return math.nan
    threshold = torch.quantile(fresh, level)
    to_train = nearest_distances(fake, train)
    suspicious = (to_train < threshold) & (to_train < nearest_distances(fake, held_out))
    return float(suspicious.float().mean())


def train_preference(fake: Tensor, train: Tensor, held_out: Tensor) -> float:
    """Return how often a fake is nearer to ``train`` than to ``held_out``, both thinned to one size; a tie is a half.

    0.5 for a generator that knows no training sample better than any other real one, 1 for copies.
    """
    size = min(len(train), len(held_out))
    to_train = nearest_distances(fake, thinned(train, size))
    to_held_out = nearest_distances(fake, thinned(held_out, size))
    return float(((to_train < to_held_out).float() + (to_train == to_held_out).float() / 2).mean())


def thinned(rows: Tensor, size: int) -> Tensor:
    """Return ``size`` of the rows, always the same ones."""
    if size == len(rows):
        return rows
    return rows[torch.from_numpy(np.random.RandomState(THIN_SEED).permutation(len(rows))[:size])]


class Memorisation(Metric):
    """Share of fakes suspiciously near to a training sample (in feature space), judged by held-out real samples.

    Args:
        level: the share of fresh real samples that may look as near, in (0, 0.5].

    Raises:
        ValueError: the level is out of range.
    """

    values: ClassVar = {
        "memorised": Value(label="memorised", direction="lower", decimals=1, percent=True),
        "train_preference": Value(label="nearer to train", direction=None, decimals=1, percent=True),
    }
    needs = ("features", "train")
    when = "final"

    def __init__(self, level: float = 0.01) -> None:
        if not 0 < level <= 0.5:
            raise ValueError(f"level must be in (0, 0.5], not {level:g}")
        self.level = level

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        if min(fakes, reference) < 1:
            raise ValueError("at least one sample on each side is needed")
        if reference * self.level < 5:
            return f"{reference} held-out samples are few to find the nearest {100 * self.level:g} %"
        return None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        if reference.train is None or reference.train.features is None:
            return dict.fromkeys(self.values, math.nan)
        train = reference.train.features
        return {
            "memorised": memorised_share(fake.features, train, reference.features, self.level),
            "train_preference": train_preference(fake.features, train, reference.features),
        }
