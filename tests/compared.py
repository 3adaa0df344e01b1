"""What the tests of penalties on features share: one that notes what it is given, and trials on few samples."""

from typing import Any

import torch
from torch import Tensor

from ganbench import seeds
from ganbench.api import Architecture, FeaturePenalty, Samples
from ganbench.spec import Recipe
from ganbench.training.state import State

LABELS = torch.arange(40) % 3


class Seen(FeaturePenalty):
    """Notes what it is given, and changes nothing."""

    def __init__(self) -> None:
        self.given: list[tuple[Tensor, Tensor]] = []

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        self.given.append((real, fake))
        return 0 * fake.sum()


def made(architecture: Architecture, settings: Recipe, shape: tuple[int, ...] = (1, 16, 16), **options: Any) -> State:
    """The state of a trial on 40 samples of three classes."""
    data = torch.rand(40, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    samples = Samples(data=options.pop("data", data), labels=LABELS, classes=("a", "b", "c"))
    return State(
        architecture=architecture, samples=samples, recipe=settings, seed=0, device=torch.device("cpu"), **options
    )


def compared(count: int, n: int = 8) -> Tensor:
    """The numbers of the first samples that are compared."""
    return torch.randperm(count, generator=seeds.stream(0, seeds.COMPARED))[:n]
