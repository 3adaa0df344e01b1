"""The embedded digits: exact bytes, splits, the enlargement's formula."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ganbench.datasets.digits import Digits, enlarge, half
from ganbench.errors import DataError
from ganbench.spec import Recipe

NOWHERE = Path("/nowhere")
FINGERPRINTS = {
    "train": "b593f986c42ea76baa34d4a101b05f1f3c37fe7ea5a5810669656ff62f463ecb",
    "test": "5b00bf84b4bde6127c5cda1d580c29c53090f2af7353f65a51ab7c45567ba3da",
}


@pytest.mark.parametrize(("split", "size"), [("train", 899), ("test", 898)])
def test_the_bytes_are_these(split: str, size: int) -> None:
    samples = Digits().load(split, root=NOWHERE)
    assert samples.fingerprint == FINGERPRINTS[split]
    assert (samples.data.shape, samples.data.dtype) == ((size, 1, 16, 16), torch.uint8)
    assert samples.kind == "image"
    assert (samples.data.min().item(), samples.data.max().item()) == (0, 255)
    assert samples.labels is not None
    assert samples.labels.bincount().min() > 70
    assert samples.classes == tuple("0123456789")
    assert samples.files == ()


def test_splits_are_two_random_halves_without_overlap() -> None:
    from sklearn.datasets import load_digits

    train, test = half(train=True), half(train=False)
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(1797))
    # Independent draws: a neighbour of a training image is one itself about as often as not.
    assert 0.4 < np.mean(np.diff(train) == 1) < 0.6
    target = load_digits().target
    labels = Digits().load("test", root=NOWHERE).labels
    assert labels is not None
    assert labels.tolist() == target[test].tolist()


@given(hnp.arrays(np.int64, st.tuples(st.integers(1, 3), st.just(8), st.just(8)), elements=st.integers(0, 16)))
def test_enlarging_is_bilinear_rounded_half_up(images: np.ndarray) -> None:
    exact = torch.nn.functional.interpolate(
        torch.from_numpy(images).double().unsqueeze(1), scale_factor=2, mode="bilinear", align_corners=False
    )
    expected = torch.floor(exact * 255 / 16 + 0.5).to(torch.uint8).squeeze(1)
    assert torch.equal(torch.from_numpy(enlarge(images)), expected)


def test_constant_images_stay_constant() -> None:
    for level, value in ((0, 0), (8, 128), (16, 255)):
        assert np.all(enlarge(np.full((1, 8, 8), level)) == value)


def test_an_unknown_split_is_named() -> None:
    with pytest.raises(DataError, match="digits has the splits train and test, not 'valid'"):
        Digits().load("valid", root=NOWHERE)


def test_declarations() -> None:
    assert (Digits.extractor, Digits.metrics, Digits.reference_split) == ("digits", ("fid", "is"), "test")
    assert Recipe(**Digits.recommends).augment == "translation"
