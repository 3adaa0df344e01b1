"""Handwritten digits that scikit-learn ships, so that a first run needs no download."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ganbench.api import Dataset, Samples
from ganbench.datasets.checks import known_split

LEVELS = 16  # the source counts ink from 0 to 16


def enlarge(images: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Double the side of images (N, H, W) with values 0..16 and stretch them to 0..255; bilinear, exact.

    Bilinear interpolation with half-pixel centres to twice the side weighs the two nearest pixels of a row 3/4 and
    1/4, and so the columns; beyond the border the border pixel is repeated. The sixteenfold weighted sum S is a whole
    number in 0..256, and a pixel is 255·S/256 rounded half up, ``(255 * S + 128) // 256``. Whole numbers all the way:
    the bytes are the same on every machine.
    """
    sums = images
    for axis in (1, 2):
        padding = [(0, 0), (0, 0), (0, 0)]
        padding[axis] = (1, 1)
        padded = np.pad(sums, padding, mode="edge")
        count = sums.shape[axis]
        before, here, after = (padded.take(range(start, start + count), axis) for start in range(3))
        pairs = np.stack((before + 3 * here, 3 * here + after), axis + 1)
        sums = pairs.reshape([2 * size if number == axis else size for number, size in enumerate(sums.shape)])
    return ((255 * sums + 128) // 256).astype(np.uint8)


class Digits(Dataset):
    """1,797 grey digits (N, 1, 16, 16), enlarged from 8×8; see :func:`enlarge`.

    The images at even positions of scikit-learn's order are ``train`` (899), those at odd positions ``test`` (898), so
    that both hold all classes and most writers. ``root`` is ignored.
    """

    extractor = "digits"
    metrics = ("fid", "is")
    reference_split = "test"
    licence = "CC BY 4.0"
    source = "E. Alpaydin and C. Kaynak, UCI Optical Recognition of Handwritten Digits (test part), in scikit-learn"

    def load(self, split: str, *, root: Path) -> Samples:
        """Return ``train`` (899) or ``test`` (898) as uint8 (N, 1, 16, 16) in 0..255, with labels 0..9."""
        start = 0 if known_split("digits", split) else 1
        from sklearn.datasets import load_digits

        bunch = load_digits()
        images = enlarge(bunch.images.astype(np.int64)[start::2])
        return Samples(
            data=torch.from_numpy(images).unsqueeze(1),
            labels=torch.from_numpy(bunch.target.astype(np.int64)[start::2]),
            classes=tuple(str(digit) for digit in range(10)),
        )
