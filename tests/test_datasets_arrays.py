"""Arrays as samples: every accepted form gives the same samples, everything else is one clear line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganbench.datasets.arrays import (
    TOLERANCE,
    Array,
    is_torchscript,
    read_array,
    settle_range,
    to_network_values,
    to_samples,
)
from ganbench.errors import DataError
from ganbench.evaluation.images import to_uint8

IMAGES = torch.randint(0, 256, (5, 3, 8, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
GREY = IMAGES[:, :1]


@pytest.mark.parametrize(
    ("array", "value_range"),
    [
        (IMAGES, ""),
        (IMAGES.permute(0, 2, 3, 1), ""),
        (IMAGES.long(), ""),
        (IMAGES.float(), "0:255"),
        (IMAGES.double() / 255, "0:1"),
        (IMAGES.float() / 127.5 - 1, ""),
        ((IMAGES.float() / 127.5 - 1).permute(0, 2, 3, 1), "-1:1"),
    ],
)
def test_every_form_of_images_gives_the_same_samples(array: Tensor, value_range: str) -> None:
    assert torch.equal(to_samples(array, (3, 8, 6), value_range, "x"), IMAGES)


def test_grey_images_need_no_channel() -> None:
    assert torch.equal(to_samples(GREY[:, 0], (1, 8, 6), "", "x"), GREY)


@given(st.integers(0, 255), st.sampled_from(["-1:1", "0:1", "0:255"]))
@settings(deadline=None)
def test_a_level_survives_every_range(level: int, value_range: str) -> None:
    low, high = (float(end) for end in value_range.split(":"))
    value = torch.tensor([[low + (high - low) * level / 255]])
    assert int(to_uint8(to_network_values(value, value_range, "x"))) == level


@pytest.mark.parametrize(
    ("array", "value_range", "words"),
    [
        (IMAGES.float() / 255, "", "say whether they are in 0:1, 0:255 or -1:1"),
        (IMAGES.float() / 100, "0:1", "out of the range 0 to 1"),
        (IMAGES.long() + 1, "", "out of the range 0 to 255"),
        (torch.full((5, 3, 8, 6), float("nan")), "-1:1", "has NaN or infinity in 5 of its 5 samples"),
        (IMAGES[:, :2], "", "has the shape 5x2x8x6, needed is Nx3x8x6"),
        (torch.tensor(3.0), "", "has the shape of one number"),
        (IMAGES > 7, "", "holds bool, not real numbers"),
        (IMAGES * 1j, "", "complex"),
    ],
)
def test_what_cannot_be_meant_is_refused(array: Tensor, value_range: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        to_samples(array, (3, 8, 6), value_range, "x.npy")


def test_negative_values_tell_the_range() -> None:
    assert settle_range(torch.tensor([-0.5, 0.3]), "", "x") == "-1:1"
    # Rounding, or a generator that shoots a little beyond 0:1, tells nothing.
    for low in (-1e-9, -0.05, -0.25):
        with pytest.raises(DataError, match="say whether they are in 0:1, 0:255 or -1:1"):
            settle_range(torch.tensor([low, 1.0]), "", "x")
    assert settle_range(torch.tensor([0, 3]), "0:1", "x") == ""


def test_zeros_and_ones_are_no_levels() -> None:
    bits = (IMAGES > 127).to(torch.uint8)
    for dtype in (torch.uint8, torch.int64):
        with pytest.raises(DataError, match="no higher than 1, and levels are 0 to 255; multiply them by 255"):
            to_samples(bits.to(dtype), tuple(IMAGES.shape[1:]), "", "x")
    assert torch.equal(to_samples(bits * 255, tuple(IMAGES.shape[1:]), "", "x"), bits * 255)
    assert not bool(to_samples(bits * 0, tuple(IMAGES.shape[1:]), "", "x").any())


def test_points_stay_as_they_are_and_must_be_finite() -> None:
    points = torch.randn(7, 2, dtype=torch.float64)
    assert torch.equal(to_samples(points, (2,), "", "x"), points.float())
    points[3, 1] = float("inf")
    with pytest.raises(DataError, match="in 1 of its 7 samples"):
        to_samples(points, (2,), "", "x")


def test_files_of_every_kind(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGES.numpy())
    np.savez(tmp_path / "b.npz", IMAGES.numpy())
    np.savez(tmp_path / "c.npz", images=IMAGES.numpy(), labels=np.arange(5))
    torch.save(IMAGES, tmp_path / "d.pt")
    torch.save({"samples": IMAGES, "step": 3}, tmp_path / "e.pt")
    for path in tmp_path.iterdir():
        assert torch.equal(read_array(path), IMAGES), path
        assert not is_torchscript(path)


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
        with pytest.raises(DataError, match=r"not an intact \.npy file of numbers; save them with") as refused:
            read_array(tmp_path / name)
        assert "pickle" not in str(refused.value)
    with pytest.raises(DataError, match="it holds: first, second"):
        read_array(tmp_path / "two.npz")
    with pytest.raises(DataError, match=r"missing\.npy cannot be read"):
        read_array(tmp_path / "missing.npy")


def test_more_than_tensors_is_not_read_and_no_advice_is_given_to_read_it(tmp_path: Path) -> None:
    torch.save({"samples": Path("run me")}, tmp_path / "pickled.pt")
    with pytest.raises(DataError, match=r"pickled\.pt .*could run code; save the samples") as refused:
        read_array(tmp_path / "pickled.pt")
    assert "weights_only" not in str(refused.value)


def test_the_dataset(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGES.permute(0, 2, 3, 1).numpy())
    samples = Array(path=str(tmp_path / "a.npy")).load("train", root=Path())
    assert torch.equal(samples.data, IMAGES)
    assert samples.files == (str(tmp_path / "a.npy"),)
    with pytest.raises(DataError, match="no test split"):
        Array(path=str(tmp_path / "a.npy")).load("test", root=Path())
    np.save(tmp_path / "one.npy", IMAGES[:1].numpy())
    with pytest.raises(DataError, match="holds 1 samples"):
        Array(path=str(tmp_path / "one.npy")).load("train", root=Path())
    with pytest.raises(ValueError, match="array needs a path"):
        Array()
    with pytest.raises(ValueError, match="range must be one of"):
        Array(path="x", range="0:2")


@pytest.mark.parametrize(
    ("value_range", "low", "high"), [("-1:1", -1.0, 1.0), ("0:1", 0.0, 1.0), ("0:255", 0.0, 255.0)]
)
def test_a_value_slightly_beyond_its_range_is_clamped_and_one_further_off_refused(
    value_range: Any, low: float, high: float
) -> None:
    slack = TOLERANCE * (high - low)
    slightly = torch.tensor([[low - 0.9 * slack, high + 0.9 * slack]], dtype=torch.float64)
    assert to_network_values(slightly, value_range, "x").tolist() == [[-1.0, 1.0]]
    for value in (low - 1.1 * slack, high + 1.1 * slack):
        with pytest.raises(DataError, match="out of the range"):
            to_network_values(torch.tensor([[value]], dtype=torch.float64), value_range, "x")
