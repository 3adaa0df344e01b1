"""Inception score (Salimans et al. 2016, arXiv:1606.03498)."""

import math
from typing import ClassVar

from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, KEY_METRIC_ISC_STD, isc_features_to_metric

from ganbench.api import Evidence, Metric, Value


class InceptionScore(Metric):
    """exp E KL(p(y|x) ‖ p(y)) by the extractor's classifier, between 1 and its number of classes; torch-fidelity's.

    It does not look at the reference, and does not see a generator that repeats a few good images.

    Args:
        splits: parts over which mean and standard deviation are taken.

    Raises:
        ValueError: no splits.
    """

    values: ClassVar = {
        "is": Value(label="IS", direction="higher"),
        "is_std": Value(label="IS std", direction=None),
    }
    needs = ("logits",)

    def __init__(self, splits: int = 10) -> None:
        if splits < 1:
            raise ValueError(f"splits must be at least 1, not {splits}")
        self.splits = splits

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        if fakes < self.splits:
            raise ValueError(f"{fakes} samples cannot be cut into {self.splits} splits; raise --num-samples")
        if fakes < 10 * max(classes, 2) * self.splits:
            return f"{fakes // self.splits} samples per split are few; the score is too low"
        return None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.logits is not None
        if fake.n < self.splits:
            return {"is": math.nan, "is_std": math.nan}
        found = isc_features_to_metric(fake.logits, splits=self.splits)
        return {"is": float(found[KEY_METRIC_ISC_MEAN]), "is_std": float(found[KEY_METRIC_ISC_STD])}
