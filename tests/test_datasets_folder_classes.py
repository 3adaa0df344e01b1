"""folder:PATH: which folders are classes, in which order, and which are splits by another name."""

import json
import zipfile
from pathlib import Path

import pytest

from ganbench.datasets.folder import Folder, in_order
from tests.pictures import NOWHERE, picture, refused, zipped


@pytest.mark.parametrize(
    "names", [("train", "val"), ("train", "valid"), ("training", "test"), ("Train", "Test"), ("train", "test", "val")]
)
def test_other_splits_are_no_classes(names: tuple[str, ...], tmp_path: Path) -> None:
    for count, name in enumerate(names, start=1):
        for number in range(count):
            picture(tmp_path / "set" / name / "cat" / f"{number}.png", number)
    for path in (tmp_path / "set", zipped(tmp_path / "set")):
        message = refused(path)
        assert message.startswith(f"{path} has ")
        for count, name in enumerate(names, start=1):
            assert f"{name}/ ({count} image{'' if count == 1 else 's'})" in message
        assert "which are splits, not classes; give the path of one of them" in message
        assert f"such as {names[0]} in it" in message
    assert f"such as set/{names[0]} in it" in refused(zipped(tmp_path / "set", wrapped=True))


def test_a_class_may_be_called_as_a_split_is(tmp_path: Path) -> None:
    for name in ("bus", "train"):
        picture(tmp_path / name / "1.png")
    assert Folder(path=str(tmp_path)).load("train", root=NOWHERE).classes == ("bus", "train")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("0", "1", "10", "2"), ("0", "1", "2", "10")),
        (("007", "10", "7"), ("007", "7", "10")),
        (("1", "10", "2", "x"), ("1", "10", "2", "x")),
        (("1" + "0" * 5000, "9"), ("9", "1" + "0" * 5000)),
        (("²", "10"), ("10", "²")),
    ],
)
def test_numbered_classes_are_in_the_order_of_their_numbers(names: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert in_order(set(names)) == expected


def test_class_numbers_are_the_numbers_of_their_folders(tmp_path: Path) -> None:
    for number in range(12):
        picture(tmp_path / str(number) / "1.png", number)
    samples = Folder(path=str(tmp_path)).load("train", root=NOWHERE)
    assert samples.labels is not None
    assert samples.labels.tolist() == samples.data[:, 0, 0, 0].tolist()
    assert samples.classes == tuple(map(str, range(12)))


def test_the_slash_that_a_name_in_a_zip_begins_with_is_no_class(tmp_path: Path) -> None:
    def packed(*names: str) -> Folder:
        path = tmp_path / "set.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for number, name in enumerate(names):
                picture(tmp_path / "one.png", number)
                archive.writestr(name, (tmp_path / "one.png").read_bytes())
        return Folder(path=str(path))

    loose = packed("/y.png", "cat/1.png", "cat/2.png").load("train", root=NOWHERE)
    assert (loose.labels, loose.classes) == (None, ())
    some = packed("/cat/1.png", "dog/1.png", "/dog/2.png").load("train", root=NOWHERE)
    assert some.labels is not None
    assert (some.classes, sorted(some.labels.tolist())) == (("cat", "dog"), [0, 1, 1])
    splits = packed("/train/cat/1.png", "/train/dog/1.png", "/test/cat/1.png", "/test/dog/1.png")
    assert splits.reference_split == "test"
    assert splits.load("test", root=NOWHERE).classes == ("cat", "dog")


def stylegan(path: Path, labels: object) -> Path:
    """Twelve images in two sub-folders, as dataset_tool writes them; the level of red is the image's number."""
    for number in range(12):
        picture(path / f"{number // 8:05}" / f"img{number:08}.png", number)
    (path / "dataset.json").write_text(json.dumps({"labels": labels}))
    return path


def test_a_file_of_labels_holds_them(tmp_path: Path) -> None:
    labels = [[f"{number // 8:05}/img{number:08}.png", number % 3] for number in range(12)]
    path = stylegan(tmp_path / "set", labels)
    for place in (path, zipped(path), zipped(path, wrapped=True)):
        samples = Folder(path=str(place)).load("train", root=NOWHERE)
        assert samples.labels is not None
        assert samples.labels.tolist() == [number % 3 for number in range(12)]
        assert samples.classes == ("0", "1", "2")
        train, test = (Folder(path=str(place), holdout=0.5).load(split, root=NOWHERE) for split in ("train", "test"))
        assert train.labels is not None
        assert train.labels.tolist() == [level % 3 for level in train.data[:, 0, 0, 0].tolist()]
        assert train.classes == test.classes == ("0", "1", "2")
    assert str(path / "dataset.json") in Folder(path=str(path)).load("train", root=NOWHERE).files
    stylegan(path, None)
    for place in (path, zipped(path)):
        samples = Folder(path=str(place)).load("train", root=NOWHERE)
        assert (samples.labels, samples.classes) == (None, ())
    stylegan(path, labels[1:])
    assert "has no label for 00000/img00000000.png" in refused(path)
