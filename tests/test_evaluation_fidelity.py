"""The numbers are torch-fidelity's: ``ganbench eval`` on a folder against ``calculate_metrics`` on that folder."""

from pathlib import Path

import pytest
import torch
import torch_fidelity
from PIL import Image
from torch import Tensor

from ganbench import plugins
from ganbench.api import Dataset, Samples
from ganbench.datasets.digits import Digits
from ganbench.datasets.idx import MNIST
from ganbench.datasets.stacked import StackedDigits
from ganbench.evaluation.evaluator import Evaluator
from ganbench.extractors import register_with_torch_fidelity
from ganbench.extractors.embedded import Digits as DigitsExtractor
from ganbench.metrics.fid import FID
from ganbench.metrics.inception_score import InceptionScore
from ganbench.metrics.kid import KID
from ganbench.metrics.precision_recall import PrecisionRecall
from ganbench.planning.given import to_request
from ganbench.records.folder import TrialFolder
from ganbench.resolving.sources import answer
from ganbench.spec import Execution, TrialFile
from ganbench.store.results import read_row
from ganbench.trial import run_trial
from tests.inception import random_weights, varied_images

NAMES = {
    "fid": "frechet_inception_distance",
    "is": "inception_score_mean",
    "is_std": "inception_score_std",
    "kid": "kernel_inception_distance_mean",
    "kid_std": "kernel_inception_distance_std",
    "precision": "precision",
    "recall": "recall",
    "f_score": "f_score",
}


def write(path: Path, images: Tensor) -> Path:
    path.mkdir()
    for index, image in enumerate(images):
        pixels = image[0] if len(image) == 1 else image.permute(1, 2, 0)
        Image.fromarray(pixels.numpy()).save(path / f"{index:05d}.png")
    return path


def noisy(images: Tensor, sigma: float) -> Tensor:
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(1)) * sigma
    return (images + noise).round().clamp(0, 255).to(torch.uint8)


def ours(fakes: Path, reals: Path, extractor: str, out: Path, kid: str) -> dict[str, float | None]:
    """What ``ganbench eval`` does between its planning and its table, in this process."""
    request = to_request(
        [fakes], plugins.load().registry, against=str(reals), extractor=extractor, device="cpu",
        metrics=["fid", "is", kid, "precision-recall"],
    )  # fmt: skip
    found = answer(request)
    assert found.error == ""
    (planned,) = found.planned
    folder = TrialFolder(out / planned.spec.trial_id)
    folder.path.mkdir(parents=True)
    execution = Execution(source_path=planned.source, data_at=planned.data_at, cache_dir=str(out / "cache"))
    folder.write_spec(TrialFile(trial_id=planned.spec.trial_id, spec=planned.spec, execution=execution))
    assert run_trial(folder) == "done", folder.read_status()
    return dict(read_row(folder).metrics)


def theirs(fakes: Path, reals: Path, extractor: str, subset: int, **options: object) -> dict[str, float]:
    found: dict[str, float] = torch_fidelity.calculate_metrics(
        input1=str(fakes), input2=str(reals), feature_extractor=extractor, fid=True, isc=True, kid=True, prc=True,
        kid_subset_size=subset, cuda=False, cache=False, verbose=False, **options,
    )  # fmt: skip
    return found


def compare(one: dict[str, float | None], other: dict[str, float]) -> None:
    for name, key in NAMES.items():
        assert one[name] == pytest.approx(other[key], rel=1e-5, abs=1e-12), name


