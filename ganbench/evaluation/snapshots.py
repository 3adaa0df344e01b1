"""Small pictures of a generator while it trains: what a report shows as an animation.

Taken at the latent points of ``samples.png``, the same in every trial, by the same sampling that leaves training
untouched. A snapshot is a JSON object: the points themselves, or a PNG without enlargement.
"""

import base64
import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganbench.api import Mixture
from ganbench.evaluation.preview import grid, png

POINTS = 500
IMAGES = 16
REAL_IMAGES = 64
LARGEST_SIDE = 64
"""Larger images are made smaller: a trial's folder should not grow by what no report can show."""


def snapshot_steps(steps: int, frames: int) -> frozenset[int]:
    """The steps after which a snapshot is taken: at most ``frames``, evenly spread, the last step among them."""
    frames = min(frames, steps)
    return frozenset(math.ceil(frame * steps / frames) for frame in range(1, frames + 1))


def snapshot(samples: Tensor, *, images: int = IMAGES) -> dict[str, Any] | None:
    """Return samples in the networks' range as JSON; ``None`` where there is nothing to draw.

    Args:
        samples: (N, C, H, W) in [-1, 1], kept as a PNG without gaps, or (N, D) with D > 1, of which the first two
            coordinates of the first 500 are kept with five digits.
        images: how many images are kept, a square number: they are arranged in a square.
    """
    if samples.dim() == 4:
        kept, columns = samples[:images], math.isqrt(images)
        if not bool(torch.isfinite(kept).all()):
            return None
        side = max(kept.shape[2:])
        if side > LARGEST_SIDE:
            size = [max(1, round(length * LARGEST_SIDE / side)) for length in kept.shape[2:]]
            kept = interpolate(kept, size=size, mode="bilinear", antialias=True, align_corners=False)
        picture = grid(kept, columns=columns, gap=0, side=0)
        return {"png": base64.b64encode(png(picture)).decode("ascii"), "columns": columns, "images": len(kept)}
    kept = samples[:POINTS, :2]
    if kept.shape[1] < 2 or not bool(torch.isfinite(kept).all()):
        return None
    return {"points": _rounded(kept)}


def truth(real: Tensor, mixture: Mixture | None) -> dict[str, Any]:
    """Return what snapshots are compared with: real samples, and the modes where they are known."""
    content: dict[str, Any] = {"real": snapshot(real, images=REAL_IMAGES)}
    if mixture is not None and mixture.means.shape[1] >= 2:
        content["means"] = _rounded(mixture.means[:, :2])
        content["sigma"] = mixture.sigma
    return content


def _rounded(points: Tensor) -> list[list[float]]:
    return [[float(f"{value:.5g}") for value in point] for point in points.tolist()]
