"""CIFAR-10: batches that are Python pickles, read without running anything that stands in them."""

import hashlib
import io
import pickle
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ganbench.api import Dataset, Samples
from ganbench.datasets.checks import known_split, one_line
from ganbench.datasets.downloads import download, fetch
from ganbench.errors import DataError
from ganbench.files import file_sha256

FOLDER = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"
ADDRESSES = (f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",)
ARCHIVE_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
LARGEST_ARCHIVE = 256 << 20
LARGEST_BATCH = 64 << 20
"""Bytes of one file; the true batches have 31 million."""
TRAIN = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5")
TEST = ("test_batch",)
META = "batches.meta"
MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
}


class _Bytes:
    """Stands for ``numpy.dtype`` in a batch: unsigned bytes, and nothing else."""

    def __init__(self, code: object, *flags: object) -> None:
        if code != "u1":
            raise pickle.UnpicklingError(f"numbers of type {code!r}, not unsigned bytes")

    def __setstate__(self, state: object) -> None:
        """The byte order and the like, which bytes do not have."""


class _Array:
    """Stands for ``numpy.ndarray`` in a batch."""

    values: npt.NDArray[np.uint8] | None = None

    def __setstate__(self, state: Any) -> None:
        """Take (version, shape, type, whether in Fortran's order, content as Latin-1 text)."""
        _, shape, kind, fortran, content = state
        if not isinstance(kind, _Bytes) or fortran or not isinstance(content, str):
            raise pickle.UnpicklingError("an array that is not of bytes in C's order")
        self.values = np.frombuffer(content.encode("latin-1"), np.uint8).reshape(shape)


def _empty_array(kind: object, *rest: object) -> _Array:
    """Stands for numpy's ``_reconstruct``, which makes the array that is filled next."""
    if kind is not _Array:
        raise pickle.UnpicklingError("an object that is not an array")
    return _Array()


class _Unpickler(pickle.Unpickler):
    """Makes dictionaries, lists, texts, numbers and :class:`_Array`; nothing named in a pickle is imported or called.

    The three names that the true files hold stand for the harmless objects above, whatever numpy has under them.
    """

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Return what a name stands for; refuse every other name."""
        match module_name, global_name:
            case "numpy.core.multiarray", "_reconstruct":
                return lambda *arguments: _empty_array(*arguments)  # what a pickle does to it is gone with it
            case "numpy", "ndarray":
                return _Array
            case "numpy", "dtype":
                return _Bytes
        raise pickle.UnpicklingError(f"it names {module_name}.{global_name}, which no batch of CIFAR-10 does")


def read_pickle(path: Path, md5: str) -> dict[str, Any]:
    """Read one of CIFAR-10's files, written by Python 2; arrays of bytes in it are numpy arrays.

    Args:
        path: the file.
        md5: the published checksum. It tells damage; that nothing in the file is run does not depend on it.

    Raises:
        DataError: not readable, damaged, or a pickle of something else; names the file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BATCH + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from error
    if len(data) > LARGEST_BATCH or hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
        raise DataError(f"{path} is damaged: its MD5 is not {md5}; remove it so that it is fetched again")
    return unpickle(data, str(path))


def unpickle(data: bytes, where: str) -> dict[str, Any]:
    """Return the dictionary in a pickle that holds nothing but what CIFAR-10's files do.

    Raises:
        DataError: it holds something else, or is damaged.
    """
    try:
        content = _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:  # what an unpickler raises on damaged data has no base class
        raise DataError(f"{where} is not a file of CIFAR-10 ({one_line(error)})") from error
    if not isinstance(content, dict):
        raise DataError(f"{where} is not a file of CIFAR-10: it holds no dictionary")
    return {key: value.values if isinstance(value, _Array) else value for key, value in content.items()}


def _batch(path: Path) -> tuple[npt.NDArray[np.uint8], list[int]]:
    """The images (N, 3072) and labels of one batch."""
    content = read_pickle(path, MD5[path.name])
    data, labels = content.get("data"), content.get("labels")
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.shape[1] != 3 * 32 * 32:
        raise DataError(f"{path} does not hold images of 3072 bytes")
    if not isinstance(labels, list) or len(labels) != len(data):
        raise DataError(f"{path} does not hold a label for each of its {len(data)} images")
    if not all(isinstance(label, int) and 0 <= label < 10 for label in labels):
        raise DataError(f"{path} does not hold a label 0..9 for each image")
    return data, labels


def _get(place: Path, archive: Path) -> None:
    """Unpack CIFAR-10 into ``place``, from ``archive`` if a user placed it, else from a download."""
    if archive.is_file():
        if file_sha256(archive) != ARCHIVE_SHA256:
            raise DataError(f"{archive} is damaged: its SHA-256 is not {ARCHIVE_SHA256}; remove it")
        unpack(archive, place)
        return
    downloaded = place / ARCHIVE
    download(ADDRESSES, downloaded, sha256=ARCHIVE_SHA256, limit=LARGEST_ARCHIVE)
    unpack(downloaded, place)
    downloaded.unlink()


def unpack(archive: Path, place: Path) -> None:
    """Write the files of CIFAR-10 that are in an archive to ``place``, and nothing else of it.

    Raises:
        DataError: it is damaged, or a file in it is larger than it can be.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                folder, _, name = member.name.removeprefix("./").partition("/")
                if folder != FOLDER or name not in MD5 or not member.isreg():
                    continue
                source = tar.extractfile(member)
                if source is None or member.size > LARGEST_BATCH:
                    raise DataError(f"{archive}: {name} claims {member.size} bytes, more than it can have")
                (place / name).write_bytes(source.read())
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise DataError(f"{archive} cannot be unpacked ({one_line(error)}); remove it") from error


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

        The files are looked for in ``root/cifar-10-batches-py``, then ``root/cifar-10-python.tar.gz``, where
        torchvision keeps them too. They are Python pickles; nothing in them is run.
        """
        used = TRAIN if known_split("cifar10", split) else TEST
        root = Path(root).expanduser().absolute()
        folder = root / FOLDER
        archive = root / ARCHIVE
        fetch(
            "cifar10",
            folder=folder,
            root=root,
            missing=lambda: [name for name in MD5 if not (folder / name).is_file()],
            get=lambda place: _get(place, archive),
            allowed=self.download or archive.is_file(),
            by_hand=f"get {ADDRESSES[0]} and place it in {root}, or name the folder that holds "
            f"{folder.name} with --data-root",
        )
        batches = [_batch(folder / name) for name in used]
        classes = read_pickle(folder / META, MD5[META]).get("label_names")
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise DataError(f"{folder / META} does not hold the names of the classes")
        return Samples(
            data=torch.from_numpy(np.concatenate([data for data, _ in batches]).reshape(-1, 3, 32, 32)),
            labels=torch.tensor([label for _, labels in batches for label in labels], dtype=torch.int64),
            classes=tuple(classes),
            files=tuple(str(folder / name) for name in used),
        )
