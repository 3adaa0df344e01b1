"""What a step takes, and what the machine can do at best: operations, and its rate of convolutions."""

import contextlib
from collections.abc import Callable

import torch
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.harness import timed

SHAPES = ((64, 128, 32, 128), (64, 256, 16, 256), (64, 64, 32, 64))
"""(images, channels, side, filters) of 3×3 convolutions that are large enough to reach the peak."""


def convolution_rate(dtype: torch.dtype = torch.float32, *, device: str = "cpu", repeats: int = 3) -> float:
    """The highest rate over a few shapes and repeats, in floating-point operations per second."""
    best = 0.0
    for images, channels, side, filters in SHAPES:
        x = torch.randn(images, channels, side, side, dtype=dtype, device=device)
        x = x.to(memory_format=torch.channels_last)
        weight = torch.randn(filters, channels, 3, 3, dtype=dtype, device=device)
        weight = weight.to(memory_format=torch.channels_last)

        def run(x: torch.Tensor = x, weight: torch.Tensor = weight) -> None:
            conv2d(x, weight, padding=1)

        with torch.no_grad():
            run()
            seconds = min(timed(run, device) for _ in range(repeats))
        best = max(best, 2 * images * side * side * channels * filters * 9 / seconds)
    return best


def counted(step: Callable[[], object]) -> int:
    """The floating-point operations of a step."""
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = _Everything()  # type: ignore[assignment]
    with counter:
        step()
    return int(counter.get_total_flops())


class _Everything(contextlib.nullcontext[None]):
    """In place of the counter's own tracker, which counts by module and cannot follow a second differentiation."""

    parents = frozenset({"Global"})
