"""Which classes a generator reaches, as the extractor's classifier sees them."""

from typing import ClassVar

import torch
from torch import Tensor

from ganbench.api import Evidence, Metric, Value


def class_shares(logits: Tensor) -> Tensor:
    """Return each class's share of the samples by the largest of the logits (N, K), float64 (K,)."""
    return torch.bincount(logits.argmax(dim=1), minlength=logits.shape[1]).double() / len(logits)


def kl_divergence(shares: Tensor, reference: Tensor) -> float:
    """Return KL(shares ‖ reference) in nats for distributions (K,); infinite where the reference has a zero."""
    there = shares > 0
    return max(0.0, float((shares[there] * (shares[there] / reference[there]).log()).sum()))


class ClassCoverage(Metric):
    """The number of classes reached, and the reverse KL from the reference's class shares in nats.

    A class is reached when it holds at least ``share`` of what it holds of the reference; the classes the reference
    does not have do not count. For the KL half a sample is added to each of the reference's classes, so that one
    sample in a class the reference does not show is not an infinite error. Both sides go through the same classifier,
    whose mistakes thus largely cancel.

    Args:
        share: in (0, 1].

    Raises:
        ValueError: the share is out of range.
    """

    values: ClassVar = {
        "classes": Value(label="classes", direction="higher", decimals=1),
        "class_kl": Value(label="class KL", direction="lower", decimals=3),
    }
    needs = ("logits",)

    def __init__(self, share: float = 0.1) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share must be in (0, 1], not {share:g}")
        self.share = share

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        n = min(fakes, reference)
        if n < 1:
            raise ValueError("at least one sample is needed")
        if n < 50 * max(classes, 2):
            return f"{n} samples are few for {max(classes, 2)} classes"
        return None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.logits is not None
        assert reference.logits is not None
        found, due = class_shares(fake.logits), class_shares(reference.logits)
        reached = (due > 0) & (found > 0) & (found >= self.share * due)
        smoothed = (due * reference.n + 0.5) / (reference.n + 0.5 * len(due))
        return {"classes": float(reached.sum()), "class_kl": kl_divergence(found, smoothed)}
