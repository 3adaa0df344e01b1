"""What a source is taken for and what is refused of it, and which data are those that a trial was planned with."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Samples
from ganbench.errors import ChangedSincePlanning, DataError, StoreError
from ganbench.evaluation.saved import SavedGenerator
from ganbench.evaluation.sources import kind_of, label_of, open_given, open_trial, reopen, same_samples, unsaid
from ganbench.files import file_sha256
from ganbench.plan import SourceRequest
from ganbench.records.folder import TrialFolder
from ganbench.spec import DataSpec, Scalar
from ganbench.trial import run_trial
from tests.pictures import picture
from tests.trials import component
from tests.workers import MLP, planned

CPU = torch.device("cpu")
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore:.*torch.jit:DeprecationWarning")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("s.ZIP", "images"), ("g.PT2", "exported"), ("s.npy", "array"), ("s.NPZ", "array"), ("s.pth", "array")],
)
def test_what_a_file_holds_is_told_by_its_name(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).touch()
    assert kind_of(tmp_path / name) == kind
    assert kind_of(tmp_path) == "images"
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "spec.json").touch()
    with pytest.raises(DataError, match=r"is a folder of trials; name the trials to score, e\.g\. .*/trial$"):
        kind_of(tmp_path)


@pytest.mark.parametrize("name", ["g.pt", "g.pth", "g.PT"])
def test_a_program_is_told_from_an_array_by_what_it_holds(tmp_path: Path, name: str) -> None:
    torch.save(torch.zeros(2, 2), tmp_path / name)
    assert kind_of(tmp_path / name) == "array"
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("g/code/__torch__.py", "")
    assert kind_of(tmp_path / name) == "torchscript"


def test_a_row_is_called_by_the_file_and_what_was_done_to_its_images() -> None:
    path = Path("some/faces.zip")
    assert label_of(path, 0, 0) == "faces.zip"
    assert label_of(path, 32, 0) == "faces.zip[size=32]"
    assert label_of(path, 32, 1) == "faces.zip[size=32,channels=1]"
    assert label_of(Path("/"), 0, 0) == "/"


@pytest.mark.parametrize(
    ("name", "said", "words"),
    [
        ("s.npy", {"size": 8}, "--size is for image files, but .*s.npy is an array; leave it out"),
        ("g.pt2", {"size": 8}, "--size is for image files, but .*g.pt2 is a generator; leave it out"),
        ("s.npy", {"latent_dim": 8}, "--latent-dim is for generators, but .*s.npy contains samples; leave it out"),
        ("s.npy", {"latent": "normal"}, "--latent is for generators, but .*s.npy contains samples; leave it out"),
        ("s.zip", {"latent": "uniform"}, "--latent is for generators, but .*s.zip contains samples; leave it out"),
        ("s.zip", {"latent_dim": 8}, "--latent-dim is for generators, but .*s.zip contains samples; leave it out"),
        ("s.npy", {"channels": 3}, "--channels 3: the reference's images have 1; use --channels 1"),
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
        open_given(SourceRequest(path=str(path), **said), (1, 8, 8), CPU)


def test_a_zip_whose_images_are_read_in_part_says_so_of_its_row(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for index, name in enumerate(("0.png", "1.png", "../2.png")):
            picture(tmp_path / "one.png", index, size=(8, 8), mode="L")
            archive.write(tmp_path / "one.png", name)
    given = open_given(SourceRequest(path=str(path), label="mine"), (1, 8, 8), CPU)
    assert given.samples is not None
    assert len(given.samples) == 2
    (warning,) = given.warnings
    assert warning.startswith("'mine': 1 of its 3 image files are left out because their names lead out of the .zip")


def test_samples_are_read_as_they_are_described_and_again_so(tmp_path: Path) -> None:
    array, images = tmp_path / "s.npy", tmp_path / "images"
    np.save(array, np.linspace(0, 1, 4 * 64, dtype=np.float32).reshape(4, 1, 8, 8))
    images.mkdir()
    for number in range(4):
        picture(images / f"{number}.png", 60 * number, mode="L")
    described = {
        SourceRequest(path=str(array), value_range="0:1"): np.rint(255 * np.load(array)).astype(np.uint8),
        SourceRequest(path=str(images), size=8): np.repeat(np.array([0, 60, 120, 180], np.uint8), 64).reshape(
            4, 1, 8, 8
        ),
    }
    for request, levels in described.items():
        given = open_given(request, (1, 8, 8), CPU)
        again = reopen(given.spec, Path(request.path), (1, 8, 8), CPU, unsaid)
        for samples in (given.samples, again):
            assert isinstance(samples, Samples)
            assert np.array_equal(samples.data.numpy(), levels)
    picture(images / "0.png", 1, mode="L")
    with pytest.raises(ChangedSincePlanning, match="images has changed since the run was planned"):
        reopen(given.spec, images, (1, 8, 8), CPU, unsaid)


class Levels(nn.Module):
    """Images from 0 to 1."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(z).view(-1, 1, 8, 8)


