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


@pytest.mark.parametrize(("split", "fingerprint"), [("train", "83bcf6bdb85b"), ("test", "e6df537527e8")])
def test_the_samples_of_each_split_are_fixed(split: str, fingerprint: str) -> None:
    first, again = (StackedDigits(count=1000, count_test=1000).load(split, root=Path()) for _ in range(2))
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint.startswith(fingerprint)


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
@pytest.mark.parametrize(("split", "fingerprint"), [("train", "1d266ce5cdca"), ("test", "92b5162a2d90")])
def test_stacked_mnist(shared_data: Path, split: str, fingerprint: str) -> None:
    samples = StackedMNIST(count=1000, count_test=1000).load(split, root=shared_data)
    assert samples.data.shape == (1000, 3, 32, 32)
    assert samples.data.dtype == torch.uint8
    assert samples.files
    assert samples.fingerprint.startswith(fingerprint)
