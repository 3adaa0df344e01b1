"""What an evaluation is refused for, by name: metrics, extractors and references that do not fit."""

import re
from dataclasses import replace
from typing import Any, get_args

import pytest
import torch

from ganbench.api import Evidence, Metric, Mixture, Need, Samples, Value
from ganbench.errors import UsageError
from ganbench.evaluation.needs import check_shape, check_words, layers_of, owners, require, uses_extractor
from ganbench.extractors.embedded import Digits, Mnist
from ganbench.extractors.inception import Inception
from ganbench.extractors.stacked import StackedDigits
from ganbench.extractors.vgg16 import VGG16
from ganbench.metrics.fid import FID
from ganbench.metrics.inception_score import InceptionScore
from ganbench.metrics.memorisation import Memorisation
from ganbench.metrics.mixture import Modes
from tests.scoring import TEST, TRAIN, evaluator


class Clash(Metric):
    """Returns a value that FID also returns."""

    values = {"fid": Value(label="x", direction=None)}

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {"fid": 0.0}


def needing(*needs: Need) -> Metric:
    metric: Metric = type("Needing", (Clash,), {"needs": needs})()
    return metric


def test_two_metrics_with_one_value_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match="metrics 'fid' and 'mine' both return 'fid'"):
        evaluator({"fid": FID(), "mine": Clash()})


def test_two_metrics_of_one_name_are_refused() -> None:
    """Of two packages: one would take the other's place, whatever they return."""
    with pytest.raises(UsageError, match="two metrics are called 'fid'; choose one"):
        owners([("fid", InceptionScore()), ("fid", needing())])


def test_needs_are_checked_by_name() -> None:
    vectors = Samples(data=torch.zeros(10, 2))
    with pytest.raises(
        UsageError, match=r"needs features, which .* not offer; points have none: name metrics of points"
    ):
        evaluator({"fid": FID()}, reference=vectors)
    with pytest.raises(UsageError, match=r"needs features, which .* not offer; an extractor computes them \("):
        require("fid", FID(), reference=TEST, train=None, mixture=None, extractor=None)
    with pytest.raises(UsageError, match=r"metric 'mine' needs images, which .* not offer; it is for images only"):
        evaluator({"mine": needing("images")}, reference=vectors)
    with pytest.raises(UsageError, match=r"metric 'modes' needs mixture, which .* not offer; .* such as ring or grid"):
        evaluator({"modes": Modes()})
    for train in (None, TEST):
        with pytest.raises(
            UsageError, match=r"metric 'memorisation' needs train, which .* must not be the training samples"
        ):
            evaluator({"memorisation": Memorisation()}, train=train)
    with pytest.raises(UsageError, match=r"metric 'is' needs logits, which .* choose an extractor with class outputs"):
        evaluator({"is": InceptionScore()}, extractor=VGG16())
    evaluator({"memorisation": Memorisation()}, train=TRAIN)
    evaluator({"mine": needing("images", "labels", "fake_labels", "logits", "features")})


@pytest.mark.parametrize(
    ("needs", "used"), [(("features",), True), (("logits",), True), (("images", "labels", "train"), False), ((), False)]
)
def test_an_extractor_is_used_by_what_needs_its_outputs(needs: tuple[Need, ...], used: bool) -> None:
    assert uses_extractor(needing(*needs)) is used


def test_counting_the_classes_of_an_extractor_leaves_the_random_stream_alone() -> None:
    before = torch.get_rng_state()
    require("mine", needing("classes"), reference=TEST, train=None, mixture=None, extractor=Digits())
    assert torch.equal(torch.get_rng_state(), before)
    assert TEST.labels is not None
    few = Samples(data=TEST.data, labels=TEST.labels.clamp(max=4))
    with pytest.raises(UsageError, match=r"needs classes, which .* choose an extractor whose classes are those of the"):
        require("mine", needing("classes"), reference=few, train=None, mixture=None, extractor=Digits())


