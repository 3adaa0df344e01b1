"""Nearest neighbours."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganbench.metrics.neighbours import Points, nearest_distances


def rows(n: int, seed: int, dimension: int = 6) -> Tensor:
    return torch.randn(n, dimension, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 60), st.integers(2, 60), st.integers(0, 10**6))
def test_nearest_distances_equal_the_definition(n: int, m: int, seed: int) -> None:
    a, b = rows(n, seed), rows(m, seed + 1)
    table = (a[:, None] - b[None]).norm(dim=2)
    for nearest in (1, 2):
        expected = table.sort(dim=1).values[:, nearest - 1]
        torch.testing.assert_close(nearest_distances(a, b, nearest), expected, rtol=1e-5, atol=1e-6)
    own = (a[:, None] - a[None]).norm(dim=2).sort(dim=1).values[:, 1]
    torch.testing.assert_close(nearest_distances(a, a, 1, same=True), own, rtol=1e-5, atol=1e-6)


def test_a_copy_is_at_distance_zero() -> None:
    points = rows(500, 0, 64) + 10
    assert float(nearest_distances(points[:50], points).max()) == 0


def by_kthvalue(queries: Tensor, points: Tensor, rank: int) -> Tensor:
    """All distances in float64, and kthvalue: what published values were computed with."""
    table = torch.cdist(queries.double(), points.double(), compute_mode="use_mm_for_euclid_dist")
    return table.float().kthvalue(rank, dim=1).values


@pytest.mark.parametrize("dimension", [3, 64, 192])
def test_the_search_for_the_kth_gives_the_values_of_kthvalue(dimension: int) -> None:
    """Of features far from the origin, with copies among them, and of more than one block."""
    points = rows(700, 0, dimension).relu() + 3
    points[100:200] = points[:100]
    queries = torch.cat([points[:50], rows(400, 1, dimension) + 3])
    for nearest in (2, 3, 5):
        found = nearest_distances(queries, points, nearest)
        torch.testing.assert_close(found, by_kthvalue(queries, points, nearest), rtol=1e-6, atol=3e-6)
        own = nearest_distances(points, points, nearest, same=True)
        torch.testing.assert_close(own, by_kthvalue(points, points, nearest + 1), rtol=1e-6, atol=3e-6)
    table = torch.cdist(queries.double(), points.double()).float()
    torch.testing.assert_close(Points(points).distances(queries), table, rtol=1e-6, atol=3e-6)


def test_kthvalue_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be most of the time: a selection of the few smallest is ten times as fast."""
    monkeypatch.setattr(torch.Tensor, "kthvalue", None, raising=False)
    nearest_distances(rows(60, 0), rows(60, 1), 5)
