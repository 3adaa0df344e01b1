"""Ring and grid: PacGAN's parameters, the statistics of what is drawn, the exact points."""

import math
from pathlib import Path

import pytest
import torch

from ganbench.api import Dataset
from ganbench.datasets.mixtures import Grid, Ring, draw
from ganbench.errors import DataError

NOWHERE = Path("/nowhere")


def test_the_modes_are_pacgans() -> None:
    ring, grid = Ring().mixture(), Grid().mixture()
    assert (tuple(ring.means.shape), ring.sigma) == ((8, 2), 0.01)
    torch.testing.assert_close(ring.means.norm(dim=1), torch.ones(8))
    torch.testing.assert_close((ring.means[0] - ring.means[1]).norm().item(), 2 * math.sin(math.pi / 8))
    assert (tuple(grid.means.shape), grid.sigma) == ((25, 2), 0.05)
    assert {tuple(mean) for mean in grid.means.tolist()} == {(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)}


@pytest.mark.parametrize("dataset", [Ring(), Grid()])
@pytest.mark.parametrize(("split", "size"), [("train", 100_000), ("test", 10_000)])
def test_points_follow_the_mixture(dataset: Dataset, split: str, size: int) -> None:
    samples, mixture = dataset.load(split, root=NOWHERE), dataset.mixture()
    assert mixture is not None
    assert samples.labels is not None
    modes = len(mixture.means)
    assert (samples.kind, samples.shape, samples.data.dtype) == ("vector", (2,), torch.float32)
    assert len(samples) == size
    assert samples.classes == tuple(str(mode) for mode in range(modes))
    noise = (samples.data - mixture.means[samples.labels]) / mixture.sigma
    # Six standard errors: these points are fixed, and a slip in a mean or in sigma is far outside.
    assert noise.mean(0).abs().max() < 6 / math.sqrt(size)
    assert abs(noise.std().item() - 1) < 6 / math.sqrt(4 * size)
    counts = samples.labels.bincount(minlength=modes).double()
    assert ((counts - size / modes).abs() < 6 * math.sqrt(size / modes)).all()
    within = (noise.norm(dim=1) <= 3).double().mean().item()
    assert within == pytest.approx(1 - math.exp(-4.5), abs=0.01)
    assert torch.equal(torch.cdist(samples.data, mixture.means).argmin(1), samples.labels)


@pytest.mark.parametrize(
    ("dataset", "split", "fingerprint"),
    [
        (Ring(), "train", "ce2f304c5916fbf4a6174d88e99cd37f54b197f2dca7679daf4098b2600dee0e"),
        (Ring(), "test", "87a8eef079f75ffd0903df21ec9021d33d55091647db542e9bbd86a6fb0dce14"),
        (Grid(), "train", "3ce21af3a9d32cffd690edeef1be81f9fdc519929677f3104eef331c35ae472f"),
        (Grid(), "test", "49083343c287c4aa3a8090c69f21e26cff833388cd845d97e250cfbf17d5a625"),
    ],
)
def test_the_points_are_these(dataset: Dataset, split: str, fingerprint: str) -> None:
    assert dataset.load(split, root=NOWHERE).fingerprint == fingerprint


def test_splits_share_no_point() -> None:
    train, test = (Ring().load(split, root=NOWHERE).data for split in ("train", "test"))
    assert not {tuple(point) for point in train.tolist()} & {tuple(point) for point in test.tolist()}


def test_neither_numpys_nor_torchs_global_stream_is_touched() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    points, _ = draw(Ring().mixture(), 10, 1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(points, draw(Ring().mixture(), 10, 1)[0])


def test_an_unknown_split_is_named() -> None:
    for dataset, name in ((Ring(), "ring"), (Grid(), "grid")):
        with pytest.raises(DataError, match=f"{name} has the splits"):
            dataset.load("all", root=NOWHERE)


def test_declarations() -> None:
    for dataset in (Ring, Grid):
        assert (dataset.extractor, dataset.metrics) == ("", ("modes", "high-quality", "reverse-kl"))
