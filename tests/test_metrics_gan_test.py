"""GAN-test: the share of fakes in the class they were asked for, and which runs it is refused for."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganbench import plugins
from ganbench.datasets.stacked import StackedDigits
from ganbench.errors import UsageError
from ganbench.evaluation.features import Extracted
from ganbench.extractors.stacked import StackedDigits as StackedNetwork
from ganbench.extractors.vgg16 import VGG16
from ganbench.grid import parse_axis
from ganbench.metrics.gan_test import GANTest
from tests.planned import ask
from tests.scoring import TEST, evaluator


def share(logits: Tensor, labels: list[int]) -> float:
    fake = Extracted(samples=torch.zeros(len(logits), 1), logits=logits, labels=torch.tensor(labels))
    return GANTest().compute(fake, fake)["gan_test"]


def test_it_is_the_share_whose_largest_logit_is_that_of_the_label() -> None:
    logits = torch.tensor([[3.0, 1, 2], [0, -1, -2], [1, 5, 4], [1, 2, 9], [7, 8, 6]])
    assert share(logits, [0, 0, 1, 2, 1]) == 1
    assert share(logits, [0, 1, 1, 2, 0]) == pytest.approx(3 / 5)
    assert share(logits, [1, 1, 0, 0, 2]) == 0


def test_few_samples_are_told_with_their_error() -> None:
    counts = {"reference": 5000, "dimension": 64, "classes": 10}
    assert GANTest().check(fakes=500, **counts) is None
    assert "standard error of up to 5.0 %" in str(GANTest().check(fakes=100, **counts))
    with pytest.raises(ValueError, match="at least one"):
        GANTest().check(fakes=0, **counts)


def test_real_digits_are_mostly_of_their_own_class_and_shuffled_labels_are_not() -> None:
    judge = evaluator({"gan-test": GANTest()})
    assert judge.score_real(TEST)["gan_test"] > 0.9
    images = TEST.data.float() / 127.5 - 1
    assert TEST.labels is not None
    assert judge.score(images, final=True, labels=TEST.labels)["gan_test"] > 0.9
    assert judge.score(images, final=True, labels=(TEST.labels + 1) % 10)["gan_test"] < 0.05
    with pytest.raises(UsageError, match="needs the labels of the fakes"):
        judge.score(images, final=True)


def test_the_triples_of_stacked_digits_are_classes_too() -> None:
    samples = StackedDigits(count=1000, count_test=1000).load("test", root=Path())
    judge = evaluator({"gan-test": GANTest()}, reference=samples, extractor=StackedNetwork())
    assert judge.score_real(samples)["gan_test"] > 0.7


def test_an_extractor_of_other_classes_is_refused() -> None:
    eleven = replace(TEST, classes=tuple("abcdefghijk"))
    words = "metric 'gan-test' needs classes, which the reference does not offer; choose an extractor whose classes"
    with pytest.raises(UsageError, match=words):
        evaluator({"gan-test": GANTest()}, reference=eleven)
    with pytest.raises(UsageError, match="metric 'gan-test' needs logits and classes"):
        evaluator({"gan-test": GANTest()}, extractor=VGG16())


def test_a_grid_is_refused_where_networks_take_no_labels() -> None:
    metrics = tuple(parse_axis("metric", ["gan-test"], plugins.load().registry))
    conditional = "mlp[hidden=8,condition=projection]"
    found = ask(["hinge"], [conditional], dataset="digits", metrics=metrics, baselines=True)
    assert found.error == ""
    wrong = ask(["hinge"], [conditional, "mlp[hidden=8]"], dataset="digits", metrics=metrics)
    assert wrong.error.startswith("metric 'gan-test' needs the labels of the fakes, but architecture 'mlp")
    assert wrong.trace == ""
