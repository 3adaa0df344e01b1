"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009)."""

import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from ganbench.api import Dataset, Samples
from ganbench.datasets.checks import known_split, one_line
from ganbench.datasets.cifar_pickle import LARGEST, read_pickle
from ganbench.datasets.downloads import download, fetch
from ganbench.errors import DataError
from ganbench.files import file_sha256

LARGEST_ARCHIVE = 256 << 20


@dataclass(frozen=True, kw_only=True)
class Files:
    """What one of the two is distributed as.

    Attributes:
        folder: that the archive unpacks to.
        archive: its name.
        sha256: of the archive.
        md5: of each file in the folder, as published.
        train, test: the files of each split, in order.
        names: the file with the names of the classes.
        names_key: under which they stand there.
        labels_key: under which the labels stand in the files of a split.
        classes: how many there are.
    """

    folder: str
    archive: str
    sha256: str
    md5: dict[str, str]
    train: tuple[str, ...]
    test: tuple[str, ...]
    names: str
    names_key: str
    labels_key: str
    classes: int

    @property
    def address(self) -> str:
        """Where the archive is published."""
        return f"https://www.cs.toronto.edu/~kriz/{self.archive}"


TEN = Files(
    folder="cifar-10-batches-py",
    archive="cifar-10-python.tar.gz",
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    md5={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
        "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    },
    train=("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"),
    test=("test_batch",),
    names="batches.meta",
    names_key="label_names",
    labels_key="labels",
    classes=10,
)
HUNDRED = Files(
    folder="cifar-100-python",
    archive="cifar-100-python.tar.gz",
    sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    md5={
        "train": "16019d7e3df5f24257cddd939b257f8d",
        "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
        "meta": "7973b15100ade9c7d40fb424638fde48",
    },
    train=("train",),
    test=("test",),
    names="meta",
    names_key="fine_label_names",
    labels_key="fine_labels",
    classes=100,
)


def _batch(path: Path, files: Files) -> tuple[npt.NDArray[np.uint8], list[int]]:
    """The images (N, 3072) and labels of one file."""
    content = read_pickle(path, files.md5[path.name])
    data, labels = content.get("data"), content.get(files.labels_key)
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.shape[1] != 3 * 32 * 32:
        raise DataError(f"{path} does not contain images of 3072 bytes")
    if not isinstance(labels, list) or len(labels) != len(data):
        raise DataError(f"{path} does not contain a label for each of its {len(data)} images")
    if not all(isinstance(label, int) and 0 <= label < files.classes for label in labels):
        raise DataError(f"{path} does not contain a label 0..{files.classes - 1} for each image")
    return data, labels


def _get(place: Path, archive: Path, files: Files) -> None:
    """Unpack the files into ``place``, from ``archive`` if a user placed it, else from a download."""
    if archive.is_file():
        if file_sha256(archive) != files.sha256:
            raise DataError(f"{archive} is damaged: its SHA-256 is not {files.sha256}; remove it and run again")
        unpack(archive, place, files)
        return
    downloaded = place / files.archive
    download((files.address,), downloaded, sha256=files.sha256, limit=LARGEST_ARCHIVE)
    unpack(downloaded, place, files)
    downloaded.unlink()


def unpack(archive: Path, place: Path, files: Files) -> None:
    """Write the known files that are in an archive to ``place``, and nothing else of it.

    Raises:
        DataError: it is damaged, or a file in it is larger than it can be.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                folder, _, name = member.name.removeprefix("./").partition("/")
                if folder != files.folder or name not in files.md5 or not member.isreg():
                    continue
                source = tar.extractfile(member)
                if source is None or member.size > LARGEST:
                    raise DataError(
                        f"{archive}: {name} claims {member.size} bytes, more than it can have; remove the archive"
                    )
                (place / name).write_bytes(source.read())
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise DataError(f"{archive} cannot be unpacked ({one_line(error)}); remove it and run again") from error


class _CIFAR(Dataset):
    """What the two have in common."""

    published: ClassVar[Files]
    extractor = "inception"
    metrics = ("fid", "is")
    reference_split = "train"
    licence = "none stated; cite Krizhevsky 2009"
    source = "A. Krizhevsky, V. Nair and G. Hinton"

    def __init__(self, *, download: bool = True) -> None:
        if not isinstance(download, bool):
            raise ValueError(f"download must be true or false, not {download!r}")
        self.download = download

    def _load(self, name: str, split: str, root: Path) -> Samples:
        files = self.published
        used = files.train if known_split(name, split) else files.test
        root = Path(root).expanduser().absolute()
        folder = root / files.folder
        archive = root / files.archive
        fetch(
            name,
            folder=folder,
            root=root,
            missing=lambda: [each for each in files.md5 if not (folder / each).is_file()],
            get=lambda place: _get(place, archive, files),
            allowed=self.download or archive.is_file(),
            by_hand=(
                f"get {files.address} and put it into {root}, or name the folder that contains {folder.name} with "
                "--data-root"
            ),
        )
        batches = [_batch(folder / each, files) for each in used]
        classes: Any = read_pickle(folder / files.names, files.md5[files.names]).get(files.names_key)
        if not isinstance(classes, list) or not all(isinstance(each, str) for each in classes):
            raise DataError(f"{folder / files.names} does not contain the names of the classes")
        return Samples(
            data=torch.from_numpy(np.concatenate([data for data, _ in batches]).reshape(-1, 3, 32, 32)),
            labels=torch.tensor([label for _, labels in batches for label in labels], dtype=torch.int64),
            classes=tuple(classes),
            files=tuple(str(folder / each) for each in used),
        )


class CIFAR10(_CIFAR):
    """60,000 colour photographs of 10 classes (Krizhevsky 2009), 32×32.

    Fakes are compared with the TRAINING images by default: torch-fidelity's ``cifar10-train``, the convention of most
    published tables. Scores against the test images are another protocol.

    Args:
        download: whether missing files may be downloaded to the data root.
    """

    published = TEN

    def load(self, split: str, *, root: Path) -> Samples:
        """Return ``train`` (50,000) or ``test`` (10,000) as uint8 (N, 3, 32, 32), with labels.

        The files are looked for in ``root/cifar-10-batches-py``, then ``root/cifar-10-python.tar.gz``, where
        torchvision keeps them too. They are Python pickles; nothing in them is run.
        """
        return self._load("cifar10", split, root)


class CIFAR100(_CIFAR):
    """60,000 colour photographs of 100 classes (Krizhevsky 2009), 32×32; 500 of each to train on.

    Fakes are compared with the TRAINING images by default, as for ``cifar10``. The labels are the hundred fine ones.

    Args:
        download: whether missing files may be downloaded to the data root.
    """

    published = HUNDRED

    def load(self, split: str, *, root: Path) -> Samples:
        """Return ``train`` (50,000) or ``test`` (10,000) as uint8 (N, 3, 32, 32), with labels.

        The files are looked for in ``root/cifar-100-python``, then ``root/cifar-100-python.tar.gz``, where torchvision
        keeps them too. They are Python pickles; nothing in them is run.
        """
        return self._load("cifar100", split, root)
