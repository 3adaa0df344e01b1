"""MNIST and Fashion-MNIST: images and labels in IDX files."""

import gzip
import math
import zlib
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganbench.api import Dataset, Samples
from ganbench.datasets.checks import known_split, one_line
from ganbench.datasets.downloads import download, fetch
from ganbench.errors import DataError

SIDE = 28
SIZES = (16, 28, 32)
PARTS = {"train": "train", "test": "t10k"}
LARGEST = 64 << 20
"""Bytes of one file, unpacked. MNIST's largest has 47,040,016; a ``.gz`` can hold terabytes in a few megabytes."""


def read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """Read an IDX file of bytes, unpacked or ``.gz``.

    The format: two zero bytes, the type (8, unsigned bytes), the number of dimensions; each dimension as a big-endian
    32-bit number; the values.

    Raises:
        DataError: not readable, not such a file, larger than :data:`LARGEST`, or not as long as it says; names the
            file.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({one_line(error)}); remove it so that it is fetched again") from error
    if len(data) > LARGEST:
        raise DataError(f"{path} holds more than {LARGEST} bytes, which no such file has; remove it to fetch it again")
    start = 4 + 4 * dimensions
    if len(data) < start or data[:4] != bytes((0, 0, 8, dimensions)):
        raise DataError(f"{path} is not an IDX file of bytes in {dimensions} dimensions; remove it to fetch it again")
    shape = np.frombuffer(data, ">u4", dimensions, 4).tolist()
    if len(data) - start != math.prod(shape):
        raise DataError(
            f"{path} is damaged: it says {'x'.join(map(str, shape))} values and holds {len(data) - start}; "
            f"remove it so that it is fetched again"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def resize(images: Tensor, size: int) -> Tensor:
    """Bring uint8 images (N, 28, 28) to (N, size, size), exactly.

    28 leaves them as they are; 32 adds two rows and columns of zeros (the background) on each side; 16 takes those
    32×32 images and averages blocks of 2×2, rounding half up: ``(a + b + c + d + 2) // 4``.
    """
    if size == SIDE:
        return images
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    if size == 32:
        return padded
    blocks = padded.to(torch.int16).reshape(-1, 16, 2, 16, 2)
    return ((blocks.sum(dim=(2, 4)) + 2) // 4).to(torch.uint8)


class _IdxImages(Dataset):
    """What MNIST and Fashion-MNIST share; they differ in where the files come from and what the classes are called.

    Args:
        size: 32 (default, a power of two as convolutional networks want), 28 (as published) or 16; see
            :func:`resize`.
        download: whether missing files may be downloaded to the data root.

    Raises:
        ValueError: another size.
    """

    name: ClassVar[str]
    folder: ClassVar[str]
    mirrors: ClassVar[tuple[str, ...]]
    checksums: ClassVar[dict[str, str]]
    names_of_classes: ClassVar[tuple[str, ...]]

    def __init__(self, *, size: int = 32, download: bool = True) -> None:
        if size not in SIZES or isinstance(size, bool):
            raise ValueError(f"size must be one of {', '.join(map(str, SIZES))}, not {size!r}")
        if not isinstance(download, bool):
            raise ValueError(f"download must be true or false, not {download!r}")
        self.size = size
        self.download = download

    def load(self, split: str, *, root: Path) -> Samples:
        """Return ``train`` (60,000) or ``test`` (10,000) as uint8 (N, 1, size, size), with labels.

        The files are looked for in ``root/<MNIST or FashionMNIST>/raw``, unpacked or as ``.gz``, which is where
        torchvision keeps them too. Opening them writes nothing; only a download needs a writable root.
        """
        known_split(self.name, split)
        root = Path(root).expanduser().absolute()
        folder = root / self.folder / "raw"
        names = [f"{PARTS[split]}-images-idx3-ubyte", f"{PARTS[split]}-labels-idx1-ubyte"]
        fetch(
            self.name,
            folder=folder,
            root=root,
            missing=lambda: [name for name in names if _find(folder, name) is None],
            get=lambda place: self._download(place, [name for name in names if _find(folder, name) is None]),
            allowed=self.download,
            by_hand=f"get {' and '.join(f'{name}.gz' for name in names)} from {self.mirrors[0]} and "
            f"place them there, or name the folder that holds {folder.parent.name}/raw with --data-root",
        )
        image_file, label_file = (_find(folder, name) or folder / name for name in names)
        images, labels = read_idx(image_file, 3), read_idx(label_file, 1)
        if images.shape[1:] != (SIDE, SIDE) or not len(images):
            raise DataError(f"{image_file} holds {'x'.join(map(str, images.shape))} values, not images of 28x28")
        if len(labels) != len(images) or labels.max() >= len(self.names_of_classes):
            raise DataError(f"{label_file} does not hold a label 0..9 for each of the {len(images)} images beside it")
        return Samples(
            data=resize(torch.from_numpy(images.copy()), self.size).unsqueeze(1),
            labels=torch.from_numpy(labels.astype(np.int64)),
            classes=self.names_of_classes,
            files=(str(image_file), str(label_file)),
        )

    def _download(self, place: Path, names: list[str]) -> None:
        for name in (f"{name}.gz" for name in names):
            addresses = [f"{mirror}{name}" for mirror in self.mirrors]
            download(addresses, place / name, sha256=self.checksums[name], limit=LARGEST)


def _find(folder: Path, name: str) -> Path | None:
    """Return the unpacked file or its ``.gz``, whichever is there."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


class MNIST(_IdxImages):
    """70,000 handwritten digits, grey (LeCun et al. 1998).

    Args:
        size: 32 (default), 28 (as published) or 16; :func:`resize` says how.
        download: whether missing files may be downloaded to the data root.
    """

    name = "mnist"
    folder = "MNIST"
    mirrors = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
    checksums: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    }
    names_of_classes = tuple(str(digit) for digit in range(10))
    extractor = "mnist"
    licence = "CC BY-SA 3.0"
    source = "Y. LeCun, C. Cortes and C. Burges"


class FashionMNIST(_IdxImages):
    """70,000 articles of clothing, grey, in MNIST's format (Xiao et al. 2017).

    Args:
        size: 32 (default), 28 (as published) or 16; :func:`resize` says how.
        download: whether missing files may be downloaded to the data root.
    """

    name = "fashion-mnist"
    folder = "FashionMNIST"
    mirrors = ("https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",)
    checksums: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    }
    names_of_classes = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip
    extractor = "inception"
    licence = "MIT"
    source = "Zalando Research"
