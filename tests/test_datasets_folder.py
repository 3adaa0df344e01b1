"""folder:PATH: labels, splits, sizes, channels, and what is refused before anything trains."""

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganbench.datasets.folder import Folder, held_out, plan_split, without_wrapping
from ganbench.errors import DataError
from tests.pictures import NOWHERE, picture, refused, zipped

SHARED = Path(os.environ.get("GANBENCH_SHARED_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Twenty colour images of two classes; the level of red is the image's number."""
    for number in range(20):
        picture(tmp_path / "pets" / ("cat" if number % 2 else "dog") / f"{number:02}.png", number)
    return tmp_path / "pets"


def test_class_folders_become_labels(pets: Path) -> None:
    samples = Folder(path=str(pets)).load("train", root=NOWHERE)
    assert (samples.data.shape, samples.data.dtype) == ((20, 3, 16, 16), torch.uint8)
    assert samples.data[:, 0, 0, 0].tolist() == [*range(1, 20, 2), *range(0, 20, 2)]
    assert samples.classes == ("cat", "dog")
    assert samples.labels is not None
    assert samples.labels.tolist() == [0] * 10 + [1] * 10
    assert set(samples.files) == {str(pets), *(str(path) for path in pets.rglob("*"))}


def test_a_zip_is_the_same_also_wrapped_in_a_folder(pets: Path) -> None:
    expected = {split: Folder(path=str(pets), holdout=0.3).load(split, root=NOWHERE) for split in ("train", "test")}
    for path in (zipped(pets), zipped(pets, wrapped=True)):
        for split, samples in expected.items():
            found = Folder(path=str(path), holdout=0.3).load(split, root=NOWHERE)
            assert found.fingerprint == samples.fingerprint
            assert found.classes == samples.classes
            assert found.files == (str(path),)


def test_no_labels_without_a_folder_for_each(tmp_path: Path, pets: Path) -> None:
    for number in range(3):
        picture(tmp_path / "flat" / f"{number}.png", number)
    picture(pets / "top.png")
    for path in (tmp_path / "flat", pets):
        samples = Folder(path=str(path)).load("train", root=NOWHERE)
        assert samples.labels is None
        assert samples.classes == ()


def test_all_images_are_trained_on_and_compared_with_by_default(pets: Path) -> None:
    dataset = Folder(path=str(pets))
    assert dataset.reference_split == "train"
    assert "has no test split" in refused(pets, "test")


def test_holdout_makes_a_test_split(pets: Path) -> None:
    dataset = Folder(path=str(pets), holdout=0.4)
    assert dataset.reference_split == "test"
    train, test = (dataset.load(split, root=NOWHERE) for split in ("train", "test"))
    numbers = [samples.data[:, 0, 0, 0].tolist() for samples in (train, test)]
    assert sorted(numbers[0] + numbers[1]) == list(range(20))
    assert len(test) >= 2
    assert train.classes == test.classes == ("cat", "dog")
    assert "too few" in refused(pets, "test", holdout=0.001)


def test_train_and_test_folders_are_the_splits(tmp_path: Path) -> None:
    for split, levels in (("train", range(6)), ("test", range(6, 10))):
        for level in levels:
            picture(tmp_path / "set" / split / ("a" if level % 2 else "b") / f"{level}.png", level)
    picture(tmp_path / "set" / "train" / "c" / "9.png", 9)
    for path in (tmp_path / "set", zipped(tmp_path / "set"), zipped(tmp_path / "set", wrapped=True)):
        dataset = Folder(path=str(path))
        assert dataset.reference_split == "test"
        train, test = (dataset.load(split, root=NOWHERE) for split in ("train", "test"))
        assert (len(train), len(test)) == (7, 4)
        assert train.classes == test.classes == ("a", "b", "c")
        assert test.labels is not None
        assert test.labels.tolist() == [0, 0, 1, 1]
    assert "leave holdout=0.1 out" in refused(tmp_path / "set", holdout=0.1)
    picture(tmp_path / "set" / "more" / "1.png")
    assert "more/1.png is in neither" in refused(tmp_path / "set")


def test_grey_is_kept_where_all_are_grey(tmp_path: Path) -> None:
    for number in range(3):
        picture(tmp_path / f"{number}.png", number * 100, mode="L")
    assert Folder(path=str(tmp_path)).load("train", root=NOWHERE).shape == (1, 16, 16)
    assert Folder(path=str(tmp_path), channels="rgb").load("train", root=NOWHERE).shape == (3, 16, 16)
    picture(tmp_path / "9.png", 200)
    assert Folder(path=str(tmp_path)).load("train", root=NOWHERE).shape == (3, 16, 16)
    for channels in ("gray", "grey"):
        grey = Folder(path=str(tmp_path), channels=channels).load("train", root=NOWHERE)
        assert grey.shape == (1, 16, 16)
        assert grey.data[:, 0, 0, 0].tolist() == [0, 100, 200, round(0.299 * 200)]


def test_mixed_sizes_are_named_or_resized(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", size=(16, 16))
    picture(tmp_path / "b.png", size=(16, 24))
    message = refused(tmp_path)
    for part in (str(tmp_path / "a.png"), "16x16", str(tmp_path / "b.png"), "16x24", "[size=32]"):
        assert part in message
    assert Folder(path=str(tmp_path), size=8).load("train", root=NOWHERE).shape == (3, 8, 8)


def test_images_need_not_be_square(tmp_path: Path) -> None:
    for number in range(2):
        picture(tmp_path / f"{number}.png", size=(10, 6))
    assert Folder(path=str(tmp_path)).load("train", root=NOWHERE).shape == (3, 6, 10)


def test_what_is_refused(tmp_path: Path, pets: Path) -> None:
    assert "there is no folder or .zip" in refused(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".DS_Store").touch()
    assert "contains no images" in refused(tmp_path / "empty")
    picture(tmp_path / "one" / "1.png")
    assert "contains only one image" in refused(tmp_path / "one")
    (pets / "README.md").touch()
    assert f"{pets / 'README.md'} is not an image" in refused(pets)
    (pets / "README.md").unlink()
    damaged = pets / "cat" / "03.png"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    assert f"{damaged} is a damaged image" in refused(pets)
    damaged.write_text("not an image")
    assert f"{damaged} is not an image" in refused(pets)
    with pytest.raises(DataError, match="folder has the splits"):
        Folder(path=str(pets)).load("valid", root=NOWHERE)


def test_a_damaged_entry_of_a_zip_is_named(tmp_path: Path, pets: Path) -> None:
    archive = zipped(pets)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("cat/99.png", b"not an image")
    assert f"{archive}: cat/99.png is not an image" in refused(archive)


def test_a_damaged_path_has_a_reference_split_all_the_same(tmp_path: Path) -> None:
    assert Folder(path=str(tmp_path / "nowhere")).reference_split == "train"


def test_names_in_any_script_and_bytes(tmp_path: Path) -> None:
    for name in ("ü.png", "猫.png", "a b.png"):
        picture(tmp_path / name)
    try:
        os.rename(os.fsencode(tmp_path / "ü.png"), os.fsencode(tmp_path) + b"/\xff.png")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert len(Folder(path=str(tmp_path), holdout=0.0).load("train", root=NOWHERE)) == 3
    (tmp_path / "猫.png").write_bytes(b"")
    assert "猫.png is not an image" in refused(tmp_path)


def test_home_and_relative_paths(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(pets.parent))
    assert Folder(path="~/pets").path == pets
    monkeypatch.chdir(pets.parent)
    assert Folder(path="pets").path == pets


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "its path is missing; write folder:PATH"),
        ({"path": " "}, "its path is missing; write folder:PATH"),
        ({"path": "x", "size": -1}, "size must be 0"),
        ({"path": "x", "size": 3}, "size must be 0"),
        ({"path": "x", "size": 100_000}, "size must be 0"),
        ({"path": "x", "size": 32.5}, "size must be 0"),
        ({"path": "x", "channels": "rgba"}, "channels must be one of"),
        ({"path": "x", "holdout": 1.0}, "holdout must be from 0"),
        ({"path": "x", "holdout": float("nan")}, "holdout must be from 0"),
    ],
)
def test_nonsense_is_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Folder(**parameters)


