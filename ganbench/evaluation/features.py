"""Features extracted once, for all metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch_fidelity.metric_fid import fid_features_to_statistics

from ganbench.api import Mixture, Queried
from ganbench.evaluation.images import match_channels
from ganbench.evaluation.isolation import isolated

SMALLEST_BATCH = 16
"""Convolutions on a handful of images may take another code path and differ in the last bit."""


@dataclass(frozen=True, kw_only=True)
class Extracted:
    """One side of a comparison; satisfies :class:`ganbench.api.Evidence`.

    Attributes:
        samples: uint8 images (N, C, H, W) or float32 vectors (N, D), on the CPU.
        features: (N, F) float32, or ``None`` without an extractor.
        logits: (N, K) float32, or ``None`` where the extractor has none.
        labels: int64 (N,), or ``None``.
        mixture: the true modes, or ``None``.
        train: the training samples, on the reference's side, for metrics that ask for them.
        generator: what made the samples, on the fakes' side, or ``None``.
        known_statistics: statistics that were computed before, e.g. read from the cache.
    """

    samples: Tensor
    features: Tensor | None = None
    logits: Tensor | None = None
    labels: Tensor | None = None
    mixture: Mixture | None = None
    train: "Extracted | None" = None
    generator: Queried | None = None
    known_statistics: Mapping[str, Any] | None = None

    @property
    def n(self) -> int:
        return len(self.samples)

    @cached_property
    def _statistics(self) -> Mapping[str, Any]:
        if self.features is None:
            raise ValueError("there are no features without an extractor")
        statistics: Mapping[str, Any] = fid_features_to_statistics(self.features)
        return statistics

    def statistics(self) -> Mapping[str, Any]:
        """Mean ``mu`` (F,) float32 and covariance ``sigma`` (F, F) float64, as torch-fidelity computes them."""
        return self._statistics if self.known_statistics is None else self.known_statistics


def batches(n: int, batch_size: int) -> list[tuple[int, int]]:
    """Split ``n`` items into (start, end) of at most ``batch_size`` plus a small rest, which joins its neighbour."""
    starts = list(range(0, n, batch_size))
    if len(starts) > 1 and n - starts[-1] < SMALLEST_BATCH:
        starts.pop()
    return list(zip(starts, [*starts[1:], n], strict=True))


def extract(
    network: nn.Module, images: Tensor, *, channels: int, device: torch.device, batch_size: int
) -> tuple[Tensor, ...]:
    """Run a feature network over uint8 images and return its outputs, each (N, F) float32 on the CPU.

    Args:
        network: takes uint8 images (N, channels, H, W) on ``device``, returns a tuple of (N, F).
        images: uint8 (N, C, H, W), with C equal to ``channels`` or 1.
        channels: what the network takes.
        device: where the network is.
        batch_size: images at a time; it does not change the result by more than rounding, on a CPU not at all.
    """
    columns: list[list[Tensor]] = []
    with isolated(network, device=device):
        for start, end in batches(len(images), batch_size):
            outputs = network(match_channels(images[start:end], channels).to(device))
            columns.append([output.float().cpu() for output in outputs])
    return tuple(torch.cat(parts) for parts in zip(*columns, strict=True))
