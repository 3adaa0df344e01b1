"""Datasets without a test split or without names of classes are right, and what is wrong with them is caught; so is
what has not the form of the contract.
"""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganbench.api import Mixture, Samples
from ganbench.errors import DataError
from ganbench.testing import check
from tests.kit import assert_caught, failed, outcome_of
from tests.kit.components import RightData


class TrainOnly(RightData):
    """Right: has no test split, and says that fakes are compared with train."""

    reference_split = "train"

    def load(self, split: str, *, root: Path) -> Samples:
        if split != "train":
            raise DataError("there is only train")
        return super().load(split, root=root)


class TrainOnlyUnsaid(TrainOnly):
    """Says nothing, so that every run looks for its test split."""

    reference_split = "test"


class TrainOnlyHashed(TrainOnly):
    """Ordered by the hashes of words, which are others in each process."""

    def points(self, split: str) -> Tensor:
        return super().points(split)[sorted(range(300), key=lambda number: hash(f"sample {number}"))]


class Nowhere(TrainOnly):
    """Its files are missing altogether."""

    def load(self, split: str, *, root: Path) -> Samples:
        raise DataError("no such file")


class Unnamed(RightData):
    """Right: classes without names."""

    labels: tuple[int, int] = (2, 2)

    def load(self, split: str, *, root: Path) -> Samples:
        data = super().load(split, root=root).data
        highest = self.labels[split == "test"]
        return Samples(data=data, labels=torch.arange(len(data)) % (highest + 1))


class UnnamedBeyond(Unnamed):
    """The test split has a class that train has not."""

    labels = (2, 3)


class NamedOnce(Unnamed):
    """Names its classes in one split alone."""

    def load(self, split: str, *, root: Path) -> Samples:
        found = super().load(split, root=root)
        return Samples(data=found.data, labels=found.labels, classes=("a", "b", "c") if split == "train" else ())


class NumpyArray(RightData):
    """A numpy array in the place of the tensor."""

    def load(self, split: str, *, root: Path) -> Samples:
        return Samples(data=self.points(split).numpy())  # type: ignore[arg-type]


class OneName(RightData):
    """Its default metrics are a text, as the parentheses of one name make none."""

    metrics = "modes"  # type: ignore[assignment]


class Unscored(RightData):
    """Leaves its metrics to whoever runs it."""

    metrics = ()


class ModesElsewhere(RightData):
    """Its modes have one number more than its samples."""

    def mixture(self) -> Mixture:
        return Mixture(means=torch.eye(4), sigma=0.05)


WRONG: list[tuple[type, str, str]] = [
    (UnnamedBeyond, "labels", "the labels of 'test' go from 0 to 3, but there are 3 classes"),
    (NamedOnce, "labels", "the classes of 'train' are a, b, c, but those of 'test' are without names"),
    (TrainOnlyHashed, "another-process", "the split 'train' differs in another process"),
    (NumpyArray, "samples", "the data of the split 'train' is ndarray, not a torch tensor; use torch.from_numpy()"),
    (OneName, "defaults", "declares metrics = 'modes'; it must be a tuple of names, such as ('modes',)"),
    (Unscored, "defaults", "it names no metrics; a run that leaves them to the dataset would score nothing"),
    (ModesElsewhere, "mixture", "its means have shape (4, 4), not (modes, 3)"),
]


@pytest.mark.parametrize(("component", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_component_is_caught_by_name(component: type, name: str, words: str) -> None:
    assert_caught(component, name, words)


def test_a_dataset_is_what_its_author_says_it_is() -> None:
    told = {"shape": (3,), "counts": {"train": 300, "test": 300}}
    assert outcome_of("samples", RightData, **told).status == "ok"
    assert_caught(RightData, "samples", "its shape is (3,), expected (2,); it is another dataset", shape=(2,))
    fewer = {"train": 300, "test": 299}
    assert_caught(RightData, "samples", "'test': 300}, expected {'train': 300, 'test': 299}", counts=fewer)


def test_a_dataset_without_a_test_split_is_held_by_train_alone() -> None:
    outcomes = {outcome.check: outcome for outcome in check(TrainOnly)}
    assert failed(list(outcomes.values())) == {}
    assert outcomes["samples"].message == "300 to train and no split to test, 3"
    assert outcomes["disjoint"].message == "there is no split 'test' here (there is only train)"
    for name in ("labels", "repeatable", "another-process", "defaults", "mixture"):
        assert outcomes[name].status == "ok", outcomes[name]


def test_what_a_dataset_has_not_is_told_apart() -> None:
    unsaid, nowhere = (outcome_of("samples", dataset) for dataset in (TrainOnlyUnsaid, Nowhere))
    assert unsaid.status == nowhere.status == "skipped"
    assert unsaid.message == (
        "there is no split 'test' here (there is only train); a dataset without one must set reference_split = 'train'"
    )
    assert nowhere.message == "its files are not here: no such file"


def test_classes_need_no_names() -> None:
    assert failed(check(Unnamed, skip={"another-process": "it takes seconds, and is not what is asked here"})) == {}
    assert outcome_of("labels", Unnamed).status == "ok"


class NotALocation(RightData):
    """Reads from a folder that it does not declare as the place of its samples."""

    def __init__(self, path: str = "", other: str = "elsewhere") -> None:
        self.path = path

    def load(self, split: str, *, root: Path) -> Samples:
        return Samples(data=self.points(split), files=(str(Path(self.path, "points.bin").resolve()),))


class Location(NotALocation):
    """The same, declared."""

    locations = ("path",)


def test_a_parameter_that_says_where_the_samples_lie_is_to_be_declared(tmp_path: Path) -> None:
    given = {"path": str(tmp_path), "other": str(tmp_path / "beside")}
    assert_caught(NotALocation, "locations", "declare locations = ('path',)", parameters=given)
    assert outcome_of("locations", Location, parameters=given).status == "ok"
    assert outcome_of("locations", NotALocation).status == "skipped"


class Variant(RightData):
    """Reads one of several folders below that of data files."""

    def __init__(self, variant: str = "") -> None:
        self.variant = variant

    def load(self, split: str, *, root: Path) -> Samples:
        return Samples(data=self.points(split), files=(str(Path(root, self.variant, "points.bin").resolve()),))


def test_a_name_below_the_folder_of_data_files_is_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for root in (".", str(tmp_path), "data"):
        assert outcome_of("locations", Variant, parameters={"variant": "digits"}, root=root).status == "skipped"


class FewLevels(RightData):
    """Images of 16 levels, which nobody scaled."""

    def load(self, split: str, *, root: Path) -> Samples:
        levels = super().load(split, root=root).data.abs().clamp(max=1) * 15
        return Samples(data=levels.to(torch.uint8).reshape(-1, 1, 3, 1))


def test_images_of_few_levels_are_too_dark() -> None:
    assert_caught(FewLevels, "samples", "no pixel of the split 'train' is above 15 (levels of few bits")
