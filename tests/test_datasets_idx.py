"""MNIST and Fashion-MNIST: the IDX format, sizes, damaged and missing files, the real MNIST where it is at hand."""

import gzip
import hashlib
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganbench.datasets import idx as idx_module
from ganbench.datasets.idx import MNIST, FashionMNIST, read_idx, resize
from ganbench.errors import DataError
from tests.site import bring_from, serve, unreachable

SHARED = Path(os.environ.get("GANBENCH_SHARED_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
real = pytest.mark.skipif(
    not (SHARED / "MNIST" / "raw").is_dir(), reason=f"no MNIST/raw in {SHARED}; set GANBENCH_SHARED_DATA"
)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def place(root: Path, *, name: str = "MNIST", size: int = 6, packed: bool = False) -> Path:
    """Write all four files in the true format; pixels and labels are a function of the position."""
    folder = root / name / "raw"
    folder.mkdir(parents=True)
    for part, offset in (("train", 0), ("t10k", 100)):
        images = (np.arange(size * 28 * 28).reshape(size, 28, 28) + offset) % 256
        for suffix, array in (("images-idx3", images), ("labels-idx1", (np.arange(size) + offset) % 10)):
            path = folder / f"{part}-{suffix}-ubyte"
            if packed:
                path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(idx(array)))
            else:
                path.write_bytes(idx(array))
    return folder


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the network by a refusal that notes what was asked for."""
    return unreachable(monkeypatch)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("dataset", "name"), [(MNIST, "MNIST"), (FashionMNIST, "FashionMNIST")])
def test_true_files_are_read(tmp_path: Path, dataset: type[MNIST | FashionMNIST], name: str, packed: bool) -> None:
    folder = place(tmp_path, name=name, packed=packed)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    samples = dataset(size=28, download=False).load("test", root=tmp_path)
    expected = (np.arange(6 * 28 * 28).reshape(6, 1, 28, 28) + 100) % 256
    assert torch.equal(samples.data, torch.from_numpy(expected.astype(np.uint8)))
    assert samples.labels is not None
    assert samples.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert len(samples.classes) == 10
    suffix = ".gz" if packed else ""
    assert samples.files == tuple(str(folder / f"t10k-{part}-ubyte{suffix}") for part in ("images-idx3", "labels-idx1"))
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_only_the_files_of_the_split_are_needed(tmp_path: Path, offline: list[str]) -> None:
    folder = place(tmp_path)
    (folder / "train-images-idx3-ubyte").unlink()
    assert len(MNIST().load("test", root=tmp_path)) == 6
    assert not offline


def test_a_read_only_root(tmp_path: Path) -> None:
    folder = place(tmp_path)
    for path in (folder, folder.parent, tmp_path):
        path.chmod(0o555)
    try:
        assert MNIST().load("train", root=tmp_path).data.shape == (6, 1, 32, 32)
    finally:
        for path in (tmp_path, folder.parent, folder):
            path.chmod(0o755)


@given(st.integers(0, 2**32 - 1))
def test_resizing(seed: int) -> None:
    images = torch.from_numpy(np.random.RandomState(seed).randint(0, 256, (2, 28, 28)).astype(np.uint8))
    assert torch.equal(resize(images, 28), images)
    padded = resize(images, 32)
    assert torch.equal(padded[:, 2:-2, 2:-2], images)
    assert padded.sum() == images.sum()
    exact = torch.nn.functional.avg_pool2d(padded.double(), 2)
    assert torch.equal(resize(images, 16), torch.floor(exact + 0.5).to(torch.uint8))


@pytest.mark.parametrize("dataset", [MNIST, FashionMNIST])
@pytest.mark.parametrize(("key", "value"), [("size", 64), ("size", True), ("size", "32"), ("download", 1)])
def test_nonsense_is_named(dataset: type[MNIST], key: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{key} must be"):
        dataset(**{key: value})  # type: ignore[arg-type]


def test_missing_files_say_what_was_tried_and_what_to_do(tmp_path: Path, offline: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        FashionMNIST().load("train", root=tmp_path)
    message = str(caught.value)
    assert offline
    assert "\n" not in message
    for part in (
        "fashion-mnist: train-images-idx3-ubyte, train-labels-idx1-ubyte not found",
        str(tmp_path / "FashionMNIST" / "raw"),
        "a download was tried and failed",
        "the network is unreachable",
        "train-images-idx3-ubyte.gz",
        "--data-root",
    ):
        assert part in message


def test_no_download_where_it_is_switched_off(tmp_path: Path, offline: list[str]) -> None:
    with pytest.raises(DataError, match="no download was tried"):
        MNIST(download=False).load("train", root=tmp_path)
    assert not offline
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dataset", [MNIST, FashionMNIST])
def test_what_is_missing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: type[MNIST | FashionMNIST]
) -> None:
    mirror = place(tmp_path / "mirror", packed=True)
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in mirror.iterdir()}
    monkeypatch.setattr(dataset, "checksums", sums)
    with serve(mirror) as address:
        asked = bring_from(address, monkeypatch)
        samples = dataset().load("train", root=tmp_path / "data")
    assert len(samples) == 6
    assert samples.files[0] == str(tmp_path / "data" / dataset.folder / "raw" / "train-images-idx3-ubyte.gz")
    names = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
    assert asked == [dataset.mirrors[0] + name for name in names]


@pytest.mark.parametrize("dataset", [MNIST, FashionMNIST])
def test_what_a_mirror_brings_must_have_the_published_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: type[MNIST | FashionMNIST]
) -> None:
    with serve(place(tmp_path / "mirror", packed=True)) as address:
        asked = bring_from(address, monkeypatch)
        with pytest.raises(DataError, match="its SHA-256 is"):
            dataset().load("train", root=tmp_path / "data")
    assert len(asked) == len(dataset.mirrors)
    assert all(url.startswith("https://") for url in asked)
    assert not list((tmp_path / "data").rglob("*ubyte*"))


def test_a_gz_that_unpacks_to_far_more_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place(tmp_path, packed=True) / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx(np.zeros((60, 28, 28)))))
    monkeypatch.setattr(idx_module, "LARGEST", 60 * 28 * 28 + 16)
    assert len(read_idx(path, 3)) == 60
    monkeypatch.setattr(idx_module, "LARGEST", 60 * 28 * 28 + 15)
    with pytest.raises(DataError, match="holds more than 47055 bytes"):
        read_idx(path, 3)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[:-1], "is damaged"),
        (lambda data: data + b"x", "is damaged"),
        (lambda data: b"", "not an IDX file"),
        (lambda data: b"\0\0\x0d\3" + data[4:], "not an IDX file"),
        (lambda data: b"<html>no such page</html>", "not an IDX file"),
        (lambda data: data[:4] + b"\xff" * 12 + data[16:], "is damaged"),
    ],
)
def test_damaged_images_are_named(tmp_path: Path, damage: Any, reason: str) -> None:
    path = place(tmp_path) / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=reason) as caught:
        MNIST().load("train", root=tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_a_damaged_gz_is_named(tmp_path: Path, keep: int) -> None:
    path = place(tmp_path, packed=True) / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:keep] + (b"junk" if keep == 200 else b""))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz") as caught:
        MNIST().load("train", root=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("labels", [np.arange(5), np.full(6, 10)])
def test_labels_that_do_not_fit_are_named(tmp_path: Path, labels: np.ndarray) -> None:
    path = place(tmp_path) / "train-labels-idx1-ubyte"
    path.write_bytes(idx(labels))
    with pytest.raises(DataError, match="does not hold a label") as caught:
        MNIST().load("train", root=tmp_path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("images", [np.zeros((6, 32, 32)), np.zeros((0, 28, 28))])
def test_images_that_are_not_28x28_are_named(tmp_path: Path, images: np.ndarray) -> None:
    (place(tmp_path) / "train-images-idx3-ubyte").write_bytes(idx(images))
    with pytest.raises(DataError, match="not images of 28x28"):
        MNIST().load("train", root=tmp_path)


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    try:
        array = read_idx(path, 1)
    except DataError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert idx(array) == data


@real
@pytest.mark.parametrize(
    ("size", "split", "fingerprint"),
    [
        (32, "train", "f64469d14b83eb38b80c70c9a054f16acb9c27ae0386efa89ff72da47190535f"),
        (32, "test", "a3d5db33bc828e16895f1fa9e851149249b40982821146484fd6327ce032d7ee"),
        (16, "test", "a068939307668ac545259a518933e8431edc7577ce61c65c17ed2c38f04955ec"),
    ],
)
def test_the_real_mnist(size: int, split: str, fingerprint: str) -> None:
    samples = MNIST(size=size, download=False).load(split, root=SHARED)
    assert samples.fingerprint == fingerprint
    assert samples.shape == (1, size, size)
    assert len(samples) == {"train": 60_000, "test": 10_000}[split]


@real
def test_the_real_mnist_as_torchvision_reads_it() -> None:
    from torchvision.datasets import MNIST as TorchvisionMNIST  # noqa: N811

    ours = MNIST(size=28).load("test", root=SHARED)
    theirs = TorchvisionMNIST(SHARED, train=False)
    assert torch.equal(ours.data.squeeze(1), theirs.data)
    assert ours.labels is not None
    assert torch.equal(ours.labels, theirs.targets)


def test_declarations() -> None:
    from torchvision.datasets import FashionMNIST as TorchvisionFashionMNIST

    assert FashionMNIST.names_of_classes == tuple(TorchvisionFashionMNIST.classes)
    assert (MNIST.extractor, MNIST.metrics, MNIST.reference_split) == ("mnist", ("fid", "is"), "test")
    assert (FashionMNIST.extractor, FashionMNIST.reference_split) == ("inception", "test")
