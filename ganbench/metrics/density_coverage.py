"""Density and coverage (Naeem et al. 2020, arXiv:2002.09797)."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.api import Evidence, Metric, Value
from ganbench.metrics.neighbours import BLOCK, Points, nearest_distances
from ganbench.metrics.precision_recall import check_neighbours


def density_coverage(fake: Tensor, reference: Tensor, nearest: int) -> tuple[float, float]:
    """Return density and coverage of features (N, F) against (M, F).

    Around each reference sample is a ball to its ``nearest``-th neighbour in the reference. Density is the mean number
    of balls a fake is in, divided by ``nearest``: 1 for the data itself, not bounded by 1. Coverage is the share of
    balls with a fake in them, in [0, 1].
    """
    radii = nearest_distances(reference, reference, nearest, same=True)
    points, fakes_in = Points(reference), torch.zeros(len(reference), dtype=torch.int64)
    for block in torch.split(fake, BLOCK):
        fakes_in += (points.distances(block) < radii).sum(dim=0)
    return int(fakes_in.sum()) / (nearest * len(fake)), float((fakes_in > 0).float().mean())


class DensityCoverage(Metric):
    """How densely fakes lie where the reference is, and how much of the reference they reach.

    Unlike precision and recall, one outlier with a huge ball does not count for much: all balls are the reference's.

    Args:
        nearest: which neighbour a ball reaches to.

    Raises:
        ValueError: it is less than 1.
    """

    values: ClassVar = {
        "density": Value(label="density", direction="higher", decimals=3),
        "coverage": Value(label="coverage", direction="higher", decimals=3),
    }
    when = "final"

    def __init__(self, nearest: int = 5) -> None:
        if nearest < 1:
            raise ValueError(f"nearest must be at least 1, not {nearest}")
        self.nearest = nearest

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        return check_neighbours(self.nearest, fakes, reference)

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        if reference.n <= self.nearest:
            return dict.fromkeys(self.values, math.nan)
        density, coverage = density_coverage(fake.features, reference.features, self.nearest)
        return {"density": density, "coverage": coverage}
