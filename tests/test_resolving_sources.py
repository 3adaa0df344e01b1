"""What ``ganbench eval`` is given, looked at before anything is written: bad sources are one clear line."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from ganbench import plugins
from ganbench.api import Samples
from ganbench.datasets.digits import Digits
from ganbench.errors import DataError, GanbenchError
from ganbench.evaluation import sources
from ganbench.extractors.embedded import Digits as DigitsExtractor
from ganbench.metrics.inception_score import InceptionScore
from ganbench.plan import PlanAnswer
from ganbench.planning.given import to_request
from ganbench.resolving.sources import answer
from ganbench.spec import TrialSpec

REAL = Digits().load("train", root=Path()).data
COLOUR = torch.randint(0, 256, (120, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def folder(path: Path, images: Tensor) -> Path:
    path.mkdir()
    for index, image in enumerate(images):
        pixels = image[0] if len(image) == 1 else image.permute(1, 2, 0)
        Image.fromarray(pixels.numpy()).save(path / f"{index:04d}.png")
    return path


def ask(*paths: Path, against: str = "digits", **options: Any) -> PlanAnswer:
    return answer(to_request(paths, plugins.load().registry, against=against, device="cpu", **options))


def test_a_folder_its_zip_and_an_array_of_the_same_images_are_the_same_samples(tmp_path: Path) -> None:
    images = folder(tmp_path / "samples", REAL[:120])
    with zipfile.ZipFile(tmp_path / "samples.zip", "w") as archive:
        for path in images.iterdir():
            archive.write(path, f"samples/{path.name}")
    np.save(tmp_path / "samples.npy", REAL[:120].numpy())
    coloured = folder(tmp_path / "rgb", REAL[:120].expand(-1, 3, -1, -1))
    found = ask(images, tmp_path / "samples.zip", tmp_path / "samples.npy", coloured, metrics=["fid"])
    assert found.error == ""
    specs = [planned.spec for planned in found.planned]
    assert len({spec.source.fingerprint for spec in specs if spec.source}) == 1
    assert [spec.loss_label for spec in specs] == ["samples", "samples.zip", "samples.npy", "rgb"]
    assert all(spec.baseline == "external" and spec.evaluation.num_samples == 120 for spec in specs)
    assert str(images / "0000.png") in {stamp.path for stamp in found.files}


def torn(path: Path, images: Tensor) -> Path:
    file = folder(path, images) / "0003.png"
    file.write_bytes(file.read_bytes()[:60])
    return path


def with_text(path: Path, images: Tensor) -> Path:
    (folder(path, images) / "notes.txt").write_text("not an image")
    return path


def two_sizes(path: Path, images: Tensor) -> Path:
    folder(path, images)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(path / "small.png")
    return path


def array(path: Path, values: Tensor) -> Path:
    np.save(path.with_suffix(".npy"), values.numpy())
    return path.with_suffix(".npy")


def text(path: Path) -> Path:
    path.write_text("hello")
    return path


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nowhere": (lambda p: p, "there is no file or folder"),
    "empty": (lambda p: folder(p, REAL[:0]), "contains no images"),
    "one image": (lambda p: folder(p, REAL[:1]), "only one image"),
    "truncated": (lambda p: torn(p, REAL[:9]), "0003.png is a damaged image"),
    "no image": (lambda p: with_text(p, REAL[:9]), "notes.txt is not an image"),
    "mixed sizes": (lambda p: two_sizes(p, REAL[:9]), "differ in size"),
    "another size": (lambda p: folder(p, REAL[:9, :, :8, :8]), "images of 8x8, but the reference has 16x16"),
    "colour": (
        lambda p: folder(p, COLOUR[:9]),
        "has 1; make them grey with --channels 1",
    ),
    "a colour array": (
        lambda p: array(p, COLOUR[:9].permute(0, 2, 3, 1)),
        "has 1x16x16; make them grey with",
    ),
    "nan": (lambda p: array(p, torch.full((9, 1, 16, 16), float("nan"))), "has NaN or infinity in 9 of its 9"),
    "out of range": (lambda p: array(p, torch.full((9, 1, 16, 16), -7.0)), "outside the range -1 to 1"),
    "another shape": (lambda p: array(p, torch.zeros(9, 7)), "has the shape 9x7; it must be Nx1x16x16"),
    "one sample": (lambda p: array(p, REAL[:1]), "contains only one sample, but a score needs many"),
    "no sample": (lambda p: array(p, REAL[:0]), "contains no samples, but a score needs many"),
    "too few for IS": (
        lambda p: array(p, REAL[:5]),
        "metric 'is': 5 samples cannot be cut into 10 splits; 'source.npy' contains no more, so leave the metric out",
    ),
    "another file": (lambda p: text(p.with_suffix(".csv")), "it must be a folder"),
    "torn array": (lambda p: text(p.with_suffix(".npy")), "is not a valid .npy file"),
    "torn zip": (lambda p: text(p.with_suffix(".zip")), "neither a folder nor a valid .zip"),
    "torn export": (lambda p: text(p.with_suffix(".pt2")), "is damaged or is not a torch.export program"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_that_names_it(case: str, tmp_path: Path) -> None:
    make, words = BAD[case]
    path = make(tmp_path / "source")
    found = ask(path)
    assert words in found.error
    assert path.name in found.error or "IS" in case
    assert "\n" not in found.error
    assert not found.planned


def test_the_number_of_samples(tmp_path: Path) -> None:
    path = array(tmp_path / "s", REAL[:300])
    assert ask(path, metrics=["fid"], num_samples=200).planned[0].spec.evaluation.num_samples == 200
    assert (
        "contains 300 samples, but 400 were asked for; set --num-samples to 300 or less"
        in ask(path, metrics=["fid"], num_samples=400).error
    )


def test_a_number_of_samples_that_nobody_scores_is_not_judged(tmp_path: Path) -> None:
    """IS needs ten fakes, and as many of the reference are no fakes."""
    few, many = array(tmp_path / "few", REAL[:9]), array(tmp_path / "many", REAL[9:209])
    assert ask(many, against=str(few), metrics=["is"], extractor="digits").error == ""
    assert "9 samples cannot be cut" in ask(few, against=str(many), metrics=["is"], extractor="digits").error


def test_more_samples_are_advised_only_where_there_are_more(tmp_path: Path) -> None:
    few, many = array(tmp_path / "few", REAL[:9]), array(tmp_path / "many", REAL[9:209])

    def told(source: Path, metric: str, count: int | None = None, against: Path = many) -> str:
        metrics = [metric]
        return ask(source, against=str(against), metrics=metrics, extractor="digits", num_samples=count).error

    assert told(many, "is", 5) == "metric 'is': 5 samples cannot be cut into 10 splits; raise --num-samples"
    assert told(few, "precision-recall[nearest=9]") == (
        "metric 'precision-recall': 9 samples have no 9-th neighbour; 'few.npy' contains no more, so leave the metric "
        "out with --metrics"
    )
    assert told(many, "precision-recall[nearest=9]", against=few) == (
        "metric 'precision-recall': 9 samples have no 9-th neighbour; the reference contains only 9, so leave the "
        "metric out with --metrics"
    )
    assert told(many, "kid[subset_size=10]", against=few) == (
        "metric 'kid': subset_size 10 exceeds the 9 samples; lower it or leave the metric out with --metrics, as the "
        "reference contains only 9"
    )
    # However many fakes are needed, the reference is not what is too small.
    assert told(many, "is[splits=20000]", 5, against=few).endswith("20000 splits; raise --num-samples")


def test_an_extractor_is_read_once_whatever_the_numbers_of_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    sha256 = DigitsExtractor.sha256

    def noted(self: DigitsExtractor) -> str:
        read.append(self.registered_name)
        return sha256(self)

    monkeypatch.setattr(DigitsExtractor, "sha256", noted)
    paths = [array(tmp_path / f"of-{count}", REAL[:count]) for count in (100, 200, 300)]
    found = ask(*paths, metrics=["fid"])
    assert [planned.spec.evaluation.num_samples for planned in found.planned] == [100, 200, 300]
    assert len(read) == 1


def test_a_source_that_changed_after_planning_is_refused(tmp_path: Path) -> None:
    path = array(tmp_path / "s", REAL[:100])
    (planned,) = ask(path, metrics=["fid"]).planned
    assert planned.spec.source is not None
    sources.reopen(planned.spec.source, path, (1, 16, 16), torch.device("cpu"), sources.unsaid)
    np.save(path, REAL[100:200].numpy())
    with pytest.raises(DataError, match="has changed since the run was planned"):
        sources.reopen(planned.spec.source, path, (1, 16, 16), torch.device("cpu"), sources.unsaid)


def test_weights_of_another_network_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = array(tmp_path / "s", REAL[:100].expand(-1, 3, -1, -1))
    reference = str(array(tmp_path / "r", REAL[100:300].expand(-1, 3, -1, -1)))
    monkeypatch.setenv("GANBENCH_INCEPTION_WEIGHTS", str(tmp_path / "nowhere.pth"))
    assert "is not a file; correct it or unset it" in ask(path, against=reference).error
    assert "there is no file or folder" in ask(tmp_path / "typo.zip", against=reference).error
    save_file({"x": torch.zeros(2)}, tmp_path / "other.pth")
    monkeypatch.setenv("GANBENCH_INCEPTION_WEIGHTS", str(tmp_path / "other.pth"))
    assert "other.pth cannot be read as weights of inception (" in ask(path, against=reference).error
    torch.save({"x": torch.zeros(2)}, tmp_path / "wrong.pth")
    monkeypatch.setenv("GANBENCH_INCEPTION_WEIGHTS", str(tmp_path / "wrong.pth"))
    assert "wrong.pth contains the weights of another network than inception (" in ask(path, against=reference).error


def test_a_folder_of_trials_is_no_reference(tmp_path: Path) -> None:
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "spec.json").touch()
    with pytest.raises(GanbenchError, match=r"runs is a folder of trials; name one of them, e\.g\. .*/runs/one$"):
        to_request([tmp_path], plugins.load().registry, against=str(tmp_path / "runs"), device="cpu")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"against": "digitz"}, "is not a dataset, a file or a folder; did you mean 'digits'?"),
        ({"against": None}, "name a reference, e.g. --against"),
        ({"metrics": ["fids"]}, "did you mean 'fid'?"),
        ({"extractor": "digits,mnist"}, "one evaluation uses one extractor"),
        ({"against": "folder:x[size=16|32]"}, "--against must name one reference"),
    ],
)
def test_bad_requests_are_refused_by_the_host(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(GanbenchError) as refused:
        to_request([tmp_path], plugins.load().registry, **{"against": "digits", "device": "cpu", **options})
    assert words in str(refused.value)


def test_a_metric_of_the_labels_of_fakes_is_refused_for_samples_without_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InceptionScore, "needs", ("logits", "fake_labels"))
    path = array(tmp_path / "s", REAL[:100])
    assert "metric 'is' needs the labels of the fakes, but 's.npy' has none" in ask(path, metrics=["is"]).error


def test_labels_of_samples_are_read_where_a_metric_needs_them_and_their_shares_are_told(tmp_path: Path) -> None:
    whole = Digits().load("test", root=Path())
    assert whole.labels is not None
    path = tmp_path / "s.npz"
    np.savez(path, samples=whole.data.numpy(), labels=whole.labels.numpy())

    def planned(**options: Any) -> TrialSpec:
        found = ask(path, **options)
        assert found.error == ""
        return found.planned[0].spec

    plain, labelled = planned(metrics=["fid"]), planned(metrics=["gan-test"])
    assert (plain.evaluation.labels, labelled.evaluation.labels) == ("none", "reference")
    assert plain.source is not None
    assert labelled.source is not None
    assert plain.source.fingerprint == Samples(data=whole.data).fingerprint
    assert labelled.source.fingerprint == Samples(data=whole.data, labels=whole.labels).fingerprint
    assert labelled.evaluation.shares == ""
    part = planned(metrics=["gan-test"], num_samples=500).evaluation
    assert (part.labels, part.shares) == ("own", "as if drawn at random from the reference's shares")
    refused = ask(path, metrics=["gan-test"], labels="balanced").error
    assert refused == "labels balanced: no source is a conditional generator; leave --labels out"
    np.savez(path, samples=whole.data.numpy(), labels=whole.labels.numpy() + 3)
    wrong = ask(path, metrics=["gan-test"]).error
    assert wrong.endswith("has the class number 12, but the reference has the classes 0 to 9; number its classes as "
                          "the reference's")  # fmt: skip
    np.save(tmp_path / "s.npy", whole.data.numpy())
    assert ask(tmp_path / "s.npy", metrics=["gan-test"]).error.endswith(
        "'s.npy' has none; leave the metric out, or keep them with the samples: folders of several classes, a "
        "dataset.json, or labels in a .npz"
    )


class Plain(torch.nn.Module):
    """Makes images in -1 to 1, with a dropout that its mode decides on."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, z: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(torch.tanh(z))
        return dropped.view(-1, 1, 16, 16)


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("training", [True, False])
def test_a_script_that_was_saved_in_training_mode_says_so_in_its_row(tmp_path: Path, training: bool) -> None:
    torch.jit.script(Plain().train(training)).save(str(tmp_path / "g.pt"))
    (planned,) = ask(tmp_path / "g.pt", latent_dim=256, metrics=["fid"]).planned
    said = "'g.pt' was saved in training mode and is scored in eval mode"
    assert (said in planned.warnings) is training


def test_an_extractor_that_nothing_uses_is_refused(tmp_path: Path) -> None:
    points = array(tmp_path, torch.randn(300, 2))
    assert ask(points, against="ring").error == ""
    assert ask(points, against="ring", extractor="digits").error == (
        "extractor 'digits' has no effect, because no metric here uses features; leave --extractor out"
    )
