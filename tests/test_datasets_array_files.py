"""Files of arrays: what they hold is read, with its labels; what is damaged, ambiguous or unsafe is named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganbench.datasets.array_files import is_torchscript, read_array, read_labelled
from ganbench.errors import DataError

IMAGES = torch.randint(0, 256, (5, 3, 8, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
LABELS = [3, 0, 1, 1, 2]


def test_files_of_every_kind(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGES.numpy())
    np.savez(tmp_path / "b.npz", IMAGES.numpy())
    np.savez(tmp_path / "c.npz", images=IMAGES.numpy(), labels=np.arange(5))
    torch.save(IMAGES, tmp_path / "d.pt")
    torch.save({"samples": IMAGES, "step": 3}, tmp_path / "e.pt")
    for name in ("a.npy", "c.npz", "d.pt"):
        (tmp_path / name.upper()).write_bytes((tmp_path / name).read_bytes())
    for path in tmp_path.iterdir():
        assert torch.equal(read_array(path), IMAGES), path
        assert not is_torchscript(path)


def test_a_name_that_no_file_can_have_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"aaa\.npy cannot be read \(File name too long\)$"):
        read_array(tmp_path / f"{'a' * 300}.npy")


def test_damaged_and_ambiguous_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "torn.npy").write_bytes(b"\x93NUMPY\x01")
    (tmp_path / "text.pt").write_text("hello")
    np.savez(tmp_path / "two.npz", first=np.zeros(2), second=np.zeros(2))
    np.save(tmp_path / "objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    torch.save({"model": "gpt"}, tmp_path / "none.pt")
    for path in tmp_path.iterdir():
        with pytest.raises(DataError, match=path.name):
            read_array(path)
    (tmp_path / "hello.npy").write_text("hello")
    for name in ("objects.npy", "hello.npy"):  # numpy takes either for pickled, and advises to load it
        with pytest.raises(DataError, match=r"not a valid \.npy file of numbers; save them with") as refused:
            read_array(tmp_path / name)
        assert "pickle" not in str(refused.value)
    with pytest.raises(DataError, match="it contains: first, second"):
        read_array(tmp_path / "two.npz")
    with pytest.raises(DataError, match=r"missing\.npy cannot be read"):
        read_array(tmp_path / "missing.npy")


def test_more_than_tensors_is_not_read_and_no_advice_is_given_to_read_it(tmp_path: Path) -> None:
    torch.save({"samples": Path("run me")}, tmp_path / "pickled.pt")
    with pytest.raises(
        DataError, match=r"pickled\.pt .*could run code and is not read; save only the samples"
    ) as refused:
        read_array(tmp_path / "pickled.pt")
    assert "weights_only" not in str(refused.value)


@pytest.mark.parametrize("dtype", [">u2", ">i4", ">f4", "<f8", ">f8", "<u4", ">u8"])
def test_any_order_of_bytes_and_any_width(dtype: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGES.numpy().astype(dtype))
    found = read_array(tmp_path / "a.npy")
    assert torch.equal(found.to(torch.int64), IMAGES.long())
    # Torch has unsigned numbers of these widths, and no least or largest of them.
    assert found.dtype not in (torch.uint32, torch.uint64)


@pytest.mark.parametrize(
    "content",
    [
        {"images": IMAGES.numpy(), "labels": np.array(LABELS)},
        {"samples": IMAGES.numpy(), "y": np.array(LABELS, dtype=np.uint8)},
        {"anything": IMAGES.numpy(), "y": np.array(LABELS, dtype=">u2")},
        {"arr_0": IMAGES.numpy(), "arr_1": np.array(LABELS)},
    ],
)
def test_labels_beside_the_samples(content: dict[str, Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **content)
    samples, labels = read_labelled(tmp_path / "a.npz")
    assert torch.equal(samples, IMAGES)
    assert labels is not None
    assert (labels.tolist(), labels.dtype) == (LABELS, torch.int64)
    assert torch.equal(read_array(tmp_path / "a.npz"), IMAGES)


@pytest.mark.parametrize("labels", [LABELS, torch.tensor(LABELS), torch.tensor(LABELS, dtype=torch.uint8)])
def test_labels_in_a_dict_of_tensors(labels: Any, tmp_path: Path) -> None:
    torch.save({"data": IMAGES, "labels": labels, "step": 3}, tmp_path / "a.pt")
    samples, found = read_labelled(tmp_path / "a.pt")
    assert torch.equal(samples, IMAGES)
    assert found is not None
    assert found.tolist() == LABELS


def test_what_are_no_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", IMAGES.numpy(), IMAGES.numpy().astype(np.float32))  # arr_1 is something else
    np.savez(tmp_path / "only.npz", y=IMAGES.numpy())
    np.save(tmp_path / "a.npy", IMAGES.numpy())
    for path in tmp_path.iterdir():
        samples, labels = read_labelled(path)
        assert torch.equal(samples, IMAGES)
        assert labels is None


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.eye(5), r"a\.npz: labels is float64 of shape 5x5; it must contain one whole number for each of 5 samples"),
        (np.arange(4), "is int64 of shape 4; it must contain"),
        (np.array(3), "of shape one number"),
        (np.array([True] * 5), "is bool of shape 5"),
        (np.arange(5) - 1, "goes from -1 to 3, but class numbers go from 0"),
        (np.arange(5) * 10**9, "goes from 0 to 4000000000"),
        (np.array(list("abcde")), "does not contain class numbers"),
    ],
)
def test_bad_labels_are_named(labels: Any, words: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES.numpy(), labels=labels)
    with pytest.raises(DataError, match=words) as refused:
        read_labelled(tmp_path / "a.npz")
    assert "\n" not in str(refused.value)


def test_two_arrays_of_labels_are_one_too_many(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES.numpy(), labels=np.arange(5), y=np.arange(5))
    with pytest.raises(DataError, match=r"a\.npz contains labels and y; keep only the one"):
        read_labelled(tmp_path / "a.npz")
