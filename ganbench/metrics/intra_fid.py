"""Intra-FID: the FID of each class apart (Miyato and Koyama 2018, arXiv:1802.05637)."""

import math
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch_fidelity.metric_fid import fid_features_to_statistics

from ganbench.api import Evidence, Metric, Value
from ganbench.metrics.fid import Array, GroupedMoments, jackknife, shift, spread

ENOUGH = 3
"""Samples for each feature from which the jackknife removes the bias; with fewer it is not a constant over N."""


class OfClass(NamedTuple):
    """FID of one class, and its :func:`~ganbench.metrics.fid.jackknife`; ``nan`` where it is undefined."""

    fid: float
    debiased: float
    error: float


def spread_of_few(first: Tensor, second: Tensor) -> float:
    """Return :func:`~ganbench.metrics.fid.spread` of the covariances of features (N, F) and (M, F).

    The trace of the root of the product of two covariances is the sum of the singular values of the product of the
    centred features, N x M numbers. For fewer samples than features this is much less work, and exact where covariances
    are singular.
    """
    one, other = (centred(rows) / math.sqrt(len(rows) - 1) for rows in (first, second))
    joint = float(np.linalg.svd(one @ other.T, compute_uv=False).sum())
    return float((one**2).sum() + (other**2).sum()) - 2 * joint


def centred(rows: Tensor) -> Array:
    """Return features (N, F) around their mean, float64."""
    wide = rows.double()
    around: Array = (wide - wide.mean(dim=0)).numpy()
    return around


def of_class(fake: Tensor, real: Tensor, groups: int) -> OfClass:
    """Score the fakes that were asked for as one class, (N, F) features, against its real samples, (M, F).

    Args:
        fake, real: at least two samples each; with fewer there is no covariance, and all is ``nan``.
        groups: of the jackknife, 0 for none.
    """
    n, dimension = min(len(fake), len(real)), real.shape[1]
    if n < 2:
        return OfClass(math.nan, math.nan, math.nan)
    if n > dimension:
        apart = spread(*(np.atleast_2d(fid_features_to_statistics(rows)["sigma"]) for rows in (fake, real)))
    else:
        apart = spread_of_few(fake, real)
    # A squared distance is negative by rounding alone. (What the jackknife returns may be so in truth.)
    plain = max(shift(*(rows.numpy().mean(axis=0) for rows in (fake, real))) + apart, 0.0)
    if not groups or n < max(ENOUGH * dimension, 2 * groups):
        return OfClass(plain, math.nan, math.nan)
    return OfClass(plain, *jackknife(GroupedMoments(fake, groups), GroupedMoments(real, groups)))


class IntraFID(Metric):
    """The mean over classes of the FID between the fakes that were asked for as a class and its real samples.

    Each class that the reference has samples of counts once, whatever its share. The bias of ``fid`` goes with one over
    the number of samples, here that of a class, so it is much larger than that of all samples together.
    ``intra_fid_debiased`` and its standard error ``intra_fid_stderr`` are the means of ``fid``'s jackknife; they are
    undefined unless every class has three times as many samples as there are features, on both sides.
    ``intra_fid_n`` is the number of samples in the smallest class of either side. If it is below two, a class has no
    covariance and there is no value.

    Args:
        groups: jackknife groups, 0 for none (``nan`` for both).

    Raises:
        ValueError: one group, or a negative number.
    """

    values: ClassVar = {
        "intra_fid": Value(label="intra-FID", direction="lower"),
        "intra_fid_debiased": Value(label="intra-FID debiased", direction="lower"),
        "intra_fid_stderr": Value(label="intra-FID error", direction=None),
        "intra_fid_n": Value(label="smallest class", direction=None, decimals=0),
    }
    needs = ("features", "labels", "fake_labels")
    when = "final"  # it takes as long as an FID for each class

    def __init__(self, groups: int = 10) -> None:
        if groups < 0 or groups == 1:
            raise ValueError(f"groups must be 0 or at least 2, not {groups}")
        self.groups = groups

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        n = min(fakes, reference)
        if n < 2 * max(classes, 1):
            raise ValueError(f"{n} samples are fewer than 2 for each of {classes} classes; raise --num-samples")
        each = n // max(classes, 1)
        if each <= dimension:
            return (
                f"about {each} samples in each of {classes} classes are too few for {dimension} features: the "
                "covariances are singular, the intra-FID inflated"
            )
        return None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        assert fake.labels is not None
        assert reference.labels is not None
        asked, real = fake.labels.cpu(), reference.labels.cpu()
        pairs = [(fake.features[asked == one], reference.features[real == one]) for one in torch.unique(real)]
        found = [of_class(*pair, self.groups) for pair in pairs]
        return {
            "intra_fid": float(np.mean([one.fid for one in found])),
            "intra_fid_debiased": float(np.mean([one.debiased for one in found])),
            # Classes are drawn independently of one another, so their variances add.
            "intra_fid_stderr": math.hypot(*(one.error for one in found)) / len(found),
            "intra_fid_n": float(min(len(side) for pair in pairs for side in pair)),
        }
