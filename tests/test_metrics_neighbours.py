"""Nearest neighbours."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganbench.metrics.neighbours import nearest_distances


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
