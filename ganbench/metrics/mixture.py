"""Mode coverage of a mixture whose components are known.

A sample is of high quality when it lies within ``sigmas`` standard deviations of its nearest mode. The published
protocol calls a mode reached when one such sample is there, so that seven stray points among thousands make "4 modes";
here a mode must hold a share. The published counting has its own name, ``pacgan``.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.api import Evidence, Metric, Mixture, Value

SIGMAS = 3.0


def mode_counts(points: Tensor, mixture: Mixture, sigmas: float = SIGMAS) -> Tensor:
    """Return how many high-quality samples each mode has, int64 (modes,).

    Args:
        points: (N, D).
        mixture: the modes.
        sigmas: a sample counts for its nearest mode when it is nearer than this many standard deviations.
    """
    # Differences, not torch.cdist: that goes through dot products and loses the small distances.
    means, points = mixture.means.double(), points.double()
    nearest, squared = [], []
    for part in torch.split(points, 4096):
        distances = (part[:, None, :] - means[None]).square().sum(dim=2)
        smallest = distances.min(dim=1)
        nearest.append(smallest.indices)
        squared.append(smallest.values)
    good = torch.cat(squared) < (sigmas * mixture.sigma) ** 2
    return torch.bincount(torch.cat(nearest)[good], minlength=len(means))


def reverse_kl(counts: Tensor) -> float:
    """Return KL(p ‖ uniform) in nats for counts (K,): 0 when even, log K when all in one, ``nan`` without any."""
    total = int(counts.sum())
    if total == 0:
        return math.nan
    shares = counts[counts > 0].double() / total
    return max(0.0, float((shares * (shares * len(counts)).log()).sum()))


class _OfMixture(Metric):
    """What the three metrics share."""

    needs = ("mixture",)

    def __init__(self, sigmas: float = SIGMAS) -> None:
        if not sigmas > 0:
            raise ValueError(f"sigmas must be positive, not {sigmas:g}")
        self.sigmas = sigmas

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        if fakes < 1:
            raise ValueError("at least one sample is needed")
        if fakes < 50 * classes:
            return f"{fakes} samples are few for {classes} modes"
        return None

    def counts(self, fake: Evidence, reference: Evidence) -> tuple[Tensor, int]:
        """Return the counts per mode and the number of samples."""
        assert reference.mixture is not None
        return mode_counts(fake.samples, reference.mixture, self.sigmas), fake.n


class Modes(_OfMixture):
    """The number of modes reached: those with at least ``share`` of their due part 1/K of all samples.

    Args:
        share: fraction of the due part, in (0, 1]; 0.1 of 1/8 of 10,000 samples is 125.
        sigmas: what counts as near.
    """

    values: ClassVar = {"modes": Value(label="modes", direction="higher", decimals=1)}

    def __init__(self, share: float = 0.1, sigmas: float = SIGMAS) -> None:
        super().__init__(sigmas)
        if not 0 < share <= 1:
            raise ValueError(f"share must be in (0, 1], not {share:g}")
        self.share = share

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        counts, n = self.counts(fake, reference)
        least = max(1.0, self.share * n / len(counts))
        return {"modes": float((counts >= least).sum())}


class HighQuality(_OfMixture):
    """The share of samples within ``sigmas`` (3) standard deviations of a mode; the data in the plane: 98.9 %."""

    values: ClassVar = {"high_quality": Value(label="high quality", direction="higher", decimals=1, percent=True)}

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        counts, n = self.counts(fake, reference)
        return {"high_quality": float(counts.sum()) / n}


class ReverseKL(_OfMixture):
    """KL(p ‖ uniform) in nats, p the high-quality samples' shares of the modes; ``nan`` without any such sample."""

    values: ClassVar = {"reverse_kl": Value(label="reverse KL", direction="lower", decimals=3)}

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        counts, _ = self.counts(fake, reference)
        return {"reverse_kl": reverse_kl(counts)}
