"""The classes that samples from elsewhere were asked for, and which choice of labels their shares are."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.api import Samples
from ganbench.errors import DataError
from ganbench.evaluation.classes import class_names, find_class, read_classes, shares_of
from ganbench.files import digest
from ganbench.spec import Labels

NAMES = ("cat", "dog", "1999")


def images(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(path / name)
    return path


def packed(path: Path) -> Path:
    """A folder in a .zip of it, with the folder's own name around everything."""
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        for file in sorted(path.rglob("*.*")):
            archive.write(file, str(Path(path.name) / file.relative_to(path)))
    return path.with_suffix(".zip")


def found(path: Path, names: tuple[str, ...] = NAMES) -> list[int] | None:
    labels = read_classes(path, "images", names)
    return None if labels is None else labels.tolist()


def test_folders_name_classes_or_number_them(tmp_path: Path) -> None:
    path = images(tmp_path / "fakes", "dog/b.png", "cat/a.png", "1999/c/d.png", "1999/e.png")
    assert found(path) == [2, 2, 0, 1]  # in the order of the names of the files
    assert found(packed(path)) == [2, 2, 0, 1]
    numbered = images(tmp_path / "numbered", "2/a.png", "0/a.png", "001/a.png")
    assert found(numbered) == [0, 1, 2]
    assert found(numbered, ("2", "0", "001")) == [1, 2, 0], "a name that is a number is a name"


def test_a_class_may_be_missing_and_does_not_shift_the_others(tmp_path: Path) -> None:
    assert found(images(tmp_path / "fakes", "dog/a.png", "1999/a.png")) == [2, 1]


def test_images_outside_of_folders_have_no_classes(tmp_path: Path) -> None:
    assert found(images(tmp_path / "flat", "a.png", "b.png")) is None
    assert found(images(tmp_path / "some", "cat/a.png", "b.png")) is None


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            ("cat/a.png", "bird/a.png"),
            r"the folder bird is no class .*; .* \(cat, dog, 1999\) or by .* 0 to 2",
        ),
        (("cat/a.png", "3/a.png"), "the folder 3 is no class"),
        (("cat/a.png", f"{'9' * 200}/a.png"), "is no class"),
        (("cat/a.png", "0/a.png"), "two folders of one class, by its name and by its number; keep one of them"),
    ],
)
def test_other_folders_are_refused(tmp_path: Path, names: Sequence[str], words: str) -> None:
    with pytest.raises(DataError, match=words) as refused:
        found(images(tmp_path / "fakes", *names))
    assert "\n" not in str(refused.value)


def test_of_many_classes_some_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\(c0, c1, c2, c3, c4, \.\.\.\) or by their numbers from 0 to 99"):
        found(images(tmp_path / "fakes", "x/a.png", "c1/a.png"), tuple(f"c{number}" for number in range(100)))


def test_a_file_of_labels_counts_more_than_folders(tmp_path: Path) -> None:
    path = images(tmp_path / "fakes", "00000/a.png", "00000/b.png", "00001/c.png")
    for label, wanted in ((2, [1, 0, 2]), (3, None)):
        pairs = [["00000/a.png", 1], ["00000/b.png", 0], ["00001/c.png", label]]
        (path / "dataset.json").write_text(json.dumps({"labels": pairs}))
        if wanted:
            assert found(path) == wanted
        else:
            with pytest.raises(DataError, match=r"dataset\.json has the class number 3, but .* the classes 0 to 2"):
                found(path)
    (path / "dataset.json").write_text('{"labels": null}')
    assert found(path) is None


def test_an_array_has_the_numbers_beside_it(tmp_path: Path) -> None:
    data = np.zeros((3, 2), np.float32)
    np.save(tmp_path / "a.npy", data)
    assert read_classes(tmp_path / "a.npy", "array", NAMES) is None
    np.savez(tmp_path / "a.npz", samples=data, labels=[2, 0, 1])
    labels = read_classes(tmp_path / "a.npz", "array", NAMES)
    assert labels is not None
    assert labels.tolist() == [2, 0, 1]
    np.savez(tmp_path / "a.npz", samples=data, labels=[2, 0, 3])
    with pytest.raises(DataError, match=r"a\.npz has the class number 3, but the reference has the classes 0 to 2"):
        read_classes(tmp_path / "a.npz", "array", NAMES)


def of(*counts: int, classes: tuple[str, ...] = NAMES) -> Samples:
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return Samples(data=torch.zeros(len(labels), 1), labels=labels, classes=classes)


