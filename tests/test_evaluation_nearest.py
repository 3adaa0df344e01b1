"""Fakes beside their nearest training images: who is nearest, how far, what the picture shows, and what is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ganbench
from ganbench.api import Samples
from ganbench.datasets.digits import Digits
from ganbench.errors import DataError, StoreError, UsageError
from ganbench.evaluation.features import extract
from ganbench.evaluation.nearest import Neighbours, find_neighbours, nearest, require_neighbours, write_neighbours
from ganbench.records.folder import TrialFolder
from ganbench.spec import TrialFile

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial of images that has an extractor, one that has none, and one of points."""
    place = tmp_path_factory.mktemp("nearest")
    for dataset, metrics in (("digits", "fid"), ("ring", "modes")):
        ganbench.run(
            losses="hinge", architectures="mlp[hidden=16,layers=1]", steps=2, batch_size=8, datasets=dataset,
            metrics=metrics, device="cpu", quiet=True, out=place / "runs",
        )  # fmt: skip
    return place / "runs"


def trial_of(runs: Path, dataset: str) -> TrialFile:
    (path,) = runs.glob(f"hinge-mlp-{dataset}-*")
    return TrialFolder(path).read_spec()


def told(trial: TrialFile, cache: Path) -> TrialFile:
    """The trial, with another cache."""
    return trial.model_copy(update={"execution": trial.execution.model_copy(update={"cache_dir": str(cache)})})


def test_the_nearest_come_first_and_a_copy_is_at_distance_0() -> None:
    rng = torch.Generator().manual_seed(0)
    points = torch.randn(700, 12, generator=rng) * 100 + 1000
    queries = torch.cat([points[[5, 650]], torch.randn(298, 12, generator=rng) * 100 + 1000])
    index, distances = nearest(queries, points, 4)
    exact = (queries.double()[:, None] - points.double()).square().sum(dim=2).sqrt()
    expected = exact.sort(dim=1)
    assert torch.equal(index, expected.indices[:, :4])
    assert torch.equal(distances, expected.values[:, :4].float())
    assert index[:2, 0].tolist() == [5, 650]
    assert distances[:2, 0].tolist() == [0, 0]


def test_many_features_far_from_the_origin_leave_a_copy_at_distance_0() -> None:
    points = torch.randn(60, 2048, generator=torch.Generator().manual_seed(0)) * 100 + 1e5
    index, distances = nearest(points, points, 1)
    assert index[:, 0].tolist() == [*range(60)]
    assert distances.count_nonzero() == 0


def test_of_points_at_one_distance_the_first_comes_first() -> None:
    points = torch.tensor([[3.0], [-1.0], [1.0], [1.0]])
    index, distances = nearest(torch.tensor([[0.0]]), points, 4)
    assert index.tolist() == [[1, 2, 3, 0]]
    assert distances.tolist() == [[1, 1, 1, 3]]


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("times", [2, 7, 25])
def test_of_copies_in_the_training_set_the_first_come_first(times: int, count: int) -> None:
    """Rounding puts two equal points at two distances: a little more than 0, and 0."""
    rng = torch.Generator().manual_seed(times)
    points = (torch.randn(25, 8, generator=rng) * 100).repeat(times, 1)
    index, distances = nearest(points[:25], points, count)
    exact = (points[:25].double()[:, None] - points.double()).square().sum(dim=2).sqrt()
    expected = exact.sort(dim=1, stable=True)
    assert torch.equal(index, expected.indices[:, :count])
    assert torch.equal(distances, expected.values[:, :count].float())


def test_where_all_training_images_are_one_the_first_are_shown() -> None:
    index, distances = nearest(torch.zeros(2, 3), torch.ones(40, 3), 4)
    assert index.tolist() == [[0, 1, 2, 3]] * 2
    assert distances.tolist() == [[pytest.approx(3**0.5)] * 4] * 2


@pytest.mark.parametrize("count", [1, 3])
def test_a_generator_that_copies_finds_its_copies(runs: Path, tmp_path: Path, count: int) -> None:
    trial = told(trial_of(runs, "digits"), tmp_path)
    train = Digits().load("train", root=Path()).data
    chosen = [7, 400, 19]
    warnings: list[str] = []
    for _ in range(2):  # computed, and then from the cache
        found = find_neighbours(trial, train[chosen].float() / 127.5 - 1, count, device=CPU, warn=warnings.append)
        assert found.index.shape == found.distances.shape == (3, count)
        assert torch.equal(found.images, train[found.index])
        assert found.distances[:, 0].tolist() == [0, 0, 0]
        assert torch.equal(found.images[:, 0], train[chosen])
        assert (found.distances.diff(dim=1) >= 0).all()
        assert (found.distances[:, 1:] > 0).all()
    assert warnings == []
    assert len([*(tmp_path / "references").glob("*.safetensors")]) == 1


