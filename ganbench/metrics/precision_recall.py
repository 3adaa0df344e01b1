"""Improved precision and recall (Kynkäänniemi et al. 2019, arXiv:1904.06991)."""

import math
from typing import ClassVar

import torch
from torch import Tensor
from torch_fidelity.metric_prc import (
    KEY_METRIC_F_SCORE,
    KEY_METRIC_PRECISION,
    KEY_METRIC_RECALL,
    prc_features_to_metric,
)

from ganbench.api import Evidence, Metric, Value

LARGE = 2000
BLOCK = 1000


def precision_recall(fake: Tensor, reference: Tensor, nearest: int) -> tuple[float, float]:
    """Return precision and recall of features (N, F) against (M, F), each in [0, 1].

    The same distances as in torch-fidelity's ``calculate_precision_recall_part`` and the same values. What takes half
    the time there, the search for the ``nearest``-th neighbour, is ten times as fast here.
    """
    precision = _share_within(fake, reference, _radii(reference, nearest))
    return precision, _share_within(reference, fake, _radii(fake, nearest))


def _radii(points: Tensor, nearest: int) -> Tensor:
    """The distance (N,) of each point to its ``nearest``-th neighbour; it is its own nearest."""
    others = torch.split(points, BLOCK)
    rows = (torch.cat([torch.cdist(block, other) for other in others], dim=1) for block in others)
    return torch.cat([row.topk(nearest + 1, dim=1, largest=False).values[:, -1] for row in rows])


def _share_within(samples: Tensor, centres: Tensor, radii: Tensor) -> float:
    """The share of samples that lie in a ball around any centre."""
    found = []
    for block in torch.split(samples, BLOCK):
        within = torch.zeros(len(block), dtype=torch.bool, device=block.device)
        for some, reach in zip(torch.split(centres, BLOCK), torch.split(radii, BLOCK), strict=True):
            within |= (torch.cdist(block, some) <= reach).any(dim=1)
        found.append(within)
    return float(torch.cat(found).float().mean())


class PrecisionRecall(Metric):
    """Share of fakes within the reference's manifold and of the reference within the fakes'; torch-fidelity's.

    A manifold is a union of balls, each reaching to a sample's ``nearest``-th neighbour. Precision does not see a
    generator that repeats a few good images: recall does.

    Args:
        nearest: which neighbour.

    Raises:
        ValueError: it is less than 1.
    """

    values: ClassVar = {
        "precision": Value(label="precision", direction="higher", decimals=3),
        "recall": Value(label="recall", direction="higher", decimals=3),
        "f_score": Value(label="F-score", direction="higher", decimals=3),
    }
    when = "final"

    def __init__(self, nearest: int = 3) -> None:
        if nearest < 1:
            raise ValueError(f"nearest must be at least 1, not {nearest}")
        self.nearest = nearest

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        return check_neighbours(self.nearest, fakes, reference)

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        if min(fake.n, reference.n) <= self.nearest:
            return dict.fromkeys(self.values, math.nan)
        # In blocks: the full distance matrices of 10,000 against 10,000 take 1.5 GB and four times the time.
        if max(fake.n, reference.n) > LARGE:
            precision, recall = precision_recall(fake.features, reference.features, self.nearest)
            f_score = 2 * precision * recall / max(1e-5, precision + recall)
            return {"precision": precision, "recall": recall, "f_score": f_score}
        found = prc_features_to_metric(fake.features, reference.features, prc_neighborhood=self.nearest, verbose=False)
        return {
            "precision": float(found[KEY_METRIC_PRECISION]),
            "recall": float(found[KEY_METRIC_RECALL]),
            "f_score": float(found[KEY_METRIC_F_SCORE]),
        }


def check_neighbours(nearest: int, fakes: int, reference: int) -> str | None:
    """Judge sample counts for a metric that looks at the ``nearest``-th neighbour within each side.

    Raises:
        ValueError: there is no such neighbour.
    """
    n = min(fakes, reference)
    if n <= nearest:
        raise ValueError(f"{n} samples have no {nearest}-th neighbour; raise --num-samples")
    if n < 100 * nearest:
        return f"{n} samples are few for neighbourhoods of {nearest}"
    return None
