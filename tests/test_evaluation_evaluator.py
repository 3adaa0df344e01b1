"""Scoring as a whole: the reference extracted once, the same numbers each time, and no trace."""

import math
import random
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganbench.api import Evidence, Metric, Mixture, Need, Samples, Value
from ganbench.errors import DataError, UsageError
from ganbench.evaluation import evaluator as module
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.images import NonFiniteSamples
from ganbench.extractors.embedded import Digits
from ganbench.metrics.class_coverage import ClassCoverage
from ganbench.metrics.fid import FID
from ganbench.metrics.inception_score import InceptionScore
from ganbench.metrics.kid import KID
from ganbench.metrics.memorisation import Memorisation
from ganbench.metrics.mixture import Modes
from ganbench.metrics.precision_recall import PrecisionRecall
from tests.scoring import CPU, TEST, TRAIN, evaluator
from tests.trials import component


def as_generated(images: Tensor) -> Tensor:
    return images.float() / 127.5 - 1


def noisy(images: Tensor, sigma: float) -> Tensor:
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return (images.float() + sigma * noise).round().clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize("batch_size", [33, 898])
def test_batch_size_does_not_change_the_scores(batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = as_generated(noisy(TRAIN.data, 16))
    expected = evaluator().score(fakes, final=True)
    monkeypatch.setattr(Digits, "batch_size", batch_size)
    assert evaluator().score(fakes, final=True) == expected


def test_generated_and_stored_samples_score_the_same() -> None:
    assert evaluator().score(as_generated(TRAIN.data), final=True) == evaluator().score_real(TRAIN)


def test_training_samples_are_not_accused_of_being_training_samples() -> None:
    score = evaluator({"fid": FID(groups=0), "memorisation": Memorisation()}, train=TRAIN)
    copies, floor = score.score_real(TRAIN), score.score_real(TRAIN, from_train=True)
    assert copies["memorised"] > 0.9
    assert math.isnan(floor["memorised"])
    assert math.isnan(floor["train_preference"])
    assert floor["fid"] == copies["fid"]


def test_a_generator_that_returns_nan_is_detected() -> None:
    fakes = as_generated(TRAIN.data)
    fakes[3] = float("nan")
    with pytest.raises(NonFiniteSamples, match="1 of 899"):
        evaluator().score(fakes, final=False)


def test_global_state_is_untouched(tmp_path: Path) -> None:
    torch.manual_seed(11)
    np.random.seed(11)
    before, numpy_before = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"].copy()
    metrics: dict[str, Metric] = {
        "fid": FID(),
        "is": InceptionScore(),
        "kid": KID(subsets=2),
        "pr": PrecisionRecall(),
        "cc": ClassCoverage(),
        "memorisation": Memorisation(),
    }
    evaluator(metrics, cache=tmp_path, train=TRAIN).score(as_generated(TRAIN.data), final=True)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], numpy_before)


class Drawing(Metric):
    """Draws from every global stream, as somebody's metric of random subsets may."""

    values = {name: Value(label=name, direction=None) for name in ("torch", "numpy", "python")}
    needs = ()

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {"torch": float(torch.rand(())), "numpy": float(np.random.rand()), "python": random.random()}


def test_metrics_that_draw_at_random_are_reproducible_and_leave_no_trace() -> None:
    def states() -> tuple[bytes, bytes, object]:
        return (
            torch.get_rng_state().numpy().tobytes(),
            np.random.get_state(legacy=False)["state"]["key"].tobytes(),
            random.getstate(),
        )

    score = evaluator({"drawing": Drawing()}, reference=Samples(data=torch.zeros(10, 2)))
    before = states()
    first = score.score(torch.zeros(5, 2), final=True)
    assert states() == before
    assert score.score(torch.zeros(5, 2), final=True) == first
    assert score.score_real(Samples(data=torch.zeros(5, 2))) == first


def test_costly_metrics_wait_for_the_end() -> None:
    metrics: dict[str, Metric] = {"fid": FID(groups=0), "kid": KID(subsets=2)}
    during = evaluator(metrics).score(as_generated(TRAIN.data), final=False)
    assert "fid" in during
    assert "kid" not in during
    assert "kid" in evaluator(metrics).score(as_generated(TRAIN.data), final=True)


def test_the_reference_is_extracted_once_over_evaluators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = as_generated(TRAIN.data)
    first = evaluator(cache=tmp_path).score(fakes, final=True)
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
    second = evaluator(cache=tmp_path)

    def fail(_images: Tensor) -> dict[str, Tensor]:
        raise AssertionError("the reference was extracted again")

    monkeypatch.setattr(second, "_with_statistics", fail)
    assert second.score(fakes, final=True) == first


def test_samples_are_kept_once_whatever_they_are_to_a_run(tmp_path: Path) -> None:
    """As those trained on, and as another run's reference."""
    fakes = as_generated(TRAIN.data)
    evaluator({"memorisation": Memorisation()}, cache=tmp_path, train=TRAIN).score(fakes, final=True)
    kept = set(tmp_path.glob("*.safetensors"))
    assert len(kept) == 2
    evaluator({"fid": FID()}, cache=tmp_path, reference=TRAIN).score(fakes, final=True)
    assert set(tmp_path.glob("*.safetensors")) == kept


