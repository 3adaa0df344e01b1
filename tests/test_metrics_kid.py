"""Kernel inception distance."""

import math

import pytest
from torch import Tensor

from ganbench.metrics.kid import KID
from tests.features import evidence, rows


def test_kid_is_about_zero_for_equals_and_grows_with_a_shift() -> None:
    found = [
        KID(subsets=20, subset_size=200).compute(evidence(rows(500, 0) + shift), evidence(rows(500, 1)))["kid"]
        for shift in (0.0, 0.3, 1.0)
    ]
    assert abs(found[0]) < 0.03
    assert found[0] < found[1] < found[2]


def test_kid_of_whole_sides_is_the_unbiased_squared_mmd_of_a_cubic_kernel() -> None:
    fake, real = rows(40, 0).double() * 1.5, rows(40, 1).double()

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3

    within = sum(float(kernel(x, x).fill_diagonal_(0).sum()) / (40 * 39) for x in (fake, real))
    expected = within - 2 * float(kernel(fake, real).mean())
    found = KID(subsets=3).compute(evidence(fake), evidence(real))
    assert found["kid"] == pytest.approx(expected, rel=1e-9)
    assert found["kid_std"] == pytest.approx(0, abs=1e-9)  # each subset is the whole


def test_as_many_subsets_are_drawn_as_were_asked_for() -> None:
    fake, real = evidence(rows(100, 0)), evidence(rows(100, 1))
    spreads = [KID(subsets=subsets, subset_size=20).compute(fake, real)["kid_std"] for subsets in (1, 2, 100)]
    assert spreads[0] == 0 < spreads[1] != spreads[2]
    assert KID().subsets == 100


def test_the_smaller_side_decides_whether_there_is_a_kid() -> None:
    one, two, many = (evidence(rows(n, seed)) for seed, n in enumerate((1, 2, 50)))
    for fake, real in ((one, many), (many, one)):
        assert all(math.isnan(value) for value in KID().compute(fake, real).values())
    for fake, real in ((two, many), (many, two)):
        assert math.isfinite(KID().compute(fake, real)["kid"])
        assert math.isnan(KID(subset_size=3).compute(fake, real)["kid"])


def test_kid_subset_sizes() -> None:
    assert [KID().size(n) for n in (500, 5000)] == [500, 1000]
    assert KID().check(fakes=5000, reference=5000, dimension=6, classes=0) is None
    assert KID().check(fakes=500, reference=5000, dimension=6, classes=0) is not None
    with pytest.raises(ValueError, match="subset_size 600 exceeds the 500 samples"):
        KID(subset_size=600).check(fakes=500, reference=5000, dimension=6, classes=0)
    small = evidence(rows(10, 0))
    assert math.isnan(KID(subset_size=600).compute(small, small)["kid"])
    for bad in ({"subsets": 0}, {"subset_size": 1}, {"subset_size": -1}):
        with pytest.raises(ValueError, match="must be"):
            KID(**bad)
