"""Feature extraction in batches."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch_fidelity.metric_fid import fid_features_to_statistics

from ganbench.datasets.digits import Digits as DigitsData
from ganbench.evaluation.features import SMALLEST_BATCH, Extracted, batches, extract
from ganbench.extractors.embedded import Digits

CPU = torch.device("cpu")


@given(st.integers(1, 3000), st.integers(SMALLEST_BATCH, 700))
def test_batches_cover_everything_once_and_none_is_tiny(n: int, batch_size: int) -> None:
    found = batches(n, batch_size)
    assert found[0][0] == 0
    assert found[-1][1] == n
    assert all(end == start for (_, end), (start, _) in pairwise(found))
    assert all(end - start >= min(n, SMALLEST_BATCH) for start, end in found)
    assert all(end - start < batch_size + SMALLEST_BATCH for start, end in found), "there is memory for no more"


def test_a_rest_joins_its_neighbour_only_where_it_is_small() -> None:
    assert SMALLEST_BATCH == 16
    assert batches(216, 100) == [(0, 100), (100, 200), (200, 216)]
    assert batches(215, 100) == [(0, 100), (100, 215)]
    assert batches(15, 100) == [(0, 15)]


@pytest.mark.parametrize("batch_size", [16, 37, 100, 111, 5000])
def test_features_are_bit_equal_over_batch_sizes(batch_size: int) -> None:
    images = DigitsData().load("test", root=Path()).data[:112]
    network = Digits().build(["64", "logits"])
    whole = extract(network, images, channels=1, device=CPU, batch_size=200)
    parts = extract(network, images, channels=1, device=CPU, batch_size=batch_size)
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))
    assert [tuple(out.shape) for out in whole] == [(112, 64), (112, 10)]


def test_grey_images_are_repeated_for_a_network_that_takes_colour() -> None:
    class Mean(nn.Module):
        def forward(self, images: Tensor) -> tuple[Tensor]:
            assert images.shape[1] == 3
            return (images.float().mean(dim=(2, 3)),)

    images = torch.randint(0, 256, (20, 1, 4, 4), dtype=torch.uint8)
    (found,) = extract(Mean(), images, channels=3, device=CPU, batch_size=50)
    assert torch.equal(found, images.float().mean(dim=(2, 3)).repeat(1, 3))


class Training(nn.Module):
    """As its author leaves it: with dropout switched on, weights that want gradients, and a narrow output."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.dropout = nn.Dropout(0.5)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        return (self.dropout(self.scale * images.flatten(1)).half(),)


def test_a_network_extracts_without_dropping_or_learning_and_its_features_are_float32() -> None:
    images = torch.randint(1, 256, (20, 1, 4, 4), dtype=torch.uint8)
    network, state = Training(), torch.get_rng_state()
    (found,) = extract(network, images, channels=1, device=CPU, batch_size=50)
    assert found.dtype == torch.float32
    assert torch.equal(found, images.flatten(1).float())
    assert not found.requires_grad
    assert network.dropout.training
    assert torch.equal(torch.get_rng_state(), state)


def test_statistics_are_torch_fidelitys_and_computed_once() -> None:
    features = torch.rand(50, 4)
    side = Extracted(samples=torch.zeros(50, 1), features=features)
    expected = fid_features_to_statistics(features)
    assert side.n == 50
    assert (side.statistics()["sigma"] == expected["sigma"]).all()
    assert side.statistics() is side.statistics()
    before = {"mu": expected["mu"] + 1, "sigma": expected["sigma"]}
    assert Extracted(samples=side.samples, features=features, known_statistics=before).statistics() is before
    with pytest.raises(ValueError, match="no features"):
        Extracted(samples=torch.zeros(2, 1)).statistics()
