"""What an evaluation is refused for, by name: metrics, extractors and references that do not fit."""

from dataclasses import replace

import pytest
import torch

from ganbench.api import Evidence, Metric, Samples, Value
from ganbench.errors import UsageError
from ganbench.evaluation.evaluator import check_shape
from ganbench.extractors.embedded import Digits, Mnist
from ganbench.extractors.vgg16 import VGG16
from ganbench.metrics.fid import FID
from ganbench.metrics.inception_score import InceptionScore
from ganbench.metrics.memorisation import Memorisation
from ganbench.metrics.mixture import Modes
from tests.scoring import TEST, evaluator


class Clash(Metric):
    """Returns a value that FID also returns."""

    values = {"fid": Value(label="x", direction=None)}

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {"fid": 0.0}


def test_two_metrics_with_one_value_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match="metrics 'fid' and 'mine' both return 'fid'"):
        evaluator({"fid": FID(), "mine": Clash()})


def test_needs_are_checked_by_name() -> None:
    vectors = Samples(data=torch.zeros(10, 2))
    with pytest.raises(UsageError, match="metric 'fid' needs an extractor"):
        evaluator({"fid": FID()}, reference=vectors)
    with pytest.raises(UsageError, match="metric 'mine' needs images, and the samples are vectors"):
        evaluator({"mine": type("OfImages", (Clash,), {"needs": ("images",)})()}, reference=vectors)
    with pytest.raises(UsageError, match="metric 'modes' needs a dataset whose modes are known"):
        evaluator({"modes": Modes()})
    with pytest.raises(UsageError, match="metric 'memorisation' needs the training samples"):
        evaluator({"memorisation": Memorisation()})
    with pytest.raises(UsageError, match="needs a held-out reference"):
        evaluator({"memorisation": Memorisation()}, train=TEST)
    with pytest.raises(UsageError, match="metric 'is' needs an extractor with class outputs"):
        evaluator({"is": InceptionScore()}, extractor=VGG16())


def test_shapes_are_checked_by_name() -> None:
    with pytest.raises(UsageError, match="'ganbench-mnist' takes images of 32x32, the samples are 16x16"):
        evaluator(extractor=Mnist())
    with pytest.raises(UsageError, match="takes images, the samples are vectors"):
        check_shape(Digits(), (2,))
    with pytest.raises(UsageError, match="takes 1 channels, the samples have 3"):
        check_shape(Digits(), (3, 16, 16))
    with pytest.raises(UsageError, match="against a reference"):
        evaluator().score(torch.zeros(20, 1, 32, 32), final=True)
    with pytest.raises(UsageError, match="against a reference"):
        evaluator().score_real(replace(TEST, data=torch.zeros(20, 3, dtype=torch.float32), labels=None))
