"""FID, its bias and its error."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

from ganbench.evaluation.features import Extracted
from ganbench.metrics.fid import FID, GroupedMoments, frechet, jackknife


def features(n: int, dimension: int, seed: int, shift: float = 0.0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    mixing = torch.randn(dimension, dimension, generator=torch.Generator().manual_seed(99)) / dimension**0.5
    return torch.randn(n, dimension, generator=rng) @ mixing + shift


def evidence(rows: Tensor) -> Extracted:
    return Extracted(samples=torch.zeros(len(rows), 1), features=rows)


def moments(rows: Tensor) -> tuple[np.ndarray, np.ndarray]:
    data = rows.double().numpy()
    return data.mean(axis=0), np.cov(data, rowvar=False)


@pytest.mark.parametrize(("n", "groups"), [(300, 10), (300, 0), (16, 2), (17, 2), (15, 10)])
def test_plain_value_is_torch_fidelitys(n: int, groups: int) -> None:
    fake, real = features(n, 16, 0, 0.1), features(301, 16, 1)
    expected = fid_statistics_to_metric(fid_features_to_statistics(fake), fid_features_to_statistics(real), False)
    found = FID(groups=groups).compute(evidence(fake), evidence(real))["fid"]
    if n <= 16 or not groups:
        assert found == expected["frechet_inception_distance"]
    else:
        assert found == pytest.approx(expected["frechet_inception_distance"], rel=1e-9)


@pytest.mark.parametrize("n", [10, 40, 400])
def test_symmetric_form_agrees_also_where_the_covariance_is_singular(n: int) -> None:
    fake, real = features(n, 20, 0, 0.3), features(n, 20, 1)
    ours = frechet(*moments(fake), *moments(real))
    theirs = fid_statistics_to_metric(
        fid_features_to_statistics(fake.double()), fid_features_to_statistics(real.double()), False
    )
    # Their eigenvalues of a singular product are right to the root of the rounding error.
    assert ours == pytest.approx(theirs["frechet_inception_distance"], abs=1e-9 if n > 20 else 1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.floats(-3, 3))
def test_zero_for_equals_symmetric_and_a_squared_shift(seed: int, dimension: int, shift: float) -> None:
    first, second = features(40, dimension, seed), features(40, dimension, seed + 1)
    a, b = moments(first), moments(second)
    if dimension > 1:
        assert frechet(*a, *a) == pytest.approx(0, abs=1e-6)
        assert frechet(*a, *b) == pytest.approx(frechet(*b, *a), abs=1e-6)
        assert frechet(a[0] + shift, a[1], *a) == pytest.approx(dimension * shift**2, abs=1e-6)


def test_groups_downdate_exactly() -> None:
    rows = features(103, 7, 0, 5.0)
    grouped = GroupedMoments(rows, 10)
    order = np.random.RandomState(2020).permutation(103)
    for group, left_out in enumerate(np.array_split(order, 10)):
        mean, covariance = grouped.without(group)
        expected = moments(rows[torch.from_numpy(np.delete(np.arange(103), left_out))])
        np.testing.assert_allclose(mean, expected[0], rtol=1e-9)
        np.testing.assert_allclose(covariance, expected[1], rtol=1e-8, atol=1e-10)


@pytest.mark.slow
def test_jackknife_removes_the_bias_and_its_error_is_calibrated() -> None:
    pairs = [(features(400, 16, 2 * seed), features(400, 16, 2 * seed + 1)) for seed in range(60)]
    plain = np.array([frechet(*moments(a), *moments(b)) for a, b in pairs])
    debiased, errors = np.array([jackknife(GroupedMoments(a, 10), GroupedMoments(b, 10)) for a, b in pairs]).T
    assert abs(debiased.mean()) < 0.1 * plain.mean()
    assert errors.mean() == pytest.approx(debiased.std(), rel=0.5)


def test_too_few_samples_are_flagged_or_refused() -> None:
    assert FID().check(fakes=1000, reference=1000, dimension=64, classes=10) is None
    note = FID().check(fakes=1000, reference=2048, dimension=2048, classes=10)
    assert note is not None
    assert "singular" in note
    with pytest.raises(ValueError, match="at least 2"):
        FID().check(fakes=1, reference=10, dimension=2, classes=0)


def test_without_groups_the_error_is_unknown() -> None:
    found = FID(groups=0).compute(evidence(features(50, 3, 0)), evidence(features(50, 3, 1)))
    assert math.isnan(found["fid_stderr"])
    assert math.isnan(found["fid_debiased"])
    with pytest.raises(ValueError, match="groups must be 0 or at least 2"):
        FID(groups=1)
