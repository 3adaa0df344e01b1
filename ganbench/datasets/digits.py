"""Handwritten digits that scikit-learn ships, so that a first run needs no download."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from ganbench.api import Dataset, Samples
from ganbench.datasets.checks import known_split

COUNT = 1797
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


def half(*, train: bool) -> npt.NDArray[np.int64]:
    """Return the positions of one split, ascending; drawn from numpy's ``RandomState``, whose stream never changes."""
    order = np.random.RandomState(0).permutation(COUNT)
    return np.sort(order[: (COUNT + 1) // 2] if train else order[(COUNT + 1) // 2 :])


class Digits(Dataset):
    """1,797 grey digits (N, 1, 16, 16), enlarged from 8×8; see :func:`enlarge`.

    A fixed random half is ``train`` (899), the other ``test`` (898), each in scikit-learn's order: two independent
    draws from one distribution, so that the FID between them is the floor that it is taken for. (Every other image
    would not do: neighbours are by the same writer, and halves that share every writer are more alike than chance
    would make them.) ``root`` is ignored.

    So few images are learned by heart within a thousand steps, after which the FID against the other half rises
    again; hence the recommended augmentation. The small latent space and the generator's higher rate, too, are for all
    losses alike, unless their paper has a rate of its own.
    """

    extractor = "digits"
    metrics = ("fid", "is")
    reference_split = "test"
    recommends: ClassVar[dict[str, Any]] = {"augment": "translation", "latent_dim": 32, "g_lr": 5e-4}
    licence = "CC BY 4.0"
    source = "E. Alpaydin and C. Kaynak, UCI Optical Recognition of Handwritten Digits (test part), in scikit-learn"

    def load(self, split: str, *, root: Path) -> Samples:
        """Return ``train`` (899) or ``test`` (898) as uint8 (N, 1, 16, 16) in 0..255, with labels 0..9."""
        chosen = half(train=known_split("digits", split))
        from sklearn.datasets import load_digits

        bunch = load_digits()
        images = enlarge(bunch.images.astype(np.int64)[chosen])
        return Samples(
            data=torch.from_numpy(images).unsqueeze(1),
            labels=torch.from_numpy(bunch.target.astype(np.int64)[chosen]),
            classes=tuple(str(digit) for digit in range(10)),
        )
