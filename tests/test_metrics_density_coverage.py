"""Density and coverage."""

import math

import pytest
import torch

from ganbench.metrics.density_coverage import DensityCoverage, density_coverage
from tests.features import evidence, rows


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


def test_a_fake_at_the_edge_of_a_ball_is_not_in_it() -> None:
    """Real samples at 0, 1 and 3 with balls of radius 1, 1 and 2: a fake at 2 is at the edge of the second."""
    real, fake = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([[2.0]])
    density, coverage = density_coverage(fake, real, 1)
    assert density == 1.0
    assert coverage == pytest.approx(1 / 3)


def test_the_metric_gives_both() -> None:
    fake, real = (evidence(rows(60, seed)) for seed in (0, 1))
    density, coverage = density_coverage(rows(60, 0), rows(60, 1), 5)
    assert DensityCoverage().compute(fake, real) == {"density": density, "coverage": coverage}
    five = evidence(rows(5, 2))
    assert all(math.isnan(value) for value in DensityCoverage().compute(fake, five).values())
    assert DensityCoverage().compute(five, real)["density"] >= 0, "few fakes have no neighbourhood to lack"


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
