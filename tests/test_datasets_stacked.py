"""Stacked digits: the modes are what the channels show."""

from pathlib import Path

import pytest
import torch

from ganbench.datasets.digits import Digits
from ganbench.datasets.stacked import StackedDigits, StackedMNIST
from ganbench.errors import DataError


def test_each_channel_is_a_digit_of_the_split_and_the_mode_names_the_three() -> None:
    samples = StackedDigits(count=1000).load("train", root=Path())
    assert samples.shape == (3, 16, 16)
    assert len(samples) == 1000
    assert samples.classes[407] == "407"
    digits = Digits().load("train", root=Path())
    assert digits.labels is not None
    assert samples.labels is not None
    known = {image.numpy().tobytes(): int(label) for image, label in zip(digits.data[:, 0], digits.labels, strict=True)}
    for image, mode in zip(samples.data[:50], samples.labels[:50], strict=True):
        assert [known[channel.numpy().tobytes()] for channel in image] == [int(digit) for digit in f"{int(mode):03d}"]


def test_they_are_fixed_and_the_splits_differ() -> None:
    first, again = (StackedDigits(count=1000).load("train", root=Path()) for _ in range(2))
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint.startswith("83bcf6bdb85b")
    assert StackedDigits(count_test=1000).load("test", root=Path()).fingerprint != first.fingerprint


def test_all_modes_are_there() -> None:
    samples = StackedDigits().load("test", root=Path())
    assert samples.labels is not None
    assert len(samples.labels.unique()) == 1000


def test_counts_below_the_modes_are_refused() -> None:
    with pytest.raises(ValueError, match="count must be"):
        StackedDigits(count=999)
    with pytest.raises(ValueError, match="count_test must be"):
        StackedMNIST(count_test=1)


def test_missing_mnist_says_where_it_goes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train-images-idx3-ubyte"):
        StackedMNIST(download=False).load("train", root=tmp_path)


@pytest.mark.slow
def test_stacked_mnist(shared_data: Path) -> None:
    samples = StackedMNIST(count=2000).load("train", root=shared_data)
    assert samples.data.shape == (2000, 3, 32, 32)
    assert samples.data.dtype == torch.uint8
    assert samples.files
