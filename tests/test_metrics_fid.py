"""FID, its bias and its error."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

from ganbench.metrics.fid import FID, GroupedMoments, frechet, jackknife
from tests.features import evidence


def features(n: int, dimension: int, seed: int, shift: float = 0.0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    mixing = torch.randn(dimension, dimension, generator=torch.Generator().manual_seed(99)) / dimension**0.5
    found: Tensor = torch.randn(n, dimension, generator=rng) @ mixing + shift
    return found


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


@pytest.mark.parametrize("groups", [2, 5, 10])
def test_the_jackknife_is_that_of_leaving_each_group_out_on_both_sides(groups: int) -> None:
    """By moments of the rows that are left, and not of sums less a group's."""
    fake, real = features(103, 6, 0, 0.3), features(84, 6, 1)

    def kept(rows: Tensor, group: int) -> Tensor:
        parts = np.array_split(np.random.RandomState(2020).permutation(len(rows)), groups)
        return rows[torch.from_numpy(np.delete(np.arange(len(rows)), parts[group]))]

    whole = frechet(*moments(fake), *moments(real))
    partial = [frechet(*moments(kept(fake, group)), *moments(kept(real, group))) for group in range(groups)]
    mean = sum(partial) / groups
    # Quenouille's estimate, and Tukey's variance of it.
    debiased = mean - groups * (mean - whole)
    error = math.sqrt((groups - 1) / groups * sum((each - mean) ** 2 for each in partial))
    expected = pytest.approx((debiased, error), rel=1e-6)
    assert jackknife(GroupedMoments(fake, groups), GroupedMoments(real, groups)) == expected
    found = FID(groups=groups).compute(evidence(fake), evidence(real))
    assert (found["fid_debiased"], found["fid_stderr"]) == expected


def test_the_moments_of_a_reference_are_those_of_no_other() -> None:
    metric, fake = FID(groups=2), evidence(features(50, 3, 0))
    for seed in (1, 2, 1):
        reference = evidence(features(50, 3, seed, float(seed)))
        assert metric.compute(fake, reference) == FID(groups=2).compute(fake, reference)


@pytest.mark.parametrize(
    ("fakes", "reference", "unknown"),
    [
        (20, 100, []),
        (100, 20, []),
        (19, 100, ["fid_debiased", "fid_stderr"]),
        (100, 19, ["fid_debiased", "fid_stderr"]),
    ],
)
def test_each_of_ten_groups_has_two_samples_or_there_is_no_error(
    fakes: int, reference: int, unknown: list[str]
) -> None:
    assert FID().groups == 10
    found = FID().compute(evidence(features(fakes, 3, 0)), evidence(features(reference, 3, 1)))
    assert [name for name, value in found.items() if math.isnan(value)] == unknown


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
    for groups in (1, -1):
        with pytest.raises(ValueError, match=f"groups must be 0 or at least 2, not {groups}"):
            FID(groups=groups)