def test_classes_without_names_are_called_by_their_numbers() -> None:
    assert class_names(of(1, 2, 3)) == NAMES
    assert class_names(of(1, 2, 3, classes=())) == ("0", "1", "2")


@pytest.mark.parametrize(
    ("counts", "reference", "wanted", "shares"),
    [
        ((10, 20, 30), (10, 20, 30), None, "reference"),
        ((5, 10, 15), (10, 20, 30), None, "reference"),
        ((20, 20, 20), (10, 20, 30), None, "balanced"),
        ((21, 20, 21), (10, 20, 30), "reference", "balanced"),
        ((20, 20, 20), (10, 10, 10), None, "reference"),
        ((20, 20, 20), (10, 10, 10), "balanced", "balanced"),
    ],
)
def test_equal_shares_are_those_of_a_choice(
    counts: tuple[int, ...], reference: tuple[int, ...], wanted: Labels | None, shares: Labels
) -> None:
    labels = of(*counts).labels
    assert labels is not None
    assert shares_of(labels, of(*reference), wanted) == (shares, "")


RANDOM, EQUAL = "as if drawn at random from the reference's shares", "as if drawn at random from equal shares"


@pytest.mark.parametrize(
    ("counts", "reference", "wanted", "words"),
    [
        ((22, 20, 20), (10, 20, 30), "balanced", EQUAL),
        ((22, 20, 20), (10, 20, 30), None, EQUAL),
        ((10, 20, 31), (10, 20, 30), "reference", RANDOM),
        ((22, 20, 20), (31, 29, 30), None, RANDOM),
        ((22, 20, 20), (31, 29, 30), "balanced", EQUAL),
        ((20, 20), (10, 20, 30), None, "in shares of 0.0 % to 50.0 % of a class, " + digest([1, 1, 0])[:8]),
        ((40, 40), (10, 20, 30), None, "in shares of 0.0 % to 50.0 % of a class, " + digest([1, 1, 0])[:8]),
        ((70, 20, 10), (50, 50, 0), None, "in shares of 10.0 % to 70.0 % of a class, " + digest([7, 2, 1])[:8]),
        ((50, 49, 1), (50, 50, 0), None, "in shares of 1.0 % to 50.0 % of a class, " + digest([50, 49, 1])[:8]),
        # Of three classes, a chi-square of two degrees of freedom above 13.816 has a probability below 0.001.
        ((126, 74, 100), (10, 20, 30), None, EQUAL),
        ((127, 73, 100), (10, 20, 30), None, "in shares of 24.3 % to 42.3 % of a class, " + digest([127, 73, 100])[:8]),
        ((70, 10, 20), (50, 50, 0), None, "in shares of 10.0 % to 70.0 % of a class, " + digest([7, 1, 2])[:8]),
    ],
)
def test_other_shares_are_said(
    counts: tuple[int, ...], reference: tuple[int, ...], wanted: Labels | None, words: str
) -> None:
    """Those of random labels differ from set to set and are one protocol; all others are exact, by a hash."""
    labels = of(*counts).labels
    assert labels is not None
    assert shares_of(labels, of(*reference), wanted) == ("own", words)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((10, 20, 30), RANDOM),
        ((20, 20, 20), EQUAL),
        ((30, 1, 10), "drawn at random from shares of 2.4 % to 73.2 % of a class, " + digest([30, 1, 10])[:8]),
    ],
)
def test_of_a_random_part_the_shares_are_those_it_is_drawn_from(counts: tuple[int, ...], words: str) -> None:
    labels = of(*counts).labels
    assert labels is not None
    assert shares_of(labels, of(10, 20, 30), None, drawn=True) == ("own", words)


def test_random_labels_are_taken_for_others_in_one_of_a_thousand_sets() -> None:
    stream = torch.Generator().manual_seed(0)
    reference = of(50, 100, 150, 200)
    assert reference.labels is not None
    told = []
    for _ in range(2000):
        chosen = torch.randint(len(reference), (1000,), generator=stream)
        told.append(shares_of(reference.labels[chosen], reference, None)[1])
    assert 0 <= sum(words != RANDOM for words in told) <= 8


@pytest.mark.parametrize(
    ("text", "found"), [("1999", 1), ("cat", 0), ("2", 2), ("3", None), ("-1", None), ("dog", None), ("9" * 5000, None)]
)
def test_a_class_is_meant_by_its_name_before_its_number(text: str, found: int | None) -> None:
    assert find_class(text, ("cat", "1999", "1"), 3) == found
    assert find_class("1", ("cat", "1999", "1"), 3) == 2
