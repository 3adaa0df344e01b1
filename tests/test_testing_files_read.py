"""Data files that are read and not named are seen, and a dataset or an extractor that reads some is caught."""

import hashlib
import json
import os
import sqlite3
import tempfile
import tokenize
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ganbench.api import Samples
from ganbench.testing import check
from ganbench.testing.files_read import readings
from tests.kit import assert_caught, failed
from tests.kit.components import RightData, RightExtractor, Thumbnails

PICTURE = np.zeros((4, 4), dtype=np.uint8)


def _sqlite(path: Path) -> None:
    sqlite3.connect(path).close()


MAKERS_AND_READERS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any]]] = {
    "text": (lambda path: path.write_text("1"), Path.read_text),
    "low": (lambda path: path.write_text("1"), lambda path: os.close(os.open(path, os.O_RDONLY))),
    "numpy": (lambda path: np.save(path, PICTURE), np.load),
    "mapped": (lambda path: np.save(path, PICTURE), lambda path: np.load(path, mmap_mode="r")),
    "raw": (lambda path: PICTURE.tofile(path), lambda path: np.fromfile(path, dtype=np.uint8)),
    "torch": (lambda path: torch.save(torch.zeros(3), path), lambda path: torch.load(str(path), weights_only=True)),
    "picture": (lambda path: Image.fromarray(PICTURE).save(path, "PNG"), lambda path: Image.open(path).load()),
    "sqlite": (_sqlite, _sqlite),
}


@pytest.mark.parametrize("how", MAKERS_AND_READERS)
def test_each_way_to_read_is_seen(how: str, tmp_path: Path) -> None:
    path = tmp_path / "data.npy"
    make, read = MAKERS_AND_READERS[how]
    make(path)
    with readings() as found:
        read(path)
    assert found == [path.resolve()]


def test_code_libraries_the_system_and_what_is_written_or_gone_are_no_data(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("x = 1")
    (tmp_path / "mine-1.0.dist-info").mkdir()
    (tmp_path / "mine-1.0.dist-info" / "METADATA").write_text("Name: mine")
    with readings() as found:
        for library in (json.__file__, Path(np.__file__).parent / "py.typed", "/etc/hosts", "/proc/self/status"):
            if Path(library).exists():
                Path(library).read_bytes()
        with tokenize.open(tmp_path / "module.py") as file:
            file.read()
        (tmp_path / "mine-1.0.dist-info" / "METADATA").read_text()
        (tmp_path / "log").write_text("1")
        with tempfile.NamedTemporaryFile() as gone:
            Path(gone.name).read_bytes()
    assert found == []


class FromFiles(RightData):
    """Reads a file a split, and names it."""

    def __init__(self, path: str = "") -> None:
        self.path = Path(path)

    def load(self, split: str, *, root: Path) -> Samples:
        if split not in ("train", "test"):
            raise ValueError("the splits are train and test")
        data = torch.from_numpy(np.load(self.path / f"{split}.npy"))
        return Samples(data=data, files=self.named(split))

    def named(self, split: str) -> tuple[str, ...]:
        return (str(self.path / f"{split}.npy"),)


class Unnamed(FromFiles):
    """Names none."""

    def named(self, split: str) -> tuple[str, ...]:
        return ()


class HalfNamed(FromFiles):
    """Names its samples, and not its classes, whose checksum it knows."""

    def load(self, split: str, *, root: Path) -> Samples:
        (self.path / "classes.txt").read_text()
        return super().load(split, root=root)


def test_a_dataset_names_what_it_reads(tmp_path: Path) -> None:
    for split in ("train", "test"):
        np.save(tmp_path / f"{split}.npy", RightData().points(split).numpy())
    given = {"path": str(tmp_path)}
    assert not failed(check(FromFiles, parameters=given))
    (tmp_path / "link").symlink_to(tmp_path)
    assert not failed(check(FromFiles, parameters={"path": str(tmp_path / "link")}))
    reads = f"loading 'train' reads {tmp_path.resolve() / 'train.npy'}, but none of the files that it reads"
    assert_caught(check(Unnamed, parameters=given), "files", reads)


def test_what_is_read_besides_is_noted(tmp_path: Path) -> None:
    for split in ("train", "test"):
        np.save(tmp_path / f"{split}.npy", RightData().points(split).numpy())
    (tmp_path / "classes.txt").write_text("one")
    told = {one.check: (one.status, one.message) for one in check(HalfNamed, parameters={"path": str(tmp_path)})}
    status, note = told["files"]
    assert status == "ok"
    assert f"loading 'test' reads {tmp_path.resolve() / 'classes.txt'} too, which is not named; a change of it" in note


class Weighted(RightExtractor):
    """Reads its weights, and names them."""

    def __init__(self, path: str = "") -> None:
        self.path = path

    def sha256(self) -> str:
        return hashlib.sha256(Path(self.path).read_bytes()).hexdigest()

    def files(self) -> tuple[str, ...]:
        return (self.path,)

    def build(self, layers: list[str]) -> nn.Module:
        torch.load(self.path, weights_only=True)
        return Thumbnails(layers)


class UnnamedWeights(Weighted):
    """Names none."""

    def files(self) -> tuple[str, ...]:
        return ()


def test_an_extractor_names_what_it_reads(tmp_path: Path) -> None:
    torch.save(torch.zeros(3), tmp_path / "weights.pth")
    given = {"path": str(tmp_path / "weights.pth")}
    assert not failed(check(Weighted, parameters=given))
    reads = f"read {tmp_path.resolve() / 'weights.pth'}, but none of the files that it reads is named; after a change"
    assert_caught(check(UnnamedWeights, parameters=given), "files", reads)
