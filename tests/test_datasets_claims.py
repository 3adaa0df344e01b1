"""Files of arrays that claim more than they hold, and tensors with which nothing can be computed."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ganbench.datasets import claims
from ganbench.datasets.array_files import is_torchscript, read_array, read_labelled
from ganbench.errors import DataError

DOTS = torch.zeros(4, 1, 8, 8)


def npy(shape: tuple[int, ...], data: bytes = b"") -> bytes:
    """A .npy file whose header claims a shape."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return buffer.getvalue() + data


def refused(path: Path) -> str:
    with pytest.raises(DataError) as error:
        read_array(path)
    assert path.name in str(error.value)
    return str(error.value)


def test_a_header_that_lies_costs_no_memory(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(npy((10**13,), b"\0" * 64))
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("arr_0.npy", npy((10**13,), b"\0" * 64))
    assert "not a valid .npy file of numbers" in refused(tmp_path / "a.npy")
    assert "not a valid .npz file of numbers" in refused(tmp_path / "b.npz")


@pytest.mark.parametrize("name", ["a.npz", "a.pt"])
def test_a_file_that_unpacks_to_far_more_is_refused_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arr_0.npy", npy((25_000_000,), b"\0" * 100_000_000))
    if name == "a.npz":
        assert read_array(tmp_path / name).numel() == 25_000_000  # small enough to be harmless
    monkeypatch.setattr(claims, "ALWAYS_ALLOWED", 50_000_000)
    assert "claims 100000128 bytes" in refused(tmp_path / name)


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_array_that_is_unpacked_in_one_go_is_refused(tmp_path: Path, packing: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", packing) as archive:
        archive.writestr("arr_0.npy", npy((16,), b"\0" * 64))
    assert "arr_0.npy is neither stored nor deflated" in refused(tmp_path / "a.npz")


def test_what_memory_cannot_hold_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        file.write(npy((2**40,)))
        file.truncate(2**42)  # takes no room on the disk
    monkeypatch.setattr(claims, "memory", lambda: 2**33)
    assert refused(tmp_path / "a.npy").endswith("needs 4096.0 GiB, but this machine has 8.0 GiB")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: torch.zeros(1, 1, 8, 8).expand(10**12, 1, 8, 8), "claims 256000000000000 bytes"),
        (lambda: DOTS.to_sparse(), "float32 tensor that is not dense"),
        (lambda: torch.eye(4).to_sparse_csr(), "float32 tensor that is not dense"),
        (lambda: torch.empty(4, 1, 8, 8, device="meta"), "float32 tensor that is not dense"),
        (lambda: DOTS.to(torch.float8_e4m3fn), "contains float8_e4m3fn, with which nothing can be computed"),
        (lambda: DOTS.to(torch.float8_e5m2), "contains float8_e5m2, with which nothing can be computed"),
    ],
    ids=["expanded", "sparse", "csr", "meta", "float8_e4m3fn", "float8_e5m2"],
)
def test_tensors_that_are_no_samples_are_named(tmp_path: Path, make: Callable[[], Tensor], words: str) -> None:
    torch.save(make(), tmp_path / "a.pt")
    assert words in refused(tmp_path / "a.pt")


@pytest.mark.filterwarnings("ignore")
def test_labels_that_are_no_numbers_are_named(tmp_path: Path) -> None:
    torch.save({"samples": DOTS, "labels": torch.arange(4).to_sparse()}, tmp_path / "a.pt")
    with pytest.raises(DataError, match="int64 tensor that is not dense"):
        read_labelled(tmp_path / "a.pt")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.pt")
    assert not is_torchscript(tmp_path / "a.pt")
    assert "is a folder or a device" in refused(tmp_path / "a.pt")


def test_the_end_of_a_zip_without_the_rest_is_named(tmp_path: Path) -> None:
    end = b"PK\5\6" + b"\0" * 4 + b"\5\0\5\0" + b"\xff\0\0\0" + b"\x10\0\0\0" + b"\0\0"
    (tmp_path / "a.pt").write_bytes(b"junk" * 10 + end)
    assert not is_torchscript(tmp_path / "a.pt")
    is_zip = zipfile.is_zipfile(tmp_path / "a.pt")  # since Python 3.14 an end alone makes none
    assert ("is damaged" if is_zip else "is not a valid .pt file of numbers") in refused(tmp_path / "a.pt")
