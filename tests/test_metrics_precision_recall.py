"""Precision and recall."""

import math

import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_prc import calculate_precision_recall_part

from ganbench.metrics.density_coverage import DensityCoverage
from ganbench.metrics.precision_recall import PrecisionRecall, precision_recall
from tests.features import evidence, rows


def test_precision_and_recall_in_blocks_and_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, real = evidence(rows(300, 0)), evidence(rows(250, 1) * 1.3)
    whole = PrecisionRecall().compute(fake, real)
    monkeypatch.setattr("ganbench.metrics.precision_recall.LARGE", 10)
    monkeypatch.setattr("ganbench.metrics.precision_recall.BLOCK", 64)
    assert PrecisionRecall().compute(fake, real) == pytest.approx(whole, abs=0.005)
    assert whole["recall"] < whole["precision"]  # the wider side is not reached


def share_in_balls(samples: Tensor, centres: Tensor, nearest: int) -> float:
    """Equations 1 and 2 of the paper: a sample counts where any centre's ball, to its nearest-th neighbour, has it."""
    inside = set()
    for index, centre in enumerate(centres.double()):
        others = torch.cat([centres[:index], centres[index + 1 :]]).double()
        radius = (others - centre).norm(dim=1).sort().values[nearest - 1]
        inside |= set(((samples.double() - centre).norm(dim=1) <= radius).nonzero().flatten().tolist())
    return len(inside) / len(samples)


@pytest.mark.parametrize("large", [10, 2000])
@pytest.mark.parametrize("nearest", [1, 3])
def test_both_are_those_of_the_definition(nearest: int, large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.metrics.precision_recall.LARGE", large)
    fake, real = rows(70, 0, 3) * 0.7, rows(50, 1, 3)
    found = PrecisionRecall(nearest=nearest).compute(evidence(fake), evidence(real))
    precision, recall = share_in_balls(fake, real, nearest), share_in_balls(real, fake, nearest)
    assert found["precision"] == pytest.approx(precision)
    assert found["recall"] == pytest.approx(recall)
    assert found["f_score"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert 0 < recall < precision < 1


@pytest.mark.parametrize("large", [1, 2000])
def test_a_fake_at_the_edge_of_a_ball_is_in_it(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real samples at 0, 1 and 3 with balls of radius 1, 1 and 2: a fake at -1 is at the edge of the first."""
    monkeypatch.setattr("ganbench.metrics.precision_recall.LARGE", large)
    real, fake = evidence(torch.tensor([[0.0], [1.0], [3.0]])), evidence(torch.tensor([[-1.0], [50.0]]))
    assert PrecisionRecall(nearest=1).compute(fake, real)["precision"] == 0.5


@pytest.mark.parametrize("large", [1, 2000])
def test_the_f_score_is_the_harmonic_mean_however_small_both_are(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.metrics.precision_recall.LARGE", large)
    found = PrecisionRecall(nearest=1).compute(evidence(rows(70, 0, 3) * 0.7 + 1.5), evidence(rows(50, 1, 3)))
    both = found["precision"] + found["recall"]
    assert 0 < both < 0.8
    assert found["f_score"] == pytest.approx(2 * found["precision"] * found["recall"] / both)
    far = PrecisionRecall(nearest=1).compute(evidence(rows(70, 0, 3) + 100), evidence(rows(50, 1, 3)))
    assert far == {"precision": 0.0, "recall": 0.0, "f_score": 0.0}


def test_the_smaller_side_decides_whether_there_are_neighbours() -> None:
    assert PrecisionRecall().nearest == 3
    three, four, many = (evidence(rows(n, n)) for n in (3, 4, 50))
    for fake, real in ((three, many), (many, three)):
        assert all(math.isnan(value) for value in PrecisionRecall().compute(fake, real).values())
    for fake, real in ((four, many), (many, four)):
        assert all(0 <= value <= 1 for value in PrecisionRecall().compute(fake, real).values())


@pytest.mark.parametrize("nearest", [1, 3, 8])
def test_the_values_of_many_samples_are_torch_fidelitys(nearest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With copies and with samples at the edge of a ball, where the last bit of a distance decides."""
    monkeypatch.setattr("ganbench.metrics.precision_recall.BLOCK", 64)
    real = rows(250, 1, 12).relu() * 1.3
    fake = torch.cat([real[:40], rows(260, 0, 12).relu()])
    expected = calculate_precision_recall_part(fake, real, nearest, 64)
    assert precision_recall(fake, real, nearest) == expected
    assert 0 < min(expected) <= max(expected) < 1


def test_many_samples_are_searched_without_kthvalue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.metrics.precision_recall.LARGE", 10)
    monkeypatch.setattr(torch.Tensor, "kthvalue", None, raising=False)
    PrecisionRecall().compute(evidence(rows(60, 0)), evidence(rows(60, 1)))


def test_neighbourhood_metrics_refuse_too_few_samples() -> None:
    for metric in (PrecisionRecall(), DensityCoverage()):
        with pytest.raises(ValueError, match=r"have no .-th neighbour"):
            metric.check(fakes=3, reference=3, dimension=6, classes=0)
        assert metric.check(fakes=50, reference=50, dimension=6, classes=0) is not None
        tiny = evidence(rows(3, 0))
        assert all(math.isnan(value) for value in metric.compute(tiny, tiny).values())
        with pytest.raises(ValueError, match="nearest must be"):
            type(metric)(nearest=0)
