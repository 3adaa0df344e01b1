"""A dataset read for a plan: what is refused of its files, whoever reads them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganbench import plugins
from ganbench.api import Samples
from ganbench.datasets.digits import Digits
from ganbench.errors import DataError, UsageError
from ganbench.evaluation.handout import write_samples
from ganbench.extractors.embedded import Digits as DigitsExtractor
from ganbench.files import file_sha256
from ganbench.grid import parse_axis, parse_losses
from ganbench.plan import PlanRequest
from ganbench.resolving.data import Data
from ganbench.resolving.plans import answer
from tests.planned import ask, reads_of_digits

IMAGES = torch.rand(20, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def read(path: Path) -> Data:
    registry = plugins.load().registry
    datasets = tuple(parse_axis("dataset", [f"array:{path}"], registry))
    metrics = tuple(parse_axis("metric", ["fid"], registry))
    (extractor,) = parse_axis("extractor", ["digits"], registry)
    plan = PlanRequest(
        losses=(), architectures=(), datasets=datasets, metrics=metrics, extractor=extractor, reference_split="train"
    )
    return Data(datasets[0], plan, registry, set())


def test_truncated_samples_are_no_dataset_and_no_reference(tmp_path: Path) -> None:
    write_samples(tmp_path / "cut.npz", IMAGES, None, truncation=0.5)
    with pytest.raises(DataError, match=r"^\S*cut\.npz holds samples truncated at 0\.5, .*without --truncation$"):
        read(tmp_path / "cut.npz")
    write_samples(tmp_path / "whole.npz", IMAGES, None)
    assert read(tmp_path / "whole.npz").spec.size == 20
    # What others call so is an array of their own.
    np.savez(tmp_path / "theirs.npz", samples=np.zeros((20, 1, 16, 16), np.uint8), truncation=np.ones(20))
    assert read(tmp_path / "theirs.npz").spec.size == 20


@pytest.mark.parametrize(
    ("dataset", "extractor", "words"),
    [
        ("mnist[download=false]", "digits", "mnist: train-images-idx3-ubyte,"),
        ("digits", "inception", "GANBENCH_INCEPTION_WEIGHTS names "),
    ],
)
def test_missing_samples_or_weights_are_told_apart_and_how_values_are_read_is_known(
    dataset: str, extractor: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANBENCH_INCEPTION_WEIGHTS", str(tmp_path / "missing.pth"))
    registry = plugins.load().registry
    request = PlanRequest(
        losses=tuple(parse_losses(["hinge"], registry)),
        architectures=tuple(parse_axis("architecture", ["mlp[hidden=8]"], registry)),
        datasets=tuple(parse_axis("dataset", [dataset], registry)),
        metrics=tuple(parse_axis("metric", ["fid,precision-recall"], registry)),
        extractor=parse_axis("extractor", [extractor], registry)[0],
        values=("precision",),
        data_root=str(tmp_path),
    )
    found = answer(request)
    assert found.error.startswith(words)
    assert found.values is not None
    assert list(found.values) == ["precision"]
    assert found.values["precision"]["label"] == "precision"
    wrong = answer(request.model_copy(update={"values": ("precison",)}))
    assert (wrong.error, wrong.values) == (
        "no metric here returns the value 'precison'; did you mean 'precision'?",
        None,
    )


def test_an_extractor_that_no_metric_of_a_grid_uses_is_refused() -> None:
    registry = plugins.load().registry
    (extractor,) = parse_axis("extractor", ["digits"], registry)
    losses, architectures = parse_losses(["hinge"], registry), parse_axis("architecture", ["mlp[hidden=8]"], registry)
    for dataset, error in (
        ("ring", "extractor 'digits' has no effect, because no metric here uses features; leave --extractor out"),
        ("digits", ""),
        ("ring,digits", ""),
    ):
        datasets = tuple(parse_axis("dataset", [dataset], registry))
        request = PlanRequest(
            losses=tuple(losses), architectures=tuple(architectures), datasets=datasets, extractor=extractor
        )
        assert answer(request).error == error


def test_an_extractor_for_another_size_is_answered_with_one_for_this(tmp_path: Path) -> None:
    """Whichever of those that are installed: the dataset's own was for images as they are by default."""
    write_samples(tmp_path / "small.npz", IMAGES, None)
    registry = plugins.load().registry
    request = PlanRequest(
        losses=tuple(parse_losses(["hinge"], registry)),
        architectures=tuple(parse_axis("architecture", ["mlp[hidden=8]"], registry)),
        datasets=tuple(parse_axis("dataset", [f"array:{tmp_path / 'small.npz'}"], registry)),
        metrics=tuple(parse_axis("metric", ["fid"], registry)),
        extractor=parse_axis("extractor", ["mnist"], registry)[0],
    )
    assert answer(request).error == (
        "extractor 'mnist' takes images of 32x32, but the samples are 16x16; use --extractor digits, or images of 32x32"
    )


