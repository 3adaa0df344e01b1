"""Small files of CIFAR in the true format, which tests read in place of the published ones."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from ganbench.datasets.cifar import _CIFAR, TEN, Files
from tests.pickles import array, listed, number, python2, text

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def write(root: Path, kind: type[_CIFAR], names: list[str], count: int = 2) -> None:
    """Small files in the true format: two images each, labelled by the file's place and as the last class, or more."""
    files = kind.published
    folder = root / files.folder
    folder.mkdir(parents=True)
    for index, name in enumerate([*files.train, *files.test]):
        pixels = (np.arange(count * 3072).reshape(count, 3072) + index) % 256
        labels = listed(number(index), *[number(files.classes - 1)] * (count - 1))
        # CIFAR-100's files have the labels of the twenty superclasses besides.
        content = {"batch_label": text(name), "coarse_labels": listed(number(1), number(2)), files.labels_key: labels}
        content |= {"data": array(pixels), "filenames": listed(text("a.png"), text("b.png"))}
        (folder / name).write_bytes(python2(content))
    meta = {"coarse_label_names": listed(text("fish")), files.names_key: listed(*map(text, names))}
    (folder / files.names).write_bytes(python2(meta | {"num_vis": number(3072)}))


def accept(path: Path, monkeypatch: pytest.MonkeyPatch, files: Files = TEN) -> None:
    """Take the MD5 of a file for the published one."""
    monkeypatch.setitem(files.md5, path.name, hashlib.md5(path.read_bytes()).hexdigest())
