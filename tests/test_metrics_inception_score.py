"""Inception score."""

import math

import pytest
import torch
import torch.nn.functional as F

from ganbench.metrics.inception_score import InceptionScore
from tests.features import evidence


@pytest.mark.parametrize("classes", [1, 4, 10])
def test_is_counts_evenly_used_classes(classes: int) -> None:
    logits = 50.0 * F.one_hot(torch.arange(1000) % classes, 10)
    found = InceptionScore(splits=1).compute(evidence(logits=logits), evidence(logits=logits))
    assert found["is"] == pytest.approx(classes, rel=1e-6)


def test_is_of_too_few_samples() -> None:
    with pytest.raises(ValueError, match="cannot be cut"):
        InceptionScore().check(fakes=9, reference=100, dimension=64, classes=10)
    assert InceptionScore().check(fakes=900, reference=1, dimension=64, classes=10) is not None
    assert InceptionScore().splits == 10
    just = evidence(logits=torch.zeros(10, 10))
    assert InceptionScore().compute(just, just)["is"] == pytest.approx(1)
    few = evidence(logits=torch.zeros(9, 10))
    assert math.isnan(InceptionScore().compute(few, few)["is"])
    with pytest.raises(ValueError, match="splits must be"):
        InceptionScore(splits=0)