class Signed(nn.Module):
    """Images from -1 to 1."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(z).view(-1, 1, 8, 8)


class Shifted(nn.Module):
    """Points that may be asked for by class."""

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return z if labels is None else z + labels[:, None]


class OfClasses(nn.Module):
    """Points that must be."""

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        return z + labels[:, None]


@pytest.fixture
def scripted(tmp_path: Path) -> Any:
    def save(module: nn.Module) -> Path:
        torch.jit.script(module.eval()).save(str(tmp_path / "g.pt"))
        return tmp_path / "g.pt"

    return save


def test_a_generator_is_opened_again_as_it_was_planned_or_not_at_all(scripted: Any) -> None:
    path = scripted(Levels())
    given = open_given(SourceRequest(path=str(path), latent_dim=64, value_range="0:1", label="mine"), (1, 8, 8), CPU)
    assert (given.spec.kind, given.spec.latent_dim, given.spec.value_range) == ("torchscript", 64, "0:1")
    assert given.spec.latent == "normal"
    assert (given.spec.label, given.spec.named, given.samples, given.files) == ("mine", True, None, (str(path),))
    generator = reopen(given.spec, path, (1, 8, 8), CPU, unsaid)
    assert isinstance(generator, SavedGenerator)
    z = torch.randn(3, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(generator(z), 2 * Levels()(z) - 1)
    signed = open_given(SourceRequest(path=str(scripted(Signed())), latent_dim=64), (1, 8, 8), CPU)
    assert signed.spec.value_range == "-1:1", "as it was found to be, for whoever opens it again"
    scripted(Shifted())
    with pytest.raises(ChangedSincePlanning, match=r"g\.pt has changed since the run was planned"):
        reopen(given.spec, path, (1, 8, 8), CPU, unsaid)


@pytest.mark.parametrize(("module", "always"), [(Shifted(), False), (OfClasses(), True)])
def test_a_generator_that_can_do_without_labels_gets_some_where_they_are_wanted(
    scripted: Any, module: nn.Module, always: bool
) -> None:
    request = SourceRequest(path=str(scripted(module)), latent_dim=2, latent="uniform")
    assert open_given(request, (2,), CPU, classes=3).conditional is always
    found = open_given(request, (2,), CPU, classes=3, labelled=True)
    assert (found.conditional, found.spec.latent) == (True, "uniform")
    with pytest.raises(DataError, match="takes labels, but the reference has none"):
        open_given(request, (2,), CPU, labelled=True)
    if not always:
        assert not open_given(request, (2,), CPU).conditional


@pytest.mark.usefixtures("signals_as_before")
def test_a_trial_is_a_source_where_its_samples_are_like_the_references(tmp_path: Path) -> None:
    (folder,) = planned(tmp_path, MLP, dataset="digits", seeds=1, steps=1, every=0)
    assert run_trial(folder) == "done"
    plain = SourceRequest(path=str(folder.path))
    given = open_trial(plain, (1, 16, 16))
    assert (given.spec.kind, given.spec.label) == ("trial", f"vanilla {MLP} of digits")
    assert given.spec.fingerprint == file_sha256(folder.generator)
    recipe = folder.read_spec().spec.recipe
    assert (given.spec.latent_dim, given.spec.latent) == (recipe.latent_dim, recipe.latent)
    assert set(given.files) == {str(folder.generator), str(folder.spec)}
    coloured = plain.model_copy(update={"channels": 3})
    assert open_trial(coloured, (3, 16, 16)).spec.channels == 3
    with pytest.raises(DataError, match="samples of 1x16x16, but the reference has 3x16x16; make them colour with"):
        open_trial(plain, (3, 16, 16))
    with pytest.raises(DataError, match=r"samples of 1x16x16, but the reference has 3x8x8$"):
        open_trial(coloured, (3, 8, 8))
    with pytest.raises(DataError, match="--channels 3: the reference's images have 1"):
        open_trial(coloured, (1, 16, 16))

    generator = reopen(given.spec, folder.path, (1, 16, 16), CPU, unsaid)
    assert isinstance(generator, nn.Module)
    folder.generator.write_bytes(folder.generator.read_bytes()[:-1] + b"x")
    with pytest.raises(ChangedSincePlanning, match="has changed since the run was planned"):
        reopen(given.spec, folder.path, (1, 16, 16), CPU, unsaid)
    with pytest.raises(StoreError, match="generator"):  # while it is planned, and not only when it is scored
        open_trial(plain, (1, 16, 16))


def test_a_trial_whose_generator_takes_labels_is_no_source_for_another_dataset(tmp_path: Path) -> None:
    (folder,) = planned(tmp_path, MLP, dataset="digits", seeds=1, steps=1, every=0)
    trial = folder.read_spec()
    evaluation = trial.spec.evaluation.model_copy(update={"labels": "balanced"})
    spec = trial.spec.model_copy(update={"evaluation": evaluation})
    other = TrialFolder(tmp_path / spec.trial_id)
    other.path.mkdir()
    other.write_spec(trial.model_copy(update={"trial_id": spec.trial_id, "spec": spec}))
    with pytest.raises(DataError, match="has a conditional generator; score it against the dataset that it was"):
        open_trial(SourceRequest(path=str(other.path)), (1, 16, 16))


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
