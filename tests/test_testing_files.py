"""What a call reads and what it leaves on the disk is seen, and components that hide either are caught."""

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

from ganbench.api import Evidence, Samples
from ganbench.testing import check
from ganbench.testing.files import leftovers, opened, readings
from tests.kit import assert_caught, failed, outcome_of
from tests.kit.components import RightData, RightExtractor, RightMetric, Thumbnails

PICTURE = np.zeros((4, 4), dtype=np.uint8)


def test_what_is_read_and_what_is_written_is_told_apart(tmp_path: Path) -> None:
    read, written, moved = (tmp_path / name for name in ("read", "written", "moved"))
    read.write_text("1")
    with opened() as files:
        read.read_text()
        written.write_text("1")
        os.rename(written, moved)
    assert files.read == {str(read)}
    assert files.written == {str(written), str(moved)}
    read.read_text()
    moved.write_text("2")
    assert len(files.read) + len(files.written) == 3


def test_a_block_inside_another_ends_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "read"
    path.write_text("1")
    with opened() as outer:
        with opened() as inner:
            pass
        path.read_text()
    assert str(path) in outer.read
    assert inner.read == set()


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

    locations = ("path",)

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
    assert_caught(Unnamed, "files", reads, parameters=given)


def test_what_is_read_besides_is_noted(tmp_path: Path) -> None:
    for split in ("train", "test"):
        np.save(tmp_path / f"{split}.npy", RightData().points(split).numpy())
    (tmp_path / "classes.txt").write_text("one")
    found = outcome_of("files", HalfNamed, parameters={"path": str(tmp_path)})
    assert found.status == "ok"
    words = f"loading 'test' reads {tmp_path.resolve() / 'classes.txt'} too, which is not named; a change of it"
    assert words in found.message


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
    assert_caught(UnnamedWeights, "files", reads, parameters=given)


def _renamed(path: Path) -> None:
    draft = path.with_name("draft")
    draft.write_bytes(b"1")
    os.replace(draft, path)


def _low(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))


WRITERS: dict[str, Callable[[Path], Any]] = {
    "text": lambda path: path.write_text("1"),
    "numpy": lambda path: np.save(path, np.zeros(3)),
    "torch": lambda path: torch.save(torch.zeros(3), path),
    "torch by a text": lambda path: torch.save(torch.zeros(3), str(path)),
    "renamed": _renamed,
    "low": _low,
    "sqlite": lambda path: sqlite3.connect(path).execute("create table if not exists a (b)").connection.close(),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_each_way_to_write_is_seen(writer: str, tmp_path: Path) -> None:
    path = tmp_path / "cache.npy"
    with leftovers() as left:
        WRITERS[writer](path)
    assert left == [path]
    with leftovers() as left:  # over itself
        WRITERS[writer](path)
    assert left == [path]


def test_what_is_read_or_removed_or_compiled_is_none(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text("1")
    (tmp_path / "__pycache__").mkdir()
    with leftovers() as left:
        json.loads((tmp_path / "data.json").read_text())
        (tmp_path / "__pycache__" / "module.pyc").write_bytes(b"1")
        (tmp_path / "draft").write_text("1")
        (tmp_path / "draft").unlink()
        with tempfile.TemporaryDirectory() as folder:
            torch.save(torch.zeros(3), Path(folder) / "features.pt")
        (tmp_path / "folder").mkdir()
    assert left == []
    (tmp_path / "later").write_text("1")
    assert left == []


def test_it_is_seen_also_where_the_call_fails(tmp_path: Path) -> None:
    save = torch.save
    with pytest.raises(TypeError), leftovers() as left:
        np.save(tmp_path / "cache.npy", torch)  # type: ignore[arg-type]  # no array, and it opens the file first
    assert left == [tmp_path / "cache.npy"]
    assert torch.save is save


class Cached(RightMetric):
    """Keeps the reference's mean in a folder of its own."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        np.save(Path(tempfile.gettempdir()) / "gap-reference.npy", np.zeros(3))
        return super().compute(fake, reference)


class ForAWhile(RightMetric):
    """Right: what it writes is gone when it returns."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        with tempfile.NamedTemporaryFile() as file:
            np.save(file, np.zeros(3))
            return super().compute(fake, reference)


def test_a_metric_with_a_cache_of_its_own_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    words = f"compute() leaves {tmp_path / 'gap-reference.npy'} behind, which trials that run"
    assert_caught(Cached, "files", words)
    assert failed(check(ForAWhile)) == {}
