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
    ValueRange,
    settle_range,
    to_8_bits,
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
def test_every_form_of_images_gives_the_same_samples(array: Tensor, value_range: ValueRange) -> None:
    assert torch.equal(to_samples(array, (3, 8, 6), value_range, "x"), IMAGES)


def test_grey_images_need_no_channel() -> None:
    assert torch.equal(to_samples(GREY[:, 0], (1, 8, 6), "", "x"), GREY)


@given(st.integers(0, 255), st.sampled_from(["-1:1", "0:1", "0:255"]))
@settings(deadline=None)
def test_a_level_survives_every_range(level: int, value_range: ValueRange) -> None:
    low, high = (float(end) for end in value_range.split(":"))
    value = torch.tensor([[low + (high - low) * level / 255]])
    assert int(to_uint8(to_network_values(value, value_range, "x"))) == level


@pytest.mark.parametrize(
    ("array", "value_range", "words"),
    [
        (IMAGES.float() / 255, "", "say with --range whether they are in 0:1, 0:255 or -1:1"),
        (IMAGES.float() / 100, "0:1", "outside the range 0 to 1"),
        (IMAGES.long() + 1, "", "outside the range 0 to 255"),
        (torch.full((5, 3, 8, 6), float("nan")), "-1:1", "has NaN or infinity in 5 of its 5 samples"),
        (IMAGES[:, :2], "", "has the shape 5x2x8x6; it must be Nx3x8x6"),
        (torch.tensor(3.0), "", "has the shape of one number"),
        (IMAGES > 7, "", "contains bool, not real numbers"),
        (IMAGES * 1j, "", "complex"),
    ],
)
def test_what_cannot_be_meant_is_refused(array: Tensor, value_range: ValueRange, words: str) -> None:
    with pytest.raises(DataError, match=words):
        to_samples(array, (3, 8, 6), value_range, "x.npy")


def test_negative_values_tell_the_range() -> None:
    assert settle_range(torch.tensor([-0.5, 0.3]), "", "x") == "-1:1"
    # Rounding, or a generator that shoots a little beyond 0:1, tells nothing.
    for low in (-1e-9, -0.05, -0.25):
        with pytest.raises(DataError, match="say with --range whether they are in 0:1, 0:255 or -1:1"):
            settle_range(torch.tensor([low, 1.0]), "", "x")
    assert settle_range(torch.tensor([0, 3]), "0:1", "x") == ""


def test_zeros_and_ones_are_no_levels() -> None:
    bits = (IMAGES > 127).to(torch.uint8)
    for dtype in (torch.uint8, torch.int64):
        with pytest.raises(
            DataError, match="only the whole numbers 0 and 1, but levels are 0 to 255; multiply them by 255"
        ):
            to_samples(bits.to(dtype), tuple(IMAGES.shape[1:]), "", "x")
    assert torch.equal(to_samples(bits * 255, tuple(IMAGES.shape[1:]), "", "x"), bits * 255)
    assert not bool(to_samples(bits * 0, tuple(IMAGES.shape[1:]), "", "x").any())


def test_points_stay_as_they_are_and_must_be_finite() -> None:
    points = torch.randn(7, 2, dtype=torch.float64)
    assert torch.equal(to_samples(points, (2,), "", "x"), points.float())
    points[3, 1] = float("inf")
    with pytest.raises(DataError, match="in 1 of its 7 samples"):
        to_samples(points, (2,), "", "x")


def test_sixteen_bits_are_brought_to_eight() -> None:
    wide = (IMAGES.to(torch.int32) * 257).to(torch.uint16)
    for array in (wide, wide.permute(0, 2, 3, 1)):
        assert torch.equal(to_samples(array, (3, 8, 6), "", "x"), IMAGES)
    ends = torch.tensor([0, 128, 129, 385, 386, 65406, 65407, 65535], dtype=torch.uint16)
    assert to_8_bits(ends, "x").tolist() == [0, 0, 1, 1, 2, 254, 255, 255]
    assert to_samples(wide[:, 0, 0, :2], (2,), "", "x").max() > 255  # points stay as they are
    with pytest.raises(DataError, match=r"up to only \d+, where white would be 65535; save levels of 0 to 255"):
        to_samples(IMAGES.to(torch.uint16), (3, 8, 6), "", "x")
    assert not bool(to_samples((IMAGES * 0).to(torch.uint16), (3, 8, 6), "", "x").any())


def test_the_dataset(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGES.permute(0, 2, 3, 1).numpy())
    samples = Array(path=str(tmp_path / "a.npy")).load("train", root=Path())
    assert torch.equal(samples.data, IMAGES)
    assert samples.files == (str(tmp_path / "a.npy"),)
    assert samples.labels is None
    np.savez(tmp_path / "labelled.npz", images=IMAGES.numpy(), labels=np.array([0, 2, 1, 0, 2]))
    labelled = Array(path=str(tmp_path / "labelled.npz")).load("train", root=Path())
    assert labelled.labels is not None
    assert (labelled.labels.tolist(), labelled.classes) == ([0, 2, 1, 0, 2], ("0", "1", "2"))
    with pytest.raises(DataError, match="no test split"):
        Array(path=str(tmp_path / "a.npy")).load("test", root=Path())
    np.save(tmp_path / "one.npy", IMAGES[:1].numpy())
    with pytest.raises(DataError, match="contains 1 samples"):
        Array(path=str(tmp_path / "one.npy")).load("train", root=Path())
    with pytest.raises(ValueError, match="its path is missing; write array:PATH"):
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
        with pytest.raises(DataError, match="outside the range"):
            to_network_values(torch.tensor([[value]], dtype=torch.float64), value_range, "x")
