"""Intra-FID: the mean of the FIDs of classes, what small classes do to it, and which runs it is refused for."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

from ganbench import plugins
from ganbench.errors import UsageError
from ganbench.evaluation.features import Extracted
from ganbench.grid import parse_axis
from ganbench.metrics.fid import FID
from ganbench.metrics.intra_fid import IntraFID, of_class, spread_of_few
from tests.planned import ask
from tests.scoring import TEST, TRAIN, evaluator

LINE = torch.tensor([[-1.0], [1.0]])
"""Two samples around 0 with a variance of 2."""


def side(*classes: Tensor) -> Extracted:
    """Evidence of the features of class 0, of class 1 and so on, one class after another."""
    rows = torch.cat(classes)
    labels = torch.arange(len(classes)).repeat_interleave(torch.tensor([len(one) for one in classes]))
    return Extracted(samples=rows, features=rows, labels=labels)


def features(n: int, seed: int, shift: float = 0.0, dimension: int = 4) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    mixing = torch.randn(dimension, dimension, generator=torch.Generator().manual_seed(99)) / dimension**0.5
    found: Tensor = torch.randn(n, dimension, generator=rng) @ mixing + shift
    return found


def by_torch_fidelity(fake: Tensor, real: Tensor) -> float:
    statistics = [fid_features_to_statistics(rows) for rows in (fake, real)]
    return float(fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID])


def test_it_is_the_mean_of_values_worked_out_by_hand() -> None:
    """In one dimension FID is the squared difference of the means plus that of the standard deviations."""
    reference = side(LINE, 3 + LINE, LINE)
    fake = side(1 + LINE, 3 + 2 * LINE, LINE)
    found = IntraFID().compute(fake, reference)
    assert found["intra_fid"] == pytest.approx((1 + 2 + 0) / 3)
    assert found["intra_fid_n"] == 2


def test_each_class_has_the_number_that_torch_fidelity_and_the_metric_fid_give_it() -> None:
    fakes, reals = [features(90, 1, 0.2), features(120, 2)], [features(80, 3), features(150, 4)]
    found = IntraFID().compute(side(*fakes), side(*reals))
    pairs = list(zip(fakes, reals, strict=True))
    assert found["intra_fid"] == pytest.approx(np.mean([by_torch_fidelity(*pair) for pair in pairs]), rel=1e-9)
    apart = [FID().compute(side(fake), side(real)) for fake, real in pairs]
    assert found["intra_fid"] == pytest.approx(np.mean([one["fid"] for one in apart]), rel=1e-9)
    assert found["intra_fid_debiased"] == pytest.approx(np.mean([one["fid_debiased"] for one in apart]), rel=1e-9)
    errors = [one["fid_stderr"] for one in apart]
    assert found["intra_fid_stderr"] == pytest.approx(math.sqrt(errors[0] ** 2 + errors[1] ** 2) / 2, rel=1e-9)
    assert found["intra_fid_n"] == 80


@pytest.mark.parametrize(("fakes", "reals"), [(2, 2), (12, 30), (30, 12), (20, 20), (20, 500)])
def test_fewer_samples_than_features_are_no_other_number(fakes: int, reals: int) -> None:
    fake, real = features(fakes, 1, 0.3, 20), features(reals, 2, 0, 20)
    assert of_class(fake, real, 0).fid == pytest.approx(by_torch_fidelity(fake, real), rel=1e-5)


def test_where_covariances_are_singular_it_is_exact() -> None:
    """By eigenvalues of their product, which are right to the rounding error alone, its roots are off by 1e-7."""
    few = features(12, 1, 0, 20)
    assert of_class(few, few + 1, 0).fid == pytest.approx(20, abs=1e-5)  # of single precision: that of the means
    assert spread_of_few(few, few) == pytest.approx(0, abs=1e-12)
    assert of_class(few, few, 0).fid == pytest.approx(0, abs=1e-12)


def test_rounding_makes_no_distance_negative_and_a_negative_estimate_stays() -> None:
    found = []
    for seed in range(6):
        few, same = features(12, seed, 0, 20), features(40, seed)
        assert 0 <= of_class(few, few, 0).fid < 1e-12
        assert 0 <= of_class(same, same, 0).fid < 1e-12
        plain, debiased, _ = of_class(same, features(40, 100 + seed), 10)
        assert plain > 0
        found.append(debiased)
    assert min(found) < -0.001, "without its bias, an estimate of 0 is as often below as above"


def test_the_two_ways_to_the_spread_agree() -> None:
    fake, real = features(40, 1, 0.3), features(30, 2)
    covariances = [np.cov(rows.double().numpy(), rowvar=False) for rows in (fake, real)]
    roots = np.linalg.eigvals(covariances[0] @ covariances[1])
    expected = sum(np.trace(one) for one in covariances) - 2 * np.sqrt(roots).sum()
    assert spread_of_few(fake, real) == pytest.approx(expected, rel=1e-9)


def test_classes_that_are_exchanged_are_seen_here_and_not_by_fid() -> None:
    reference = side(features(100, 1), features(100, 2, 3.0))
    right, swapped = side(features(100, 3), features(100, 4, 3.0)), side(features(100, 4, 3.0), features(100, 3))
    assert FID().compute(swapped, reference)["fid"] == pytest.approx(FID().compute(right, reference)["fid"], abs=1e-6)
    assert IntraFID().compute(right, reference)["intra_fid"] < 1
    assert IntraFID().compute(swapped, reference)["intra_fid"] > 4 * 3.0**2 - 4


def test_one_collapsed_class_of_two_is_half_of_the_value() -> None:
    reference = side(features(100, 1), features(100, 2))
    collapsed = features(100, 4)
    collapsed[:] = collapsed[0]
    found = IntraFID().compute(side(features(100, 3), collapsed), reference)["intra_fid"]
    expected = (of_class(features(100, 3), features(100, 1), 0).fid + of_class(collapsed, features(100, 2), 0).fid) / 2
    assert found == pytest.approx(expected)
    assert found > 2 * IntraFID().compute(side(features(100, 3), features(100, 4)), reference)["intra_fid"]


def test_a_class_counts_once_whatever_its_share() -> None:
    small, large = features(50, 1), features(900, 2)
    found = IntraFID().compute(side(small + 2, large), side(small, large))
    assert found["intra_fid"] == pytest.approx(4 * 2.0**2 / 2, abs=1e-4)


def test_classes_that_the_reference_does_not_have_are_not_scored() -> None:
    reference = side(features(40, 1), features(40, 2))
    fake = side(features(40, 3), features(40, 4))
    more = side(features(40, 3), features(40, 4), features(40, 5, 9.0))
    assert IntraFID().compute(more, reference) == IntraFID().compute(fake, reference)


@pytest.mark.parametrize("counts", [(1, 40, 40, 40), (40, 40, 40, 1)])
def test_a_class_of_one_sample_has_no_value_and_the_result_says_so(counts: tuple[int, int, int, int]) -> None:
    fake, reference = (side(features(first, 1), features(second, 2)) for first, second in (counts[:2], counts[2:]))
    found = IntraFID().compute(fake, reference)
    assert found["intra_fid_n"] == 1
    assert [math.isnan(found[name]) for name in ("intra_fid", "intra_fid_debiased", "intra_fid_stderr")] == [True] * 3


def test_a_class_that_no_fake_was_asked_for_has_no_value() -> None:
    found = IntraFID().compute(side(features(40, 1)), side(features(40, 2), features(40, 3)))
    assert found["intra_fid_n"] == 0
    assert math.isnan(found["intra_fid"])


@pytest.mark.parametrize(("fakes", "reals"), [(59, 60), (60, 59)])
def test_the_bias_is_removed_where_every_class_has_three_samples_a_feature(fakes: int, reals: int) -> None:
    def found(*counts: int) -> dict[str, float]:
        one, other = (side(features(200, 9, 0, 20), features(n, n, 0, 20)) for n in counts)
        return IntraFID().compute(one, other)

    assert not math.isnan(found(60, 60)["intra_fid_debiased"])
    few = found(fakes, reals)
    assert math.isnan(few["intra_fid_debiased"])
    assert math.isnan(few["intra_fid_stderr"])
    assert not math.isnan(few["intra_fid"])


def test_the_jackknife_can_be_left_out() -> None:
    both = side(features(100, 1))
    assert math.isnan(IntraFID(groups=0).compute(both, both)["intra_fid_debiased"])
    assert not math.isnan(IntraFID(groups=2).compute(both, both)["intra_fid_debiased"])
    for groups in (1, -1):
        with pytest.raises(ValueError, match=f"groups must be 0 or at least 2, not {groups}"):
            IntraFID(groups=groups)


@pytest.mark.slow
def test_the_debiased_value_of_a_true_zero_is_zero_and_its_error_is_no_understatement() -> None:
    pairs = [[side(*(features(60, 10 * seed + c + s, 0, 16) for c in (0, 1, 2))) for s in (0, 3)] for seed in range(40)]
    found = [IntraFID().compute(*pair) for pair in pairs]
    plain, debiased, errors = (
        np.array([one[name] for one in found]) for name in ("intra_fid", "intra_fid_debiased", "intra_fid_stderr")
    )
    assert abs(debiased.mean()) < 0.1 * plain.mean()
    assert 0.8 * debiased.std() < errors.mean() < 2 * debiased.std()


def test_real_digits_are_the_floor_and_digits_of_the_next_class_are_not() -> None:
    judge = evaluator({"intra-fid": IntraFID(), "fid": FID()})
    floor = judge.score_real(TRAIN)
    assert TRAIN.labels is not None
    wrong = judge.score_real(replace(TRAIN, labels=(TRAIN.labels + 1) % 10))
    assert wrong["fid"] == floor["fid"]
    assert wrong["intra_fid"] > 10 * floor["intra_fid"]
    assert TEST.labels is not None
    assert floor["intra_fid_n"] == min(*TRAIN.labels.bincount(), *TEST.labels.bincount())
    images = TRAIN.data.float() / 127.5 - 1
    assert judge.score(images, final=True, labels=TRAIN.labels)["intra_fid"] == pytest.approx(floor["intra_fid"])
    assert "intra_fid" not in judge.score(images, final=False, labels=TRAIN.labels)
    with pytest.raises(UsageError, match="metric 'intra-fid' needs the labels of the fakes"):
        judge.score(images, final=True)


def test_a_reference_without_labels_is_refused() -> None:
    words = "metric 'intra-fid' needs labels, which the reference does not offer; choose a dataset with labels"
    with pytest.raises(UsageError, match=words):
        evaluator({"intra-fid": IntraFID()}, reference=replace(TEST, labels=None, classes=()))


def test_a_grid_is_refused_where_networks_take_no_labels() -> None:
    metrics = tuple(parse_axis("metric", ["intra-fid"], plugins.load().registry))
    conditional = "mlp[hidden=8,condition=projection]"
    found = ask(["hinge"], [conditional], dataset="digits", metrics=metrics, baselines=True)
    assert found.error == ""
    assert [planned.warnings for planned in found.planned if not planned.baseline] == [()]
    few = ask(["hinge"], [conditional], dataset="digits", metrics=metrics, num_samples=500)
    (warning,) = few.planned[0].warnings
    assert warning.startswith("metric 'intra-fid': about 50 samples in each of 10 classes are too few for 64 features")
    wrong = ask(["hinge"], [conditional, "mlp[hidden=8]"], dataset="digits", metrics=metrics)
    assert wrong.error.startswith("metric 'intra-fid' needs the labels of the fakes, but architecture 'mlp")
    assert wrong.trace == ""
    too_few = ask(["hinge"], [conditional], dataset="digits", metrics=metrics, num_samples=19)
    assert too_few.error.startswith("metric 'intra-fid': 19 samples are fewer than 2 for each of 10 classes")
