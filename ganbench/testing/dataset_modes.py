"""Whether samples lie around the modes that their dataset names, as closely as it says."""

import torch
from torch import Tensor

from ganbench.api import Mixture
from ganbench.testing.kit import Flaw

MOST = 20_000
"""Samples looked at."""
FACTOR = 2.0
"""How many times as far from its mode, or as near, the median sample may be as that of the mixture itself."""
ENOUGH = 10
"""Where at least this many samples are expected at a mode, having none is no chance."""
FAR = 1.5
"""A sample counts as at a mode up to this many times the largest distance of the mixture's own samples."""


def check(data: Tensor, mixture: Mixture) -> None:
    """Hold samples (N, D) against as many drawn from the mixture.

    Raises:
        Flaw: they are farther from the modes, or nearer, or a mode has none.
    """
    rng = torch.Generator().manual_seed(11)
    means = mixture.means.double()
    # Data may be in order, such as by class.
    points = data[torch.randperm(len(data), generator=rng)[:MOST]].double()
    which = torch.randint(len(means), (len(points),), generator=rng)
    noise = torch.randn(points.shape, generator=rng, dtype=torch.float64)
    distances, nearest = _nearest(points, means)
    drawn, due = _nearest(means[which] + mixture.sigma * noise, means)
    found, wanted = float(distances.median()), float(drawn.median())
    if found > FACTOR * wanted:
        raise Flaw(
            f"half of its samples are farther than {found:.3g} from every mode, but with sigma "
            f"{mixture.sigma:g} this would be {wanted:.3g}; mode coverage of real data would be near 0"
        )
    if found < wanted / FACTOR:
        raise Flaw(
            f"half of its samples are within {found:.3g} of a mode, but with sigma {mixture.sigma:g} this would "
            f"be {wanted:.3g}; samples far from every mode would count as high quality"
        )
    near = distances <= FAR * float(drawn.max())
    counts, expected = (torch.bincount(modes, minlength=len(means)) for modes in (nearest[near], due))
    empty = ((counts == 0) & (expected >= ENOUGH)).nonzero().flatten().tolist()
    if empty:
        raise Flaw(
            f"no sample is near mode {empty[0]} ({len(empty)} of {len(means)} modes have none); a perfect "
            "generator would seem to have lost modes"
        )


def _nearest(points: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
    """The distance (N,) to the nearest mode, and which it is; in parts, as there may be a thousand modes."""
    parts = [torch.cdist(part, means).min(dim=1) for part in torch.split(points, 2000)]
    return torch.cat([part.values for part in parts]), torch.cat([part.indices for part in parts])
