"""Three digits in the three colour channels: 1,000 modes that a classifier can count.

After Metz et al. 2017 (arXiv:1611.02163), section 3.3.1, in the form of PacGAN (Lin et al. 2018, arXiv:1712.04086):
a fixed set of triples, each channel a digit drawn at random.
"""

from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from ganbench.api import Dataset, Samples
from ganbench.architectures.checks import whole_number
from ganbench.datasets.checks import known_split
from ganbench.datasets.digits import Digits
from ganbench.datasets.idx import MNIST

SEEDS = {"train": 161102163, "test": 161102164}
CLASSES = tuple(f"{mode:03d}" for mode in range(1000))


def stack(digits: Samples, count: int, seed: int) -> Samples:
    """Return ``count`` images (N, 3, H, W), each channel one of ``digits`` (M, 1, H, W), drawn with replacement.

    The mode of an image is its three digits read as a number, the first channel first. The draws are numpy's
    ``RandomState``'s, whose stream is frozen.
    """
    assert digits.labels is not None
    drawn = np.floor(np.random.RandomState(seed).random_sample((count, 3)) * len(digits)).astype(np.int64)
    chosen = torch.from_numpy(drawn)
    _, _, height, width = digits.data.shape
    data = digits.data[chosen.flatten()].view(count, 3, height, width)
    labels = (digits.labels[chosen] * torch.tensor([100, 10, 1])).sum(dim=1)
    return Samples(data=data, labels=labels, classes=CLASSES, files=digits.files)


class _Stacked(Dataset):
    """What the two have in common."""

    metrics = ("stacked-modes", "fid")
    reference_split = "test"
    name: ClassVar[str] = ""

    def __init__(self, count: int, count_test: int) -> None:
        self.counts = {
            "train": whole_number("count", count, at_least=1000),
            "test": whole_number("count_test", count_test, at_least=1000),
        }

    def digits(self, split: str, root: Path) -> Samples:
        """The digits that are stacked."""
        raise NotImplementedError

    def load(self, split: str, *, root: Path) -> Samples:
        """Return uint8 (N, 3, S, S) in 0..255, labelled with the mode 0..999; ``test`` stacks other digits."""
        known_split(self.name, split)
        return stack(self.digits(split, root), self.counts[split], SEEDS[split])


class StackedDigits(_Stacked):
    """Three of the embedded digits as red, green and blue: 16×16, 1,000 modes, no download. ``root`` is ignored.

    Args:
        count: images of ``train``, drawn from its 899 digits.
        count_test: images of ``test``, drawn from the 898 others.

    Raises:
        ValueError: fewer than 1,000.
    """

    name = "stacked-digits"
    extractor = "stacked-digits"
    recommends = Digits.recommends
    licence = Digits.licence
    source = Digits.source

    def __init__(self, count: int = 50_000, count_test: int = 10_000) -> None:
        super().__init__(count, count_test)

    def digits(self, split: str, root: Path) -> Samples:
        return Digits().load(split, root=root)


class StackedMNIST(_Stacked):
    """Three MNIST digits as red, green and blue: 32×32, 1,000 modes.

    PacGAN trains on 128,000 images and counts the modes of 26,000 generated ones (``--num-samples 26000``).

    Args:
        count: images of ``train``, drawn from MNIST's 60,000.
        count_test: images of ``test``, drawn from MNIST's 10,000.
        download: whether missing files may be downloaded to the data root.

    Raises:
        ValueError: fewer than 1,000.
    """

    name = "stacked-mnist"
    extractor = "stacked-mnist"
    licence = MNIST.licence
    source = MNIST.source

    def __init__(self, count: int = 128_000, count_test: int = 26_000, download: bool = True) -> None:
        super().__init__(count, count_test)
        self.download = download

    def digits(self, split: str, root: Path) -> Samples:
        return MNIST(download=self.download).load(split, root=root)
