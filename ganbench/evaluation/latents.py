"""Latent points for pictures that people look at: drawn closer to the origin, or on walks between two points.

None of this is ever scored: a score's latents come from :func:`~ganbench.evaluation.sampling.draw_latents` alone.
"""

import math

import torch
from torch import Tensor

from ganbench.errors import UsageError
from ganbench.evaluation.sampling import Latent, draw_latents

NEARLY_PARALLEL = 1e-6
"""Below this sine of the angle between two points, no great circle through them is defined well enough."""


def draw_truncated(n: int, dim: int, kind: Latent, rng: torch.Generator, truncation: float | None) -> Tensor:
    """Draw latent points (n, dim), each coordinate from N(0, 1) without what lies beyond ``truncation``.

    The truncation trick of Brock, Donahue and Simonyan 2019 (arXiv:1809.11096), which trades variety for fidelity:
    coordinates beyond the threshold are drawn again until they are within. Those within stay what they are without
    truncation, so two thresholds can be compared at one seed.

    Args:
        n: how many points.
        dim: coordinates of each.
        kind: of the latents.
        rng: the stream to draw from.
        truncation: the threshold, above 0; ``None`` for latents as they are trained with and scored.

    Raises:
        UsageError: the latents are uniform, which are bounded already, or the threshold is not a number above 0.
    """
    latents = draw_latents(n, dim, kind, rng)
    if truncation is None:
        return latents
    require_truncatable(kind, truncation)
    # One more draw by the inverse of the distribution has the law of drawing until the value is within, and ends for
    # any threshold. In float64, as float32 has few numbers near the ends of the inverse error function.
    share = math.erf(truncation / math.sqrt(2))
    level = torch.rand(n, dim, generator=rng, device=rng.device, dtype=torch.float64).mul_(2).sub_(1).mul_(share)
    again = torch.erfinv(level).mul_(math.sqrt(2)).clamp_(-truncation, truncation).float()
    return torch.where(latents.abs() <= truncation, latents, again)


def require_truncatable(kind: Latent, truncation: float) -> None:
    """Raise :class:`~ganbench.errors.UsageError` unless latents of this kind can be truncated at ``truncation``."""
    if kind != "normal":
        raise UsageError(f"truncation is for normal latents, but this generator's are {kind}; leave --truncation out")
    if not (math.isfinite(truncation) and truncation > 0):
        raise UsageError(f"truncation {truncation} must be a finite number above 0")


def walk(start: Tensor, end: Tensor, steps: int, kind: Latent) -> Tensor:
    """Return ``steps`` points from each start to its end, both included exactly: (n, steps, dim) from (n, dim) twice.

    Args:
        start: the first points, (n, dim).
        end: the last ones, (n, dim).
        steps: points in a walk, at least 2.
        kind: of the latents: normal ones are joined along a great circle, uniform ones along a straight line.
    """
    first, last = start.double()[:, None], end.double()[:, None]
    share = torch.linspace(0, 1, steps, dtype=torch.float64, device=start.device)[None, :, None]
    line = (1 - share) * first + share * last
    if kind != "normal":
        return line.float()  # a cube is convex: every point of the line is one that the generator was trained on
    # Normal points of many dimensions lie near a sphere of radius sqrt(dim). The middle of a straight line is shorter
    # by a factor of sqrt(2), where training never drew; a great circle keeps the norm (White 2016, arXiv:1609.04468).
    cosine = torch.nn.functional.cosine_similarity(first, last, dim=-1).clamp(-1, 1)[..., None]
    angle = torch.acos(cosine)
    sine = torch.sin(angle)
    circle = (torch.sin((1 - share) * angle) * first + torch.sin(share * angle) * last) / sine
    curved = torch.where(sine.abs() < NEARLY_PARALLEL, line, circle).float()
    curved[:, 0], curved[:, -1] = start, end
    return curved


def draw_walks(
    rows: int, steps: int, dim: int, kind: Latent, rng: torch.Generator, truncation: float | None = None
) -> Tensor:
    """Draw ``rows`` pairs of latent points and walk between them; returns (rows x steps, dim), walk after walk.

    Args:
        rows: how many walks.
        steps: points in each, at least 2.
        dim: coordinates of a point.
        kind: of the latents.
        rng: the stream to draw the ends from.
        truncation: of the ends, as in :func:`draw_truncated`.

    Raises:
        UsageError: as in :func:`draw_truncated`.
    """
    start, end = draw_truncated(2 * rows, dim, kind, rng, truncation).view(rows, 2, dim).unbind(1)
    return walk(start, end, steps, kind).flatten(0, 1)