def test_a_handful_of_fakes_takes_the_code_path_of_many(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    def noting(network: torch.nn.Module, images: torch.Tensor, **settings: Any) -> tuple[torch.Tensor, ...]:
        sizes.append(len(images))
        return extract(network, images, **settings)

    monkeypatch.setattr("ganbench.evaluation.evaluator.extract", noting)
    trial = told(trial_of(runs, "digits"), tmp_path)
    found = find_neighbours(trial, torch.zeros(3, 1, 16, 16), 1, device=CPU, warn=print)
    assert sorted(sizes) == [16, 899]
    assert len(found.index) == 3


def test_features_that_the_trial_left_in_the_cache_are_found(runs: Path, tmp_path: Path) -> None:
    ganbench.run(
        losses="hinge", architectures="mlp[hidden=16,layers=1]", steps=2, batch_size=8, datasets="digits",
        metrics="memorisation", device="cpu", quiet=True, out=tmp_path / "runs", num_samples=600,
    )  # fmt: skip
    trial = trial_of(tmp_path / "runs", "digits")
    cache = tmp_path / "cache"
    shutil.copytree(Path(trial.execution.cache_dir) / "references", cache / "references")
    before = sorted(path.name for path in cache.rglob("*.safetensors"))
    find_neighbours(told(trial, cache), torch.zeros(1, 1, 16, 16), 1, device=CPU, warn=print)
    assert sorted(path.name for path in cache.rglob("*.safetensors")) == before


def test_a_cache_that_cannot_be_written_is_a_warning(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    warnings: list[str] = []
    trial = told(trial_of(runs, "digits"), tmp_path / "file")
    find_neighbours(trial, torch.zeros(1, 1, 16, 16), 1, device=CPU, warn=warnings.append)
    (line,) = warnings
    assert line.startswith("features of the reference are not cached: ")


def without_extractor(trial: TrialFile) -> TrialFile:
    evaluation = trial.spec.evaluation.model_copy(update={"extractor": None, "extractor_sha256": ""})
    return trial.model_copy(update={"spec": trial.spec.model_copy(update={"evaluation": evaluation})})


@pytest.mark.parametrize(
    ("dataset", "changed", "count", "words"),
    [
        ("ring", lambda trial: trial, 1, "are points, which have no image to stand beside; leave --neighbours out"),
        ("digits", without_extractor, 1, "is scored without an extractor, whose features say what is near"),
        ("digits", lambda trial: trial, 900, "--neighbours 900 is more than the 899 training images of hinge-mlp-"),
    ],
)
def test_what_has_no_neighbours_is_refused(
    runs: Path, dataset: str, changed: Callable[[TrialFile], TrialFile], count: int, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        require_neighbours(changed(trial_of(runs, dataset)), count)


def test_other_data_or_weights_than_planned_are_refused(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial, fakes = trial_of(runs, "digits"), torch.zeros(1, 1, 16, 16)
    evaluation = trial.spec.evaluation.model_copy(update={"extractor_sha256": "0" * 64})
    other = trial.model_copy(update={"spec": trial.spec.model_copy(update={"evaluation": evaluation})})
    with pytest.raises(StoreError, match=r"the weights of extractor 'digits' have changed since hinge-.*restore them"):
        find_neighbours(other, fakes, 1, device=CPU, warn=print)
    monkeypatch.setattr(Digits, "load", lambda *_, **__: Samples(data=torch.zeros(898, 1, 16, 16, dtype=torch.uint8)))
    with pytest.raises(StoreError, match="the samples of 'digits' have changed since hinge-"):
        find_neighbours(trial, fakes, 1, device=CPU, warn=print)


def test_a_row_is_a_fake_a_wider_gap_and_its_neighbours(tmp_path: Path) -> None:
    images = torch.tensor([[10, 20], [30, 40]], dtype=torch.uint8).view(2, 2, 1, 1, 1)
    found = Neighbours(images=images, index=torch.zeros(2, 2), distances=torch.tensor([[0.0, 1.5], [2.0, 1e6]]))
    fakes = torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1)
    write_neighbours(tmp_path / "n.png", fakes, found, {"truncation": "0.5"})
    picture = Image.open(tmp_path / "n.png")
    assert picture.text == {"truncation": "0.5", "distances": "0 1.5\n2 1e+06"}  # type: ignore[attr-defined]
    scale = picture.width // 10
    gap = 127
    assert np.asarray(picture)[::scale, ::scale].tolist() == [
        [gap] * 10,
        [gap, 0, gap, gap, gap, gap, 10, gap, 20, gap],
        [gap] * 10,
        [gap, 255, gap, gap, gap, gap, 30, gap, 40, gap],
        [gap] * 10,
    ]


def test_nothing_is_near_to_fakes_that_are_no_numbers(runs: Path) -> None:
    fakes = torch.zeros(3, 1, 8, 8)
    fakes[1, 0, 0, 0] = float("nan")
    with pytest.raises(DataError, match=r"1 of 3 generated samples are not finite, .*; leave --neighbours out"):
        find_neighbours(trial_of(runs, "digits"), fakes, 1, device=CPU, warn=pytest.fail)
