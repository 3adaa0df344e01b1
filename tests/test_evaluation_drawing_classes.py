"""Whose samples are drawn: a class by its name where the dataset has names, by its number else."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

import ganbench
from ganbench.datasets.digits import Digits
from ganbench.errors import GanbenchError, UsageError
from ganbench.evaluation.drawing import labels_to_draw
from ganbench.records.folder import TrialFolder
from ganbench.spec import TrialFile

NAMES = ("1", "2019", "cat")
"""As the folder's classes are numbered: names that are numbers are names, whatever their number is."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images in class folders, and a conditional trial of it."""
    place = tmp_path_factory.mktemp("classes")
    images = Digits().load("train", root=Path()).data
    for index in range(60):
        path = place / "photos" / NAMES[index % 3] / f"{index:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[index, 0].numpy()).save(path)
    ganbench.run(
        losses="hinge", architectures="mlp[hidden=16,layers=1,condition=projection]", steps=2, batch_size=8,
        datasets=f"folder:{place / 'photos'}", extractor="digits", metrics="fid", device="cpu", quiet=True,
        out=place / "runs",
    )  # fmt: skip
    return place


def trial_of(place: Path) -> TrialFile:
    (path,) = place.glob("runs/hinge-*")
    return TrialFolder(path).read_spec()


def drawn(trial: TrialFile, wanted: str | None, said: list[str]) -> list[int]:
    labels = labels_to_draw(trial, 4, wanted, said.append)
    assert labels is not None
    return labels.tolist()


def test_a_class_goes_by_its_name_before_its_number(photos: Path) -> None:
    trial, said = trial_of(photos), list[str]()
    assert drawn(trial, None, said) == [0, 1, 2, 0]
    for wanted, number in (("cat", 2), ("2019", 1), ("1", 0), ("0", 0), ("2", 2)):
        assert drawn(trial, wanted, said) == [number] * 4
    assert said == []


def test_what_is_no_class_is_refused_with_the_names(photos: Path) -> None:
    with pytest.raises(UsageError, match=r"--class cats: .* has the classes 0 to 2; did you mean 'cat'\?"):
        drawn(trial_of(photos), "cats", [])
    with pytest.raises(UsageError, match=r"--class 3: .* has the classes 0 to 2$"):
        drawn(trial_of(photos), "3", [])
    with pytest.raises(UsageError, match="has the classes 0 to 2"):
        drawn(trial_of(photos), "\N{ARABIC-INDIC DIGIT TWO}", [])


def test_without_the_data_a_number_is_a_number_and_said_to_be(photos: Path) -> None:
    trial, said = trial_of(photos), list[str]()
    shutil.move(photos / "photos", photos / "elsewhere")
    try:
        assert drawn(trial, "1", said) == [1] * 4
        assert len(said) == 1
        assert said[0].startswith("--class 1 is read as a number, because the names of the classes cannot be read: ")
        with pytest.raises(GanbenchError, match="photos") as refused:
            drawn(trial, "cat", said)
        assert "has the classes" not in str(refused.value)  # which nobody knows
    finally:
        shutil.move(photos / "elsewhere", photos / "photos")