@pytest.mark.parametrize(
    ("dataset", "extractor"),
    [
        (Digits(), "digits"),
        pytest.param(StackedDigits(count=1000, count_test=1000), "stacked-digits", marks=pytest.mark.slow),
        pytest.param(MNIST(download=False), "mnist", marks=pytest.mark.slow),
    ],
)
def test_the_embedded_extractors(
    dataset: Dataset, extractor: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    root = request.getfixturevalue("shared_data") if extractor == "mnist" else Path()
    register_with_torch_fidelity()
    fakes = write(tmp_path / "fakes", noisy(dataset.load("train", root=root).data[:600], 24))
    reals = write(tmp_path / "reals", dataset.load("test", root=root).data[:500])
    found = ours(fakes, reals, extractor, tmp_path / "runs", "kid[subset_size=200]")
    assert 0.01 < (found["fid"] or 0) < 50
    compare(found, theirs(fakes, reals, f"ganbench-{extractor}", 200))


@pytest.mark.slow
def test_an_inception_state_dict_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights: this is about the plumbing, resizing, channels, layers, dtype; the numbers mean nothing."""
    weights = random_weights(tmp_path / "inception.pth")
    monkeypatch.setenv("GANBENCH_INCEPTION_WEIGHTS", str(weights))
    images = varied_images(28)
    fakes, reals = write(tmp_path / "fakes", images[:14]), write(tmp_path / "reals", images[14:])
    found = ours(fakes, reals, "inception", tmp_path / "runs", "kid[subset_size=10]")
    # The weights tell images apart: features that are all alike would agree whatever is done to the images.
    assert (found["fid"] or 0) > 1
    assert (found["is"] or 0) > 1.01  # of splits of one or two images
    compare(found, theirs(fakes, reals, "inception-v3-compat", 10, feature_extractor_weights_path=str(weights)))


def test_the_severities_of_the_embedded_extractor_come_out_in_order() -> None:
    """From real digits to one image repeated: what each metric must see, and what it is known not to."""
    train, test = (Digits().load(split, root=Path()) for split in ("train", "test"))
    assert train.labels is not None
    n = len(test)
    images, labels = train.data[:n], train.labels[:n]
    stream = torch.Generator().manual_seed(0)

    def repeated(chosen: Tensor) -> Tensor:
        return chosen[torch.arange(n) % len(chosen)]

    cases = {
        "real": images,
        "noise 8": noisy(images, 8),
        "noise 32": noisy(images, 32),
        "noise 128": noisy(images, 128),
        "uniform": torch.randint(0, 256, images.shape, generator=stream, dtype=torch.uint8),
        "nine digits": repeated(images[labels != 9]),
        "three digits": repeated(images[labels < 3]),
        "ten images": repeated(torch.stack([images[labels == digit][0] for digit in range(10)])),
        "one image": repeated(images[:1]),
    }
    evaluator = Evaluator(
        reference=Samples(data=test.data),
        mixture=None,
        metrics={"fid": FID(groups=0), "is": InceptionScore(), "kid": KID(subsets=20), "pr": PrecisionRecall()},
        extractor=DigitsExtractor(),
        device=torch.device("cpu"),
        cache=None,
    )
    found = {name: evaluator.score_real(Samples(data=data)) for name, data in cases.items()}
    for metric in ("fid", "kid"):
        noise = [found[name][metric] for name in ("real", "noise 8", "noise 32", "noise 128", "uniform")]
        assert noise == sorted(noise)
        lost = [found[name][metric] for name in ("real", "nine digits", "ten images", "three digits", "one image")]
        assert lost[0] < lost[1] < min(lost[2:])
        assert max(lost) == lost[-1]
        # Noise that hardly shows is hardly seen.
        real, faint, plain = (found[name][metric] for name in ("real", "noise 8", "noise 32"))
        assert faint - real < 0.25 * (plain - real)
    scores = [found[name]["is"] for name in ("real", "noise 32", "noise 128", "uniform", "one image")]
    assert scores == sorted(scores, reverse=True)
    assert found["one image"]["is"] == pytest.approx(1.0, abs=1e-6)
    precision = [found[name]["precision"] for name in ("real", "noise 32", "noise 128", "uniform")]
    assert precision == sorted(precision, reverse=True)
    recall = [found[name]["recall"] for name in ("real", "nine digits", "three digits", "ten images", "one image")]
    assert recall == sorted(recall, reverse=True)
    assert recall[-2] < 0.05
    assert recall[-1] == 0
    # Known blind spots, which is why recall stands beside them.
    assert found["ten images"]["is"] > 0.8 * found["real"]["is"]
    assert found["three digits"]["precision"] > 0.8
    assert found["one image"]["precision"] > 0.9
