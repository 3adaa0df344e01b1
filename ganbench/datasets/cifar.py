"""CIFAR-10 through torchvision."""

from pathlib import Path

import numpy as np
import torch
from torchvision.datasets import CIFAR10 as TorchvisionCIFAR10  # noqa: N811
from torchvision.datasets.utils import check_integrity

from ganbench.api import Dataset, Samples
from ganbench.datasets.checks import known_split, one_line
from ganbench.datasets.downloads import fetch
from ganbench.errors import DataError


def _get(temporary: Path, archive: Path) -> None:
    """Unpack CIFAR-10 below ``temporary``, from ``archive`` if a user placed it, else from a download."""
    if archive.is_file():
        if not check_integrity(archive, TorchvisionCIFAR10.tgz_md5):
            raise DataError(f"{archive} is damaged: its MD5 is not {TorchvisionCIFAR10.tgz_md5}; remove it")
        (temporary / archive.name).symlink_to(archive)
    TorchvisionCIFAR10(temporary, download=True)


class CIFAR10(Dataset):
    """60,000 colour photographs of 10 classes (Krizhevsky 2009), 32×32.

    Fakes are compared with the TRAINING images by default: torch-fidelity's ``cifar10-train``, the convention of most
    published tables. Scores against the test images are another protocol.

    Args:
        download: whether missing files may be downloaded to the data root.
    """

    extractor = "inception"
    metrics = ("fid", "is")
    reference_split = "train"
    licence = "none stated; cite Krizhevsky 2009"
    source = "A. Krizhevsky, V. Nair and G. Hinton"

    def __init__(self, *, download: bool = True) -> None:
        if not isinstance(download, bool):
            raise ValueError(f"download must be true or false, not {download!r}")
        self.download = download

    def load(self, split: str, *, root: Path) -> Samples:
        """Return ``train`` (50,000) or ``test`` (10,000) as uint8 (N, 3, 32, 32), with labels.

        The files are looked for in ``root/cifar-10-batches-py``, then ``root/cifar-10-python.tar.gz``. Their MD5 is
        checked before they are read: they are Python pickles, which run code.
        """
        train = known_split("cifar10", split)
        root = Path(root).expanduser().absolute()
        folder = root / TorchvisionCIFAR10.base_folder
        archive = root / TorchvisionCIFAR10.filename
        meta = TorchvisionCIFAR10.meta
        batches = [*TorchvisionCIFAR10.train_list, *TorchvisionCIFAR10.test_list, [meta["filename"], meta["md5"]]]
        fetch(
            "cifar10",
            folder=folder,
            root=root,
            missing=lambda: [name for name, _ in batches if not (folder / name).is_file()],
            get=lambda place: _get(place, archive),
            allowed=self.download or archive.is_file(),
            by_hand=f"get {TorchvisionCIFAR10.url} and place it in {root}, or name the folder that holds "
            f"{folder.name} with --data-root",
        )
        for name, md5 in batches:
            if not check_integrity(folder / name, md5):
                raise DataError(
                    f"{folder / name} is damaged: its MD5 is not {md5}; remove it so that it is fetched again"
                )
        try:
            images = TorchvisionCIFAR10(root, train=train, download=False)
            data = torch.from_numpy(np.ascontiguousarray(images.data.transpose(0, 3, 1, 2)))
        except Exception as error:  # what an unpickler raises has no base class
            raise DataError(f"cifar10: {folder} cannot be read ({one_line(error)})") from error
        used = TorchvisionCIFAR10.train_list if train else TorchvisionCIFAR10.test_list
        return Samples(
            data=data,
            labels=torch.tensor(images.targets, dtype=torch.int64),
            classes=tuple(images.classes),
            files=tuple(str(folder / name) for name, _ in used),
        )