FILES = st.lists(
    st.lists(st.sampled_from(["a", "b", "train", "x y"]), max_size=3).map("/".join), min_size=1, max_size=12
).map(lambda folders: tuple(sorted({f"{folder}/{n}.png".lstrip("/") for n, folder in enumerate(folders)})))


@given(FILES, st.floats(0, 0.9))
def test_splits_part_the_files_and_keep_their_order(names: tuple[str, ...], holdout: float) -> None:
    train, test = (plan_split(names, split, holdout) for split in ("train", "test"))
    assert sorted(train.names + test.names) == list(names)
    assert train.classes == test.classes
    for plan in (train, test):
        assert list(plan.names) == sorted(plan.names)
        assert plan.labels is None or len(plan.labels) == len(plan.names)
    # A folder around everything changes nothing.
    wrapped = plan_split(tuple(f"outer/{name}" for name in names), "train", holdout)
    assert (wrapped.names, wrapped.labels) == (tuple(f"outer/{name}" for name in train.names), train.labels)


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_holdout_only_adds(name: str, one: float, other: float) -> None:
    if held_out(name.encode("utf-8", "replace").decode(), min(one, other)):
        assert held_out(name.encode("utf-8", "replace").decode(), max(one, other))


def test_holdout_is_about_the_share_asked_for() -> None:
    assert 900 < sum(held_out(f"{number:05}.png", 0.1) for number in range(10_000)) < 1100


def test_wrapping_is_taken_off() -> None:
    assert list(without_wrapping(("x/y/a/1.png", "x/y/b/2.png")).values()) == ["a/1.png", "b/2.png"]
    assert list(without_wrapping(("x/1.png", "2.png")).values()) == ["x/1.png", "2.png"]
    assert without_wrapping(()) == {}


@pytest.mark.slow
@pytest.mark.skipif(
    not (SHARED / "cifar10-train-jpg.zip").is_file(),
    reason=f"no cifar10-train-jpg.zip in {SHARED}; set GANBENCH_SHARED_DATA",
)
def test_fifty_thousand_real_images() -> None:
    samples = Folder(path=str(SHARED / "cifar10-train-jpg.zip")).load("train", root=NOWHERE)
    assert samples.data.shape == (50_000, 3, 32, 32)
    assert samples.labels is not None
    assert samples.labels.bincount().tolist() == [5000] * 10
    assert samples.classes[0] == "airplane"


def test_declarations() -> None:
    assert (Folder.extractor, Folder.metrics) == ("inception", ("fid", "is"))
