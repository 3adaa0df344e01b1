"""Fréchet inception distance (Heusel et al. 2017, arXiv:1706.08500), with its bias and its error."""

import math
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric

from ganbench.api import Evidence, Metric, Value

Array = npt.NDArray[np.float64]
SHUFFLE_SEED = 2020
"""Data come in an order (by class, in cycles); groups are taken from a fixed permutation of it."""


def half(covariance: Array) -> Array:
    """Return A (F, F) with ``covariance = A @ A.T``, also where it is singular."""
    values, vectors = np.linalg.eigh(covariance)
    factor: Array = vectors * np.sqrt(np.clip(values, 0, None))
    return factor


def spread(covariance1: Array, covariance2: Array, half2: Array | None = None) -> float:
    """Return the part of the squared Fréchet distance of two Gaussians that their covariances make.

    The trace of the root of the product of the covariances comes from the symmetric ``A.T @ covariance1 @ A``, so that
    all is real and rank-deficient matrices do no harm. Eigenvalues of a symmetric matrix also take a fraction of the
    time of those of the product.

    Args:
        covariance1, covariance2: (F, F).
        half2: A of the second, see :func:`half`, where it is known.
    """
    factor = half(covariance2) if half2 is None else half2
    roots = np.linalg.eigvalsh(factor.T @ covariance1 @ factor)
    traces = np.trace(covariance1) + np.trace(covariance2)
    return float(traces - 2 * np.sqrt(np.clip(roots, 0, None)).sum())


def frechet(mean1: Array, covariance1: Array, mean2: Array, covariance2: Array, half2: Array | None = None) -> float:
    """Return the squared Fréchet distance of two Gaussians: :func:`shift` and :func:`spread` together."""
    return shift(mean1, mean2) + spread(covariance1, covariance2, half2)


def shift(mean1: npt.NDArray[Any], mean2: npt.NDArray[Any]) -> float:
    """Return the part of the squared Fréchet distance of two Gaussians that their means (F,) make."""
    difference = mean1 - mean2
    return float(difference @ difference)


class GroupedMoments:
    """Sums of features (N, F) over equal random groups, from which the moments without any one group follow."""

    def __init__(self, features: Tensor, groups: int) -> None:
        order = np.random.RandomState(SHUFFLE_SEED).permutation(len(features))
        # Sums of squares around zero would cancel; around the mean they do not. Gathered before they are widened.
        rows = features.index_select(0, torch.from_numpy(order)).double()
        centre = rows.mean(dim=0)
        rows.sub_(centre)
        self.centre: Array = centre.numpy()
        # As torch.tensor_split would make them; groups of one size are one product of matrices.
        size, larger = divmod(len(rows), groups)
        first, rest = rows.split([larger * (size + 1), (groups - larger) * size])
        blocks = [first.unflatten(0, (larger, size + 1)), rest.unflatten(0, (groups - larger, size))]
        self.counts = [size + 1] * larger + [size] * (groups - larger)
        self.sums: Array = torch.cat([block.sum(dim=1) for block in blocks]).numpy()
        self.products: Array = torch.cat([torch.bmm(block.mT, block) for block in blocks]).numpy()
        self.count = len(rows)
        self.sum: Array = self.sums.sum(axis=0)
        self.product: Array = self.products.sum(axis=0)
        self._halves: dict[int | None, Array] = {}

    def without(self, group: int | None) -> tuple[Array, Array]:
        """Return mean and unbiased covariance of all rows but those of ``group``."""
        n, total, product = self.count, self.sum, self.product
        if group is not None:
            n = n - self.counts[group]
            total, product = total - self.sums[group], product - self.products[group]
        mean = total / n
        return mean + self.centre, (product - n * np.outer(mean, mean)) / (n - 1)

    def half_without(self, group: int | None) -> Array:
        """Return :func:`half` of the covariance without ``group``; computed once, a reference is asked again."""
        if group not in self._halves:
            self._halves[group] = half(self.without(group)[1])
        return self._halves[group]


def jackknife(first: GroupedMoments, second: GroupedMoments, together: float | None = None) -> tuple[float, float]:
    """Return FID with its first-order bias removed, and its standard error, by the delete-group jackknife.

    FID is too high by about a constant over N; leaving the same share out of both sides shows how much. The error is
    that of drawing other samples from the same generator and the same data, not that of training again.

    Args:
        first, second: of fakes and of the reference, in equally many groups; each is left out once, on both sides at
            once.
        together: :func:`spread` of all rows, where it is known.
    """
    groups = len(first.counts)

    def distance(group: int | None) -> float:
        return frechet(*first.without(group), *second.without(group), second.half_without(group))

    moved = shift(first.without(None)[0], second.without(None)[0])
    whole = distance(None) if together is None else moved + together
    partial = np.array([distance(group) for group in range(groups)])
    debiased = groups * whole - (groups - 1) * partial.mean()
    error = math.sqrt((groups - 1) / groups * float(((partial - partial.mean()) ** 2).sum()))
    return float(debiased), error


class FID(Metric):
    """Squared Fréchet distance between Gaussians fitted to the features; equal to torch-fidelity's.

    It is biased upwards at small N, so it is only comparable at equal N. ``fid_debiased`` is nearly free of that,
    and may be slightly negative; ``fid_stderr`` is its standard error over drawing other samples.

    Args:
        groups: jackknife groups, 0 for none (``nan`` for both).

    Raises:
        ValueError: one group, or a negative number.
    """

    values: ClassVar = {
        "fid": Value(label="FID", direction="lower"),
        "fid_debiased": Value(label="FID debiased", direction="lower"),
        "fid_stderr": Value(label="FID error", direction=None),
    }

    def __init__(self, groups: int = 10) -> None:
        if groups < 0 or groups == 1:
            raise ValueError(f"groups must be 0 or at least 2, not {groups}")
        self.groups = groups
        self._known: tuple[Tensor, GroupedMoments] | None = None

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        n = min(fakes, reference)
        if n < 2:
            raise ValueError("FID needs at least 2 samples on each side")
        if n <= dimension:
            return f"{n} samples are too few for {dimension} features: the covariance is singular, the FID inflated"
        return None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        if not self.groups or min(fake.n, reference.n) < 2 * self.groups:
            return {"fid": _by_torch_fidelity(fake, reference), "fid_debiased": math.nan, "fid_stderr": math.nan}
        first, second = GroupedMoments(fake.features, self.groups), self._moments(reference.features)
        together = spread(first.without(None)[1], second.without(None)[1], second.half_without(None))
        debiased, error = jackknife(first, second, together)
        if min(fake.n, reference.n) > fake.features.shape[1]:
            # What torch-fidelity gives, to 1e-12, without a second pass over the features and without the eigenvalues
            # of a matrix that is not symmetric. The means are rounded as its means are.
            plain = shift(fake.features.numpy().mean(axis=0), reference.statistics()["mu"]) + together
        else:
            plain = _by_torch_fidelity(fake, reference)
        return {"fid": plain, "fid_debiased": debiased, "fid_stderr": error}

    def _moments(self, reference: Tensor) -> GroupedMoments:
        """The moments of the reference, which is the same tensor at every evaluation of a trial."""
        if self._known is None or self._known[0] is not reference:
            self._known = (reference, GroupedMoments(reference, self.groups))
        return self._known[1]


def _by_torch_fidelity(fake: Evidence, reference: Evidence) -> float:
    return float(fid_statistics_to_metric(fake.statistics(), reference.statistics(), verbose=False)[KEY_METRIC_FID])
