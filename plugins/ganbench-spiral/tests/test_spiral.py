"""The dataset and the metric, held by the kit; the command as a user meets it."""

import math
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from ganbench_spiral.command import scatter
from ganbench_spiral.dataset import Spiral
from ganbench_spiral.metric import PointCoverage

from ganbench import plugins
from ganbench.errors import DataError, StoreError, UsageError
from ganbench.testing import Conformance, evidence

LINE = torch.arange(10.0).unsqueeze(1)


class TestDataset(Conformance):
    component, name = Spiral, "spiral"
    expected = {"shape": (2,), "counts": {"train": 50_000, "test": 5_000}}


class TestMetric(Conformance):
    component, name = PointCoverage, "point-coverage"
    # On the whole numbers 0 to 9 with k = 1 each point reaches less than 1: a fake at 4.5 is in reach of 4 and 5.
    parameters = {"k": 1}
    expected = {
        "known": [
            (evidence(samples=LINE), evidence(samples=LINE), {"point_coverage": 1.0, "point_precision": 1.0}),
            (
                evidence(samples=torch.tensor([[4.5], [50.0]])),
                evidence(samples=LINE),
                {"point_coverage": 0.2, "point_precision": 0.5},
            ),
        ]
    }


def test_points_lie_on_the_curve() -> None:
    points = Spiral(arms=1, turns=1.0, sigma=0.0).load("train", root=Path()).data.double()
    radius = points.norm(dim=1)
    angle = torch.atan2(points[:, 1], points[:, 0]) % (2 * math.pi)
    gap = (angle - 2 * math.pi * radius + math.pi) % (2 * math.pi) - math.pi
    assert float((gap.abs() * radius).max()) < 1e-5


def test_fresh_real_points_are_covered_as_theory_says() -> None:
    data = Spiral()
    train, test = (evidence(samples=data.load(split, root=Path()).data) for split in ("train", "test"))
    found = PointCoverage(k=5).compute(train, test)
    assert found["point_coverage"] == pytest.approx(1 - 2**-5, abs=0.02)


@pytest.mark.parametrize("parameters", [{"arms": 0}, {"turns": 0.0}, {"sigma": -1.0}])
def test_nonsense_is_named(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(parameters))):
        Spiral(**parameters)


def test_the_command_draws(tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.zeros((10, 2), dtype=np.float32))
    for suffix, begin in ((".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")):
        out = (tmp_path / "new" / "picture").with_suffix(suffix)
        answer = CliRunner().invoke(scatter, [str(tmp_path / "points.npy"), "--out", str(out)])
        assert answer.exit_code == 0, answer.output
        assert out.read_bytes().startswith(begin)


def test_the_command_takes_a_dataset_as_a_run_does(tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.zeros((10, 2), dtype=np.float32))

    def answer(dataset: str) -> Result:
        out = ["--out", str(tmp_path / "picture.png")]
        return CliRunner().invoke(scatter, [str(tmp_path / "points.npy"), "--dataset", dataset, *out])

    for dataset in ("spiral[arms=3,sigma=0.05]", "ganbench-spiral:spiral", "grid"):
        assert answer(dataset).exit_code == 0, answer(dataset).output
    for dataset, words in (
        ("spiral[arm=3]", "dataset 'spiral' has no parameter 'arm'; did you mean 'arms'?"),
        ("spiral[arms=0]", "dataset 'spiral': arms=0 must be from 1 to 16"),
        ("spirale", "there is no dataset 'spirale'; did you mean 'spiral'?"),
        ("digits", "dataset 'digits' does not consist of points in the plane"),
    ):
        assert isinstance(answer(dataset).exception, UsageError)
        assert words in str(answer(dataset).exception)


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    points = np.zeros((10, 2))
    np.save(tmp_path / "points.npy", points)
    np.save(tmp_path / "images.npy", np.zeros((2, 1, 8, 8), dtype=np.uint8))
    np.save(tmp_path / "words.npy", points.astype(str))
    np.savez(tmp_path / "points.npz", samples=points)
    (tmp_path / "empty.npy").touch()
    (tmp_path / "torn.npz").write_bytes((tmp_path / "points.npz").read_bytes()[:99])
    (tmp_path / "file").touch()
    for arguments, error, words in (
        ([str(tmp_path / "images.npy")], DataError, "holds uint8 of shape (2, 1, 8, 8), not points"),
        ([str(tmp_path / "words.npy")], DataError, "not points"),
        ([str(tmp_path / "points.npz")], DataError, "use an .npy"),
        ([str(tmp_path / "empty.npy")], DataError, "cannot read"),
        ([str(tmp_path / "torn.npz")], DataError, "cannot read"),
        ([str(tmp_path / "points.npy"), "--out", str(tmp_path / "file" / "x.png")], StoreError, "cannot write"),
        ([str(tmp_path / "nowhere.npy")], DataError, "cannot read"),
        (["x.npy", "--out", "x.txt"], UsageError, "must end in"),
    ):
        answer = CliRunner().invoke(scatter, arguments)
        assert isinstance(answer.exception, error)
        assert words in str(answer.exception)


def test_all_three_are_registered() -> None:
    loaded = plugins.load()
    assert loaded.registry.find("dataset", "ganbench-spiral:spiral").load() is Spiral
    assert loaded.registry.find("metric", "ganbench-spiral:point-coverage").load() is PointCoverage
    from ganbench.cli import cli

    assert "scatter" in cli.list_commands(click.Context(cli))


def test_the_order_of_the_points_does_not_matter() -> None:
    real = Spiral().load("test", root=Path()).data
    fake = Spiral().load("train", root=Path()).data[:3000]
    order = real[:, 0].argsort()
    values = [
        PointCoverage().compute(evidence(samples=fake), evidence(samples=points))["point_coverage"]
        for points in (real, real[order])
    ]
    assert values[0] == pytest.approx(values[1], abs=0.05)


def test_counts_are_those_that_are_looked_at() -> None:
    with pytest.raises(ValueError, match="2000 real points have no 3000 neighbours each"):
        PointCoverage(k=3000).check(fakes=5000, reference=10_000, dimension=2, classes=0)
    assert PointCoverage().check(fakes=2000, reference=50_000, dimension=2, classes=0) is None
