"""Mixtures of Gaussians in the plane, as in Table 1 of PacGAN (Lin et al. 2018, arXiv:1712.04086).

The true modes are known, so that lost ones can be counted: the metrics need no feature network.
"""

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganbench.api import Dataset, Mixture, Samples
from ganbench.datasets.checks import known_split

SEEDS = {"train": 171204086, "test": 171204087}
SIZES = {"train": 100_000, "test": 10_000}


def ring_means(modes: int = 8) -> Tensor:
    """Return ``modes`` points (modes, 2) evenly on the unit circle, from (1, 0) anticlockwise."""
    angles = [2 * math.pi * mode / modes for mode in range(modes)]
    return torch.tensor([(math.cos(angle), math.sin(angle)) for angle in angles], dtype=torch.float64).float()


def grid_means(coordinates: tuple[int, ...] = (-4, -2, 0, 2, 4)) -> Tensor:
    """Return the points (len², 2) of a square grid, the first coordinate slowest."""
    return torch.tensor([(x, y) for x in coordinates for y in coordinates], dtype=torch.float32)


def draw(mixture: Mixture, size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw points (size, D) float32 and the index of the mode each came from (size,) int64.

    Modes are drawn independently with equal probability, in float64, from numpy's ``RandomState``: the one generator
    whose stream is frozen by a written guarantee (NEP 19), where those of torch and of numpy's ``Generator`` may
    change between versions.
    """
    stream = np.random.RandomState(seed)
    means = mixture.means.double().numpy()
    modes = np.floor(stream.random_sample(size) * len(means)).astype(np.int64)
    points = means[modes] + mixture.sigma * stream.standard_normal((size, means.shape[1]))
    return torch.from_numpy(points.astype(np.float32)), torch.from_numpy(modes)


def load_mixture(name: str, mixture: Mixture, split: str) -> Samples:
    """Return the fixed points of a split, with the modes as classes ``"0"``, ``"1"``, ..."""
    known_split(name, split)
    points, modes = draw(mixture, SIZES[split], SEEDS[split])
    return Samples(data=points, labels=modes, classes=tuple(str(mode) for mode in range(len(mixture.means))))


class Ring(Dataset):
    """8 Gaussians with σ 0.01 around points on the unit circle: 100,000 points to train, 10,000 to test.

    The points come from fixed seeds, the same for every trial. ``root`` is ignored.
    """

    extractor = ""
    metrics = ("modes", "high-quality", "reverse-kl")
    licence = "MIT, as this package, which generates it"
    source = "generated, after Lin et al. 2018"

    def load(self, split: str, *, root: Path) -> Samples:
        """Return float32 points (N, 2), labelled with their mode 0..7."""
        return load_mixture("ring", self.mixture(), split)

    def mixture(self) -> Mixture:
        """Return the 8 means and σ."""
        return Mixture(means=ring_means(), sigma=0.01)


class Grid(Dataset):
    """25 Gaussians with σ 0.05 around {-4, -2, 0, 2, 4}²: 100,000 points to train, 10,000 to test.

    The points come from fixed seeds, the same for every trial. ``root`` is ignored.
    """

    extractor = ""
    metrics = ("modes", "high-quality", "reverse-kl")
    licence = "MIT, as this package, which generates it"
    source = "generated, after Lin et al. 2018"

    def load(self, split: str, *, root: Path) -> Samples:
        """Return float32 points (N, 2), labelled with their mode 0..24."""
        return load_mixture("grid", self.mixture(), split)

    def mixture(self) -> Mixture:
        """Return the 25 means and σ."""
        return Mixture(means=grid_means(), sigma=0.05)
