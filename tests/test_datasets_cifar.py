"""CIFAR-10: batches in the true format, an archive placed by hand, damaged, missing and hostile files."""

import hashlib
import io
import os
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganbench.datasets import cifar
from ganbench.datasets.cifar import _CIFAR, CIFAR10, CIFAR100, HUNDRED, TEN
from ganbench.errors import DataError
from tests.cifar_files import CLASSES, accept, write
from tests.pickles import array, listed, number, python2, text
from tests.site import bring_from, serve, unreachable


@pytest.fixture
def batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with six small batches of CIFAR-10 in the true format, whose MD5 sums are expected."""
    write(tmp_path / "data", CIFAR10, CLASSES)
    for path in (tmp_path / "data" / TEN.folder).iterdir():
        accept(path, monkeypatch)
    return tmp_path / "data"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return unreachable(monkeypatch)


def test_batches_are_read_in_order(batches: Path, offline: list[str]) -> None:
    samples = CIFAR10().load("train", root=batches)
    assert (samples.data.shape, samples.data.dtype) == ((10, 3, 32, 32), torch.uint8)
    assert torch.equal(samples.data[0].flatten(), (torch.arange(3072) % 256).to(torch.uint8))
    assert torch.equal(samples.data[2].flatten(), ((torch.arange(3072) + 1) % 256).to(torch.uint8))
    assert samples.data.is_contiguous()
    assert samples.labels is not None
    assert samples.labels.tolist() == [0, 9, 1, 9, 2, 9, 3, 9, 4, 9]
    assert samples.classes == tuple(CLASSES)
    assert [Path(file).name for file in samples.files] == [f"data_batch_{number}" for number in range(1, 6)]
    test = CIFAR10().load("test", root=batches)
    assert test.labels is not None
    assert test.labels.tolist() == [5, 9]
    assert not offline


def pack(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace the unpacked files by the archive."""
    archive = root / TEN.archive
    folder = root / TEN.folder
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(CIFAR10, "published", replace(TEN, sha256=sha256))
    return archive


@pytest.mark.parametrize("download", [True, False])
def test_an_archive_placed_by_hand_is_unpacked(
    batches: Path, offline: list[str], monkeypatch: pytest.MonkeyPatch, download: bool
) -> None:
    archive = pack(batches, monkeypatch)
    assert len(CIFAR10(download=download).load("train", root=batches)) == 10
    assert archive.is_file()
    assert not offline
    assert [path.name for path in batches.iterdir() if path.is_dir()] == ["cifar-10-batches-py"]


def test_a_download_is_unpacked_into_place(batches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack(batches, monkeypatch)
    with serve(batches) as address:
        asked = bring_from(address, monkeypatch)
        assert len(CIFAR10().load("test", root=tmp_path / "fresh")) == 2
    assert asked == [f"https://www.cs.toronto.edu/~kriz/{archive.name}"]
    assert sorted(path.name for path in (tmp_path / "fresh" / TEN.folder).iterdir()) == sorted(TEN.md5)


def test_a_damaged_archive_is_named_and_kept(
    batches: Path, offline: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack(batches, monkeypatch)
    archive.write_bytes(archive.read_bytes()[:-10])
    kept = archive.read_bytes()
    with pytest.raises(DataError, match="is damaged: its SHA-256 is not") as caught:
        CIFAR10().load("train", root=batches)
    assert str(caught.value).startswith(str(archive))
    assert archive.read_bytes() == kept
    assert not offline


def test_only_the_known_files_of_an_archive_are_unpacked(batches: Path, tmp_path: Path) -> None:
    archive, place = tmp_path / "hostile.tar.gz", tmp_path / "place"
    place.mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("../escaped", "/tmp/escaped", f"{TEN.folder}/../../escaped", f"{TEN.folder}/readme.html"):
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
        link = tarfile.TarInfo(f"{TEN.folder}/data_batch_1")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        tar.add(batches / TEN.folder / "test_batch", f"{TEN.folder}/test_batch")
    cifar.unpack(archive, place, TEN)
    assert [path.name for path in place.iterdir()] == ["test_batch"]
    assert not list(tmp_path.rglob("*escaped*"))


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
def test_a_damaged_file_is_named(batches: Path, name: str) -> None:
    path = batches / TEN.folder / name
    path.write_bytes(path.read_bytes()[:-1])
    split = "test" if name == "test_batch" else "train"
    with pytest.raises(DataError, match="is damaged: its MD5 is not") as caught:
        CIFAR10().load(split, root=batches)
    assert str(caught.value).startswith(str(path))


class Hostile:
    """Pickles to a call of ``os.system``."""

    def __reduce__(self) -> Any:
        return os.system, ("touch hacked",)


HOSTILE = {
    "a call": pickle.dumps({"data": Hostile()}, protocol=2),
    "a call in text": b"cposix\nsystem\n(S'touch hacked'\ntR.",
    "by the old opcode": b"(S'touch hacked'\niposix\nsystem\n.",
    "a builtin": b'c__builtin__\neval\n(S\'open("hacked", "w")\'\ntR.',
    "a part of numpy": b'cnumpy.testing._private.utils\nrunstring\n(S\'open("hacked", "w")\'\n}tR.',
    "another part of numpy": b"cnumpy\nload\n(S'x.npy'\ntR.",
    "an attribute of an admitted name": b"\x80\4\x8c\5numpy\x8c\x10ndarray.__init__\x93.",
    "an array of objects": python2({"data": array(np.zeros((1, 3072))).replace(b"U\2u1", b"U\2O8")}),
    "another class as the array": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\ntR.",
    "an extension": b"\x80\2\x82\1.",
    "a persistent id": b"Pid\n.",
    "not a dictionary": pickle.dumps([1], protocol=2),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_pickle_runs_nothing_though_its_checksum_is_right(
    batches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = batches / TEN.folder / "data_batch_1"
    path.write_bytes(HOSTILE[what])
    accept(path, monkeypatch)
    with pytest.raises(DataError, match="is not a CIFAR file") as caught:
        CIFAR10().load("train", root=batches)
    assert str(caught.value).startswith(str(path))
    assert not Path("hacked").exists()


def test_the_hostile_pickles_are_hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for what in ("a call", "a call in text", "by the old opcode"):
        pickle.loads(HOSTILE[what])
        Path("hacked").unlink()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"labels": listed(number(1))}, "images of 3072 bytes"),
        ({"data": array(np.zeros((1, 3072))), "labels": listed()}, "a label for each"),
        ({"data": array(np.zeros((1, 100))), "labels": listed(number(1))}, "images of 3072 bytes"),
        ({"data": array(np.zeros((1, 3072))), "labels": listed(number(10))}, "label 0..9"),
        ({"data": array(np.zeros((1, 3072))), "labels": listed(text("1"))}, "label 0..9"),
    ],
)
def test_a_batch_of_something_else_is_named(
    batches: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, bytes], words: str
) -> None:
    path = batches / TEN.folder / "test_batch"
    path.write_bytes(python2(content))
    accept(path, monkeypatch)
    with pytest.raises(DataError, match=words):
        CIFAR10().load("test", root=batches)


