"""Kernel inception distance (Binkowski et al. 2018, arXiv:1801.01401)."""

import math
from typing import ClassVar

from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, KEY_METRIC_KID_STD, kid_features_to_metric

from ganbench.api import Evidence, Metric, Value

CONVENTION = 1000


class KID(Metric):
    """Unbiased squared MMD of the features under a cubic polynomial kernel, mean over random subsets; torch-fidelity's.

    Equal distributions give 0 on average, so slightly negative values are right.

    Args:
        subsets: how many subsets.
        subset_size: samples in each, from each side; 0 takes 1,000, or the smaller side where that has fewer.

    Raises:
        ValueError: no subsets, or a subset of one.
    """

    values: ClassVar = {
        "kid": Value(label="KID", direction="lower", decimals=5),
        "kid_std": Value(label="KID std", direction=None, decimals=5),
    }
    when = "final"

    def __init__(self, subsets: int = 100, subset_size: int = 0) -> None:
        if subsets < 1:
            raise ValueError(f"subsets must be at least 1, not {subsets}")
        if subset_size < 0 or subset_size == 1:
            raise ValueError(f"subset_size must be 0 or at least 2, not {subset_size}")
        self.subsets = subsets
        self.subset_size = subset_size

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        n = min(fakes, reference)
        if n < 2:
            raise ValueError("KID needs at least 2 samples on each side")
        if self.subset_size > n:
            raise ValueError(f"subset_size {self.subset_size} exceeds the {n} samples; lower it or raise --num-samples")
        if self.size(n) == n:
            return f"subsets of {n} are the whole of the smaller side: its spread says nothing"
        return None

    def size(self, n: int) -> int:
        """The subset size where the smaller side has ``n`` samples."""
        return self.subset_size or min(CONVENTION, n)

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        n = min(fake.n, reference.n)
        if n < 2 or self.size(n) > n:
            return {"kid": math.nan, "kid_std": math.nan}
        found = kid_features_to_metric(
            fake.features, reference.features, kid_subsets=self.subsets, kid_subset_size=self.size(n), verbose=False
        )
        return {"kid": float(found[KEY_METRIC_KID_MEAN]), "kid_std": float(found[KEY_METRIC_KID_STD])}