def test_all_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(UsageError, match=r"needs labels and mixture, which .*; choose a dataset with labels; choose a"):
        evaluator({"mine": needing("labels", "mixture")}, reference=Samples(data=TEST.data))


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        (("featurs",), "metric 'mine' needs 'featurs', which no evaluation offers; did you mean 'features'?"),
        (
            ("features", 7),
            "metric 'mine' needs 7, which no evaluation offers; choose one of: classes, fake_labels, features, ",
        ),
        ("features", "metric 'mine' declares needs = 'features'; it must be a tuple of words, such as ('features',)"),
    ],
)
def test_a_need_that_there_is_not_is_refused(needs: Any, words: str) -> None:
    metric = type("Wrong", (Clash,), {"needs": needs})()
    with pytest.raises(UsageError, match=f"^{re.escape(words)}"):
        evaluator({"mine": metric})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["x"], "declares values = ['x']; it must map each name that it returns to a ganbench.api.Value, such as"),
        ({"x": "lower"}, "declares values = {'x': 'lower'}; it must map each name that it returns to a"),
        ({"x": Value(label="X", direction="down")}, "declares 'x' with the direction 'down'; it must be 'lower' or"),  # type: ignore[arg-type]
    ],
)
def test_values_that_are_not_those_of_the_contract_are_refused(values: Any, words: str) -> None:
    metric = type("Wrong", (Clash,), {"values": values})()
    with pytest.raises(UsageError, match=f"^metric 'mine' {re.escape(words)}"):
        evaluator({"mine": metric})


@pytest.mark.parametrize("decimals", [-1, 21, 2.5, True])
def test_decimals_that_cannot_be_written_are_refused(decimals: Any) -> None:
    metric = needing()
    metric.values = {"x": Value(label="X", direction=None, decimals=decimals)}  # type: ignore[misc]
    with pytest.raises(UsageError, match=f"declares 'x' with {decimals} decimals; it must be a whole number"):
        check_words("one", metric)


def test_a_value_has_from_0_to_20_decimals() -> None:
    for decimals in (0, 20):
        metric = needing()
        metric.values = {"x": Value(label="X", direction=None, decimals=decimals)}  # type: ignore[misc]
        check_words("one", metric)


def test_every_need_is_known_to_be_there_or_not() -> None:
    """A word that the contract gains is one that an evaluation answers for."""
    everything = needing(*get_args(Need))
    mixture = Mixture(means=torch.zeros(2, 2), sigma=1.0)
    require("mine", everything, reference=TEST, train=TRAIN, mixture=mixture, extractor=Digits())
    vectors = Samples(data=torch.zeros(10, 2))
    with pytest.raises(UsageError) as caught:
        require("mine", everything, reference=vectors, train=None, mixture=None, extractor=None)
    told = str(caught.value).partition(", which")[0].removeprefix("metric 'mine' needs ").split(" and ")
    assert set(told) == set(get_args(Need)) - {"fake_labels", "generator"}  # which come with each scoring


def test_shapes_are_checked_by_name() -> None:
    with pytest.raises(UsageError, match="'ganbench-mnist' takes images of 32x32, but the samples are 16x16"):
        evaluator(extractor=Mnist())
    with pytest.raises(UsageError, match="takes images, but the samples are vectors"):
        check_shape(Digits(), (2,))
    with pytest.raises(UsageError, match="takes images of 1 channel, but the samples have 3; choose another"):
        check_shape(Digits(), (3, 16, 16))
    check_shape(StackedDigits(), (1, 16, 16))  # grey is shown to it three times
    with pytest.raises(UsageError, match="with a reference"):
        evaluator().score(torch.zeros(20, 1, 32, 32), final=True)
    with pytest.raises(UsageError, match="with a reference"):
        evaluator().score_real(replace(TEST, data=torch.zeros(20, 3, dtype=torch.float32), labels=None))


def test_a_size_that_an_extractor_does_not_take_is_answered_with_one_that_does() -> None:
    others = (("digits", Digits), ("mnist", Mnist), ("inception", Inception))
    with pytest.raises(UsageError, match=r"are 16x16; use --extractor digits, or images of 32x32$"):
        check_shape(Mnist(), (1, 16, 16), others)
    with pytest.raises(
        UsageError, match=r"are 28x28; choose another \('ganbench list extractors'\), or images of 32x32$"
    ):
        check_shape(Mnist(), (1, 28, 28), others)
    with pytest.raises(UsageError, match=r"the samples have 3; use --extractor stacked-digits$"):
        check_shape(Digits(), (3, 16, 16), (*others, ("stacked-digits", StackedDigits)))


@pytest.mark.parametrize(
    ("features", "logits", "asked"), [("64", "logits", ["64", "logits"]), ("64", "", ["64"]), ("x", "x", ["x"])]
)
def test_a_layer_that_is_both_is_asked_for_once(features: str, logits: str, asked: list[str]) -> None:
    class Layers(Digits):
        feature_layer, logits_layer = features, logits

    assert layers_of(Layers()) == asked