@pytest.mark.parametrize(("kind", "name"), [(CIFAR10, "CIFAR10"), (CIFAR100, "CIFAR100")])
def test_the_published_files_are_those_of_torchvision(kind: type[_CIFAR], name: str) -> None:
    import torchvision.datasets

    theirs, files = getattr(torchvision.datasets, name), kind.published
    listed_there = dict([*theirs.train_list, *theirs.test_list])
    assert listed_there | {files.names: theirs.meta["md5"]} == files.md5
    assert (theirs.base_folder, theirs.filename, theirs.url) == (files.folder, files.archive, files.address)
    assert ([*files.train], [*files.test]) == ([n for n, _ in theirs.train_list], [n for n, _ in theirs.test_list])
    assert (files.names, files.names_key) == (theirs.meta["filename"], theirs.meta["key"])


def test_cifar100_has_its_fine_labels(tmp_path: Path, offline: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"kind {index}" for index in range(100)]
    write(tmp_path, CIFAR100, names)
    for path in (tmp_path / HUNDRED.folder).iterdir():
        accept(path, monkeypatch, HUNDRED)
    for split, labels in (("train", [0, 99]), ("test", [1, 99])):
        samples = CIFAR100().load(split, root=tmp_path)
        assert (samples.data.shape, samples.data.dtype) == ((2, 3, 32, 32), torch.uint8)
        assert samples.labels is not None
        assert samples.labels.tolist() == labels
        assert samples.classes == tuple(names)
        assert [Path(file).name for file in samples.files] == [split]
    assert not offline


def test_cifar100_says_where_it_is_missing(tmp_path: Path, offline: list[str]) -> None:
    with pytest.raises(DataError, match="cifar100: train") as caught:
        CIFAR100().load("train", root=tmp_path)
    assert "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz" in str(caught.value)
    assert str(tmp_path / "cifar-100-python") in str(caught.value)
    assert offline


def test_missing_files_say_what_was_tried_and_what_to_do(tmp_path: Path, offline: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        CIFAR10().load("train", root=tmp_path)
    message = str(caught.value)
    assert offline
    assert "\n" not in message
    for part in (
        "cifar10: data_batch_1",
        str(tmp_path / "cifar-10-batches-py"),
        "tried and failed",
        "the network is unreachable",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "--data-root",
    ):
        assert part in message


def test_no_download_where_it_is_switched_off(tmp_path: Path, offline: list[str]) -> None:
    with pytest.raises(DataError, match="no download was tried"):
        CIFAR10(download=False).load("train", root=tmp_path)
    assert not offline


def test_nonsense_is_named() -> None:
    with pytest.raises(ValueError, match=r"^download must be"):
        CIFAR10(download="no")  # type: ignore[arg-type]


def test_declarations() -> None:
    for kind in (CIFAR10, CIFAR100):
        assert (kind.extractor, kind.metrics, kind.reference_split) == ("inception", ("fid", "is"), "train")
