"""What an augmentation is tried on: images and draws.

``expected`` may hold what :mod:`ganbench.testing.augmentations` says.
"""

from typing import cast

import torch
from torch import Tensor

from ganbench.api import Augmentation
from ganbench.testing.kit import Subject
from ganbench.testing.trial_streams import stream

SHAPES = ((1, 8, 8), (3, 16, 16), (3, 20, 12))
STREAMS = 4
"""How many streams are tried, so that a transform which leaves every other image alone is seen at work."""


def images(n: int, shape: tuple[int, ...], *, seed: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    """Draw images (n, *shape) in [-1, 1]: what the networks see."""
    return (torch.rand(n, *shape, generator=stream(seed), dtype=torch.float64) * 2 - 1).to(dtype)


def build(subject: Subject) -> Augmentation:
    """Return a fresh instance."""
    return cast(Augmentation, subject.build())


def shapes_of(subject: Subject) -> tuple[tuple[int, ...], ...]:
    """The image shapes that are tried."""
    return tuple(subject.expected.get("shapes", SHAPES))
