"""Density and coverage."""

import pytest
import torch
from torch import Tensor

from ganbench.metrics.density_coverage import density_coverage


def rows(n: int, seed: int, dimension: int = 6) -> Tensor:
    return torch.randn(n, dimension, generator=torch.Generator().manual_seed(seed))


def test_density_and_coverage() -> None:
    real = rows(400, 0)
    density, coverage = density_coverage(rows(400, 1), real, 5)
    assert density == pytest.approx(1, abs=0.15)
    assert coverage > 0.9
    assert density_coverage(real + 100, real, 5) == (0.0, 0.0)
    collapsed = density_coverage(real[:1].repeat(400, 1), real, 5)
    assert collapsed[1] < 0.1
    outlier = torch.cat([real, torch.full((1, 6), 50.0)])
    assert density_coverage(rows(400, 1), outlier, 5)[0] == pytest.approx(density, abs=0.6)


@pytest.mark.parametrize("nearest", [1, 5])
def test_both_are_those_of_the_definition(nearest: int) -> None:
    """Equations 3 and 4 of the paper, sample by sample."""
    fake, real = rows(70, 0, 3) * 0.8, rows(50, 1, 3)
    inside = reached = 0
    for index, centre in enumerate(real.double()):
        others = torch.cat([real[:index], real[index + 1 :]]).double()
        radius = (others - centre).norm(dim=1).sort().values[nearest - 1]
        count = int(((fake.double() - centre).norm(dim=1) < radius).sum())
        inside, reached = inside + count, reached + (count > 0)
    density, coverage = density_coverage(fake, real, nearest)
    assert density == pytest.approx(inside / (nearest * 70))
    assert coverage == pytest.approx(reached / 50)
    assert 0 < coverage < 1
