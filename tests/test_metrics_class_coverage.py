"""Class coverage."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ganbench.metrics.class_coverage import ClassCoverage, kl_divergence
from tests.features import evidence


def one_hot(counts: list[int], classes: int = 10) -> Tensor:
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return 9.0 * F.one_hot(labels, classes)


def test_class_coverage() -> None:
    reference = evidence(logits=one_hot([100] * 10))
    assert ClassCoverage().compute(reference, reference) == {"classes": 10.0, "class_kl": pytest.approx(0, abs=1e-4)}
    half = ClassCoverage().compute(evidence(logits=one_hot([200] * 5)), reference)
    assert half["classes"] == 5
    assert half["class_kl"] == pytest.approx(math.log(2), abs=1e-3)
    stray = ClassCoverage().compute(evidence(logits=one_hot([990, 5, 5])), reference)
    assert stray["classes"] == 1
    for share in (0, 1.5):
        with pytest.raises(ValueError, match="share must be"):
            ClassCoverage(share=share)


def test_a_class_with_just_its_share_is_reached() -> None:
    """Due is a half, and a half of that is a quarter."""
    reference, fake = evidence(logits=one_hot([2, 2])), evidence(logits=one_hot([3, 1]))
    assert [ClassCoverage(share).compute(fake, reference)["classes"] for share in (0.5, 0.51, 1.0)] == [2, 1, 1]
    assert ClassCoverage(share=1.0).compute(reference, reference)["classes"] == 2


def test_class_kl_is_finite_where_the_reference_shows_nothing() -> None:
    reference = evidence(logits=one_hot([100] * 9))
    found = ClassCoverage().compute(evidence(logits=one_hot([100] * 10)), reference)
    assert math.isfinite(found["class_kl"])
    assert found["classes"] == 9
    assert kl_divergence(torch.tensor([1.0, 0]), torch.tensor([0.5, 0.5])) == pytest.approx(math.log(2))
