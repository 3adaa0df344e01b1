"""Scoring as a whole: equal to torch-fidelity, in the right order, and without a trace."""

import math
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ganbench.api import Evidence, Metric, Mixture, Samples, Value
from ganbench.evaluation.images import NonFiniteSamples
from ganbench.extractors import register_with_torch_fidelity
from ganbench.extractors.embedded import Digits
from ganbench.metrics.class_coverage import ClassCoverage
from ganbench.metrics.fid import FID
from ganbench.metrics.inception_score import InceptionScore
from ganbench.metrics.kid import KID
from ganbench.metrics.memorisation import Memorisation
from ganbench.metrics.mixture import Modes
from ganbench.metrics.precision_recall import PrecisionRecall
from tests.scoring import TEST, TRAIN, N, evaluator


def as_generated(images: Tensor) -> Tensor:
    return images.float() / 127.5 - 1


def noisy(images: Tensor, sigma: float) -> Tensor:
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return (images.float() + sigma * noise).round().clamp(0, 255).to(torch.uint8)


class Images(Dataset[Tensor]):
    """A dataset as torch-fidelity takes it."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.images[index]


@pytest.mark.slow
def test_every_number_equals_torch_fidelitys() -> None:
    from torch_fidelity import calculate_metrics

    register_with_torch_fidelity()
    fakes = noisy(TRAIN.data[:N], 20)
    metrics: dict[str, Metric] = {
        "fid": FID(),
        "is": InceptionScore(),
        "kid": KID(subsets=10, subset_size=300),
        "precision-recall": PrecisionRecall(),
    }
    ours = evaluator(metrics).score(as_generated(fakes), final=True)
    theirs = calculate_metrics(
        input1=Images(fakes),
        input2=Images(TEST.data),
        feature_extractor="ganbench-digits",
        fid=True,
        isc=True,
        kid=True,
        prc=True,
        kid_subsets=10,
        kid_subset_size=300,
        cuda=False,
        cache=False,
        verbose=False,
        save_cpu_ram=True,
    )
    pairs = {
        "fid": "frechet_inception_distance",
        "is": "inception_score_mean",
        "is_std": "inception_score_std",
        "kid": "kernel_inception_distance_mean",
        "kid_std": "kernel_inception_distance_std",
        "precision": "precision",
        "recall": "recall",
        "f_score": "f_score",
    }
    for name, key in pairs.items():
        assert ours[name] == pytest.approx(theirs[key], rel=1e-6), name


def repeated(images: Tensor) -> Tensor:
    return images[torch.arange(N) % len(images)]


def test_severities_come_out_in_order() -> None:
    assert TRAIN.labels is not None
    images, labels = TRAIN.data[:N], TRAIN.labels[:N]
    score = evaluator({"fid": FID(groups=0), "kid": KID(subsets=2), "pr": PrecisionRecall()})
    uniform = torch.randint(0, 256, images.shape, generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    one_of_each = images[torch.tensor([int((labels == digit).nonzero()[0]) for digit in range(10)])]
    found = {
        name: score.score(as_generated(samples), final=True)
        for name, samples in {
            "real": images,
            "noise 8": noisy(images, 8),
            "noise 32": noisy(images, 32),
            "noise 128": noisy(images, 128),
            "uniform": uniform,
            "9 digits": repeated(images[labels < 9]),
            "3 digits": repeated(images[labels < 3]),
            "10 images": repeated(one_of_each),
            "1 image": repeated(images[:1]),
        }.items()
    }
    for series in (
        ("real", "noise 8", "noise 32", "noise 128", "uniform"),
        ("real", "9 digits", "3 digits", "1 image"),
        ("real", "9 digits", "10 images", "1 image"),
    ):
        for milder, harder in pairwise(series):
            assert found[milder]["fid"] < found[harder]["fid"], (milder, harder)
            assert found[milder]["kid"] < found[harder]["kid"], (milder, harder)
    # Precision does not see the collapse, recall does.
    assert found["1 image"]["precision"] > 0.9
    assert found["1 image"]["recall"] == 0
    assert found["9 digits"]["recall"] < found["real"]["recall"]


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
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
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
    assert np.array_equal(np.random.get_state()[1], numpy_before)


class Drawing(Metric):
    """Draws from every global stream, as somebody's metric of random subsets may."""

    values = {name: Value(label=name, direction=None) for name in ("torch", "numpy", "python")}
    needs = ()

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return {"torch": float(torch.rand(())), "numpy": float(np.random.rand()), "python": random.random()}


def test_metrics_that_draw_at_random_are_reproducible_and_leave_no_trace() -> None:
    def states() -> tuple[bytes, bytes, object]:
        return torch.get_rng_state().numpy().tobytes(), np.random.get_state()[1].tobytes(), random.getstate()

    score = evaluator({"drawing": Drawing()}, reference=Samples(data=torch.zeros(10, 2)))
    before = states()
    first = score.score(torch.zeros(5, 2), final=True)
    assert states() == before
    assert score.score(torch.zeros(5, 2), final=True) == first
    assert score.score_real(Samples(data=torch.zeros(5, 2))) == first


def test_costly_metrics_wait_for_the_end() -> None:
    metrics: dict[str, Metric] = {"fid": FID(groups=0), "kid": KID(subsets=2)}
    assert "kid" not in evaluator(metrics).score(as_generated(TRAIN.data), final=False)
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


def test_a_damaged_cache_is_rebuilt(tmp_path: Path) -> None:
    fakes = as_generated(TRAIN.data)
    first = evaluator(cache=tmp_path).score(fakes, final=True)
    (path,) = tmp_path.glob("*.safetensors")
    data = bytearray(path.read_bytes())
    data[-100] ^= 255
    path.write_bytes(bytes(data))
    with pytest.warns(RuntimeWarning, match="computed again"):
        assert evaluator(cache=tmp_path).score(fakes, final=True) == first


def test_vectors_need_no_extractor() -> None:
    mixture = Mixture(means=torch.eye(2), sigma=0.1)
    reference = Samples(data=torch.eye(2).repeat(50, 1))
    score = evaluator({"modes": Modes()}, reference=reference, mixture=mixture)
    assert score.score(torch.eye(2).repeat(10, 1), final=True) == {"modes": 2.0}
    with pytest.raises(NonFiniteSamples):
        score.score(torch.full((4, 2), float("nan")), final=True)


def test_training_mode_of_others_is_none_of_its_business() -> None:
    network = nn.Dropout().train()
    evaluator().score(as_generated(TRAIN.data), final=False)
    assert network.training
