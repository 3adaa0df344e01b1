"""What an augmentation is tried on: streams and images.

``expected`` may hold what :mod:`ganbench.testing.augmentations` says.
"""

from typing import cast

import torch
from torch import Tensor

from ganbench.api import Augmentation
from ganbench.testing.kit import Subject

SHAPES = ((1, 8, 8), (3, 16, 16), (3, 20, 12))
STREAMS = 4
"""How often what is random is drawn: a transform that leaves one image of two alone is seen at work."""


def stream(seed: int = 0) -> torch.Generator:
    """A stream such as a trial hands to its augmentations."""
    return torch.Generator().manual_seed(seed)


def images(n: int, shape: tuple[int, ...], *, seed: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    """Draw images (n, *shape) in [-1, 1]: what the networks see."""
    return (torch.rand(n, *shape, generator=stream(seed), dtype=torch.float64) * 2 - 1).to(dtype)


def build(subject: Subject) -> Augmentation:
    """Return a fresh instance."""
    return cast(Augmentation, subject.build())


def shapes_of(subject: Subject) -> tuple[tuple[int, ...], ...]:
    """The image shapes that are tried."""
    return tuple(subject.expected.get("shapes", SHAPES))