def test_changed_data_are_another_reference(tmp_path: Path) -> None:
    fakes = as_generated(TRAIN.data)
    first = evaluator(cache=tmp_path).score(fakes, final=True)
    data = TEST.data.clone()
    data[0, 0, 0, 0] ^= 255
    changed = Samples(data=data, labels=TEST.labels, classes=TEST.classes)
    second = evaluator(cache=tmp_path, reference=changed).score(fakes, final=True)
    assert second["fid"] != first["fid"]
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_vectors_need_no_extractor() -> None:
    mixture = Mixture(means=torch.eye(2), sigma=0.1)
    reference = Samples(data=torch.eye(2).repeat(50, 1))
    score = evaluator({"modes": Modes()}, reference=reference, mixture=mixture)
    assert score.score(torch.eye(2).repeat(10, 1), final=True) == {"modes": 2.0}
    with pytest.raises(NonFiniteSamples):
        score.score(torch.full((4, 2), float("nan")), final=True)


class Looking(Metric):
    """Keeps both sides as it is shown them."""

    values = {"seen": Value(label="seen", direction=None)}

    def __init__(self, *needs: Need) -> None:
        self.needs = needs  # type: ignore[misc]
        self.sides: list[Evidence] = []

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        self.sides = [fake, reference]
        return {"seen": 1.0}


def test_a_metric_is_shown_all_there_is_of_both_sides() -> None:
    look, labels = Looking("features", "logits", "labels", "fake_labels", "train"), torch.arange(899) % 10
    evaluator({"look": look}, train=TRAIN).score(as_generated(TRAIN.data), final=True, labels=labels)
    fake, reference = look.sides
    assert torch.equal(fake.samples, TRAIN.data)
    assert torch.equal(reference.samples, TEST.data)
    assert fake.labels is labels
    assert reference.labels is TEST.labels
    assert reference.train is not None
    assert torch.equal(reference.train.samples, TRAIN.data)
    for side in (fake, reference, reference.train):
        assert side.features is not None
        assert side.logits is not None
        assert (side.features.shape, side.logits.shape) == ((side.n, 64), (side.n, 10))
    mixture, points = Mixture(means=torch.eye(2), sigma=0.1), Samples(data=torch.eye(2))
    look = Looking("mixture")
    evaluator({"look": look}, reference=points, mixture=mixture).score(torch.eye(2).requires_grad_(), final=True)
    assert [side.mixture for side in look.sides] == [mixture, mixture]
    assert not look.sides[0].samples.requires_grad  # numpy refuses what does


def test_training_samples_that_no_metric_asks_for_are_not_looked_at() -> None:
    score = evaluator({"look": (look := Looking("features"))}, train=TRAIN)
    score.score(as_generated(TRAIN.data), final=True)
    assert look.sides[1].train is None


def test_what_a_metric_lacks_is_said_before_anything_is_scored() -> None:
    with pytest.raises(UsageError, match="metric 'modes' needs mixture, which the reference does not offer"):
        evaluator({"fid": FID(), "modes": Modes()})
    with pytest.raises(UsageError, match="metrics 'fid' and 'again' both return 'fid'"):
        evaluator({"fid": FID(), "again": FID()})


def test_an_extractor_is_called_what_the_trial_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def mine(reference: Samples) -> Evaluator:
        return Evaluator(
            reference=reference, mixture=None, metrics={"fid": FID()}, extractor=Digits(), device=CPU, cache=None,
            planned=component("mine"),
        )  # fmt: skip

    with pytest.raises(UsageError, match="extractor 'mine' takes images of"):
        mine(Samples(data=TEST.data[..., :7]))
    score = mine(TEST)

    def broken(self: Digits, *layers: Any) -> Any:
        raise DataError(f"the weights of {self.registered_name} are damaged")

    monkeypatch.setattr(Digits, "build", broken)
    with pytest.raises(DataError, match="the weights of mine are damaged"):
        score.score_real(TEST)
    monkeypatch.setattr(Digits, "sha256", broken)  # asked for before anything is trained or drawn
    with pytest.raises(DataError, match="the weights of mine are damaged"):
        mine(TEST)


@pytest.mark.parametrize("data", [torch.zeros(20, 1, 8, 8), torch.zeros(20, 2)])
def test_samples_of_another_form_than_the_reference_are_refused(data: Tensor) -> None:
    words = "samples of shape .* cannot be compared with a reference of shape"
    with pytest.raises(UsageError, match=words):
        evaluator().score(data, final=True)
    with pytest.raises(UsageError, match=words):
        evaluator().score_real(Samples(data=data.to(torch.uint8) if data.dim() == 4 else data))
    with pytest.raises(UsageError, match=words):  # its shape, but no levels
        evaluator().score_real(Samples(data=TEST.data.float()))


@pytest.mark.parametrize("change", ["its parameters", "its weights", "its layers", "its channels", "torch"])
def test_whatever_decides_the_references_features_decides_where_they_are_kept(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the features of one network would be taken for those of another."""

    def score(*, other: bool) -> None:
        Evaluator(
            reference=TEST, mixture=None, metrics={"fid": FID(groups=0)}, extractor=Digits(), device=CPU,
            cache=tmp_path, planned=component("digits", parameters={"other": other and change == "its parameters"}),
        ).score(as_generated(TRAIN.data[:100]), final=True)  # fmt: skip

    score(other=False)
    score(other=False)
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
    if change == "its weights":
        monkeypatch.setattr(Digits, "sha256", lambda self: "ab" * 32)
    elif change == "its layers":
        monkeypatch.setattr(Digits, "logits_layer", "")
    elif change == "its channels":
        monkeypatch.setattr(Digits, "channels", 3)
    elif change == "torch":
        monkeypatch.setattr(module, "version", lambda name: "9.9" if name == "torch" else version(name))
    score(other=True)
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
