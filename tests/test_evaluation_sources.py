"""What is refused of a source before it is read, and which data are those that a trial was planned with."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganbench.errors import DataError
from ganbench.evaluation.sources import open_given, same_samples
from ganbench.plan import SourceRequest
from ganbench.spec import DataSpec, Scalar
from tests.trials import component


@pytest.mark.parametrize(
    ("name", "said", "words"),
    [
        ("s.npy", {"size": 8}, "--size is for image files, but .*s.npy is an array; leave it out"),
        ("g.pt2", {"size": 8}, "--size is for image files, but .*g.pt2 is a generator; leave it out"),
        ("s.npy", {"latent_dim": 8}, "--latent-dim is for generators, but .*s.npy contains samples; leave it out"),
        ("s.npy", {"latent": "normal"}, "--latent is for generators, but .*s.npy contains samples; leave it out"),
        ("s.zip", {"latent": "uniform"}, "--latent is for generators, but .*s.zip contains samples; leave it out"),
        ("s.zip", {"latent_dim": 8}, "--latent-dim is for generators, but .*s.zip contains samples; leave it out"),
        ("s.zip", {"value_range": "0:1"}, "--range is for arrays and generators, but the files in .*s.zip are images"),
    ],
)
def test_what_means_nothing_of_a_kind_of_source_is_refused(
    tmp_path: Path, name: str, said: dict[str, Any], words: str
) -> None:
    path = tmp_path / name
    path.touch()
    if path.suffix == ".npy":
        np.save(path, np.zeros((4, 1, 8, 8), np.uint8))
    with pytest.raises(DataError, match=words):
        open_given(SourceRequest(path=str(path), **said), (1, 8, 8), torch.device("cpu"))


def data(fingerprint: str = "ab", name: str = "folder", **parameters: Scalar) -> DataSpec:
    part = component(name, parameters=parameters)
    return DataSpec(component=part, kind="image", shape=(1, 8, 8), size=9, fingerprint=fingerprint)


def test_trials_of_before_have_the_place_among_the_parameters() -> None:
    now, then = data(size=8), data(size=8, path="/old/photos")
    assert same_samples(now, data(size=8))
    assert same_samples(now, then, ("path",))
    assert not same_samples(now, then)


@pytest.mark.parametrize("then", [data("cd", size=8), data(size=9), data(name="array", size=8)])
def test_other_samples_parameters_or_datasets_are_not(then: DataSpec) -> None:
    assert not same_samples(data(size=8), then, ("path",))


def test_a_range_means_nothing_of_points(tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.zeros((4, 2), np.float32))
    request = SourceRequest(path=str(tmp_path / "points.npy"), value_range="0:1")
    with pytest.raises(DataError, match="--range is for images, but the reference contains points of 2 numbers"):
        open_given(request, (2,), torch.device("cpu"))
    assert open_given(request.model_copy(update={"value_range": ""}), (2,), torch.device("cpu")).samples is not None
