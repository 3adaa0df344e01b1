"""Coverage and precision of points (Naeem et al. 2020, arXiv:2002.09797; Kynkaanniemi et al. 2019), without features.

Distances are between the samples themselves, so they mean something for points and little for images.
"""

import torch
from torch import Tensor

from ganbench.api import Evidence, Metric, Value

LIMIT = 2000
"""Points of each side that are looked at."""
SEED = 2002


def drawn(points: Tensor) -> Tensor:
    """Return at most :data:`LIMIT` of the points, always the same draw: they may come ordered by mode."""
    if len(points) <= LIMIT:
        return points
    chosen = torch.randperm(len(points), generator=torch.Generator().manual_seed(SEED))[:LIMIT]
    return points[chosen.to(points.device)]


def radii(points: Tensor, k: int) -> Tensor:
    """Return the distance of each of the points (N, D) to its ``k``-th nearest other one, (N,)."""
    return torch.cdist(points, points).kthvalue(k + 1, dim=1).values


class PointCoverage(Metric):
    """The share of real points with a generated one within reach of their ``k``-th nearest real neighbour.

    ``point_precision`` is the share of generated points that lie within reach of some real one. Fresh real points
    have a coverage of about 1 - 2^-k.

    Args:
        k: which neighbour sets the reach.

    Raises:
        ValueError: k is below 1.
    """

    values = {
        "point_coverage": Value(label="coverage", direction="higher", decimals=1, percent=True),
        "point_precision": Value(label="precision", direction="higher", decimals=1, percent=True),
    }
    needs = ()

    def __init__(self, k: int = 5) -> None:
        if k < 1:
            raise ValueError(f"k={k} must be at least 1")
        self.k = k

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        """Refuse a reference without ``k`` neighbours; warn where a share is coarse."""
        fakes, reference = min(fakes, LIMIT), min(reference, LIMIT)
        if reference <= self.k:
            raise ValueError(f"{reference} real points have no {self.k} neighbours each")
        if fakes < 1:
            raise ValueError("at least one generated point is needed")
        if fakes < reference // 2:
            return f"{fakes} generated points cannot reach {reference} real ones"
        return None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        """Return both shares."""
        real = drawn(reference.samples).flatten(1).double()
        made = drawn(fake.samples).flatten(1).double()
        reach = radii(real, self.k)
        within = torch.cdist(made, real) < reach
        return {
            "point_coverage": float(within.any(dim=0).double().mean()),
            "point_precision": float(within.any(dim=1).double().mean()),
        }
