"""Precision and recall."""

import math

import pytest
import torch
from torch import Tensor

from ganbench.evaluation.features import Extracted
from ganbench.metrics.density_coverage import DensityCoverage
from ganbench.metrics.precision_recall import PrecisionRecall


def rows(n: int, seed: int, dimension: int = 6) -> Tensor:
    return torch.randn(n, dimension, generator=torch.Generator().manual_seed(seed))


def evidence(features: Tensor | None = None, logits: Tensor | None = None, train: Tensor | None = None) -> Extracted:
    given_rows = features if features is not None else logits
    assert given_rows is not None
    return Extracted(
        samples=torch.zeros(len(given_rows), 1),
        features=features,
        logits=logits,
        train=None if train is None else evidence(train),
    )


def test_precision_and_recall_in_blocks_and_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, real = evidence(rows(300, 0)), evidence(rows(250, 1) * 1.3)
    whole = PrecisionRecall().compute(fake, real)
    monkeypatch.setattr("ganbench.metrics.precision_recall.LARGE", 10)
    monkeypatch.setattr("ganbench.metrics.precision_recall.BLOCK", 64)
    assert PrecisionRecall().compute(fake, real) == pytest.approx(whole, abs=0.005)
    assert whole["recall"] < whole["precision"]  # the wider side is not reached


def test_neighbourhood_metrics_refuse_too_few_samples() -> None:
    for metric in (PrecisionRecall(), DensityCoverage()):
        with pytest.raises(ValueError, match=r"have no .-th neighbour"):
            metric.check(fakes=3, reference=3, dimension=6, classes=0)
        assert metric.check(fakes=50, reference=50, dimension=6, classes=0) is not None
        tiny = evidence(rows(3, 0))
        assert all(math.isnan(value) for value in metric.compute(tiny, tiny).values())
        with pytest.raises(ValueError, match="nearest must be"):
            type(metric)(nearest=0)
