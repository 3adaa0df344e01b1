"""CIFAR-10: batches in the true format, an archive placed by hand, damaged and missing files."""

import hashlib
import pickle
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10 as TorchvisionCIFAR10  # noqa: N811

from ganbench.datasets.cifar import CIFAR10
from ganbench.errors import DataError

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP from this machine; yields the address, ending in a slash."""
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with six small batches in the true format, whose MD5 sums torchvision is told to expect."""
    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    for number, name in enumerate(names):
        pixels = (np.arange(2 * 3072).reshape(2, 3072) + number) % 256
        content: dict[str, Any] = {"data": pixels.astype(np.uint8), "labels": [number, 9]}
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": CLASSES}, protocol=2))
    sums = [[name, md5(folder / name)] for name in names]
    monkeypatch.setattr(TorchvisionCIFAR10, "train_list", sums[:5])
    monkeypatch.setattr(TorchvisionCIFAR10, "test_list", sums[5:])
    monkeypatch.setattr(
        TorchvisionCIFAR10,
        "meta",
        {"filename": "batches.meta", "key": "label_names", "md5": md5(folder / "batches.meta")},
    )
    return folder.parent


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    def refuse(request: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(request.full_url)
        raise OSError("the network is unreachable")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    return asked


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
    archive = root / TorchvisionCIFAR10.filename
    folder = root / TorchvisionCIFAR10.base_folder
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    monkeypatch.setattr(TorchvisionCIFAR10, "tgz_md5", md5(archive))
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
        monkeypatch.setattr(TorchvisionCIFAR10, "url", address + archive.name)
        assert len(CIFAR10().load("test", root=tmp_path / "fresh")) == 2


def test_a_damaged_archive_is_named_and_kept(
    batches: Path, offline: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack(batches, monkeypatch)
    archive.write_bytes(archive.read_bytes()[:-10])
    kept = archive.read_bytes()
    with pytest.raises(DataError, match="is damaged: its MD5 is not") as caught:
        CIFAR10().load("train", root=batches)
    assert str(caught.value).startswith(str(archive))
    assert archive.read_bytes() == kept
    assert not offline


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
def test_a_damaged_file_is_named_before_it_is_unpickled(batches: Path, name: str) -> None:
    path = batches / "cifar-10-batches-py" / name
    path.write_bytes(b"cos\nsystem\n(S'touch hacked'\ntR.")
    with pytest.raises(DataError, match="is damaged") as caught:
        CIFAR10().load("train", root=batches)
    assert str(caught.value).startswith(str(path))
    assert not Path("hacked").exists()


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
    assert (CIFAR10.extractor, CIFAR10.metrics, CIFAR10.reference_split) == ("inception", ("fid", "is"), "train")