def test_how_samples_are_scored_names_the_split_and_the_extractor() -> None:
    found = ask(["hinge"], ["mlp[hidden=8]"], dataset="digits", reference_split="train")
    (cell,) = found.planned
    evaluation = cell.spec.evaluation
    weights = DigitsExtractor().files()[0]
    assert evaluation.extractor_sha256 == file_sha256(Path(weights))
    assert str(Path(weights).resolve()) in {stamp.path for stamp in found.files}, "other weights are another plan"
    assert evaluation.extractor is not None
    assert (evaluation.extractor.name, evaluation.reference.split, evaluation.reference.size) == (
        "digits",
        "train",
        899,
    )
    (cell,) = ask(["hinge"], ["mlp[hidden=8]"], dataset="digits").planned
    assert (cell.spec.data.size, cell.spec.evaluation.reference.size) == (899, 898)
    found = ask(["hinge"], ["mlp[hidden=8]"], dataset="digits", reference_split="dev")
    assert found.error == "reference split 'dev' must be one of: train, test"


@pytest.mark.parametrize(
    ("classes", "wanted", "found"),
    [
        (10, None, "reference"),
        (10, "reference", "reference"),
        (10, "balanced", "balanced"),
        (1, None, "reference"),
        (0, None, "balanced"),
        (11, "balanced", "balanced"),
        (0, "reference", "has no labels"),
        (11, None, "has 11 classes where the training samples have 10"),
    ],
)
def test_labels_are_the_references_where_it_has_no_more_than_the_training_samples(
    classes: int, wanted: Any, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Digits.load

    def other(self: Digits, split: str, *, root: Path) -> Samples:
        samples = load(self, split, root=root)
        if split == "train":
            return samples
        return replace(samples, labels=torch.arange(len(samples)) % classes if classes else None, classes=())

    monkeypatch.setattr(Digits, "load", other)
    plan = ask(["hinge"], ["mlp[hidden=8,condition=projection]"], dataset="digits", labels=wanted)
    _, but, wrong = plan.error.partition("makes fakes with the reference's labels, but the reference of 'digits' ")
    assert [cell.spec.evaluation.labels for cell in plan.planned] == ([] if but else [found])
    assert wrong == (f"{found}; use --labels balanced" if but else "")


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (UsageError("size=3 is too small"), "size=3 is too small"),
        (RuntimeError("boom"), "dataset 'digits' cannot be read: RuntimeError: boom"),
        (0, "dataset 'digits': the split 'train' is empty"),
    ],
    ids=["refused", "failed", "empty"],
)
def test_a_dataset_that_cannot_be_had_is_named(
    result: Exception | int, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Digits.load

    def other(self: Digits, split: str, *, root: Path) -> Samples:
        if isinstance(result, Exception):
            raise result
        whole = load(self, split, root=root)
        return replace(whole, data=whole.data[:result], labels=None, classes=())

    monkeypatch.setattr(Digits, "load", other)
    assert ask(["hinge"], ["mlp[hidden=8]"], dataset="digits").error == error


def test_each_split_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = reads_of_digits(monkeypatch)
    assert ask(["hinge"], ["mlp[hidden=8]"], dataset="digits", baselines=True).error == ""
    assert loaded == ["train", "test"]
