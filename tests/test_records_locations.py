"""Where samples lie: made absolute, shown by its last name, and told from what a dataset is."""

from pathlib import Path

import pytest

from ganbench.records.locations import absolute, last_name, shown, shown_of
from tests.trials import component


def test_places_are_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    for path in ("d", "./d", "d/", "d/.", str(tmp_path / "d")):
        assert absolute(path) == str(tmp_path / "d")
    assert absolute("~/d") == "/home/me/d"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/photos", "photos"),
        ("/data/photos.zip", "photos.zip"),
        ("photos/train", "photos/train"),
        ("photos/Valid", "photos/Valid"),
        ("/train", "train"),
        ("train", "train"),
        ("/", "/"),
    ],
)
def test_the_last_name_of_a_place(path: str, name: str) -> None:
    assert last_name(path) == name


def test_a_dataset_is_shown_with_the_name_of_its_place() -> None:
    folder = component("folder", label="folder[size=32]")
    assert shown(folder, {"path": "/data/photos"}) == "folder:photos[size=32]"
    assert shown(folder, {"images": "/data/a", "labels": "/data/b.csv"}) == "folder:a,b.csv[size=32]"
    # Trials of before have the place in their names; other datasets have none.
    for label in ("folder:data/photos", "digits"):
        assert shown(component("folder", label=label), {}) == label


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("folder:data/photos[size=32]", "folder:photos[size=32]"),
        ("array:x.npy", "array:x.npy"),
        ("digits", "digits"),
        ("ring[modes=8]", "ring[modes=8]"),
    ],
)
def test_what_was_typed_is_known_by_the_same_name(typed: str, name: str) -> None:
    assert shown_of(typed) == name
