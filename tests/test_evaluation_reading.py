"""Samples from elsewhere: read in the form of the reference's, or refused with what is wrong."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.errors import DataError
from ganbench.evaluation.channels import with_channels
from ganbench.evaluation.reading import left_out, match, read_given

LEVELS = torch.randint(0, 256, (3, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def folder(path: Path, images: torch.Tensor) -> Path:
    path.mkdir()
    for index, image in enumerate(images):
        Image.fromarray(image.squeeze(0).numpy() if len(image) == 1 else image.permute(1, 2, 0).numpy()).save(
            path / f"{index}.png"
        )
    return path


def test_images_are_read_in_the_form_of_the_reference(tmp_path: Path) -> None:
    grey = folder(tmp_path / "grey", LEVELS)
    data, files = read_given(grey, "images", (1, 8, 8))
    assert torch.equal(data, LEVELS)
    assert len(files) >= 3
    coloured, _ = read_given(grey, "images", (3, 8, 8))
    assert torch.equal(coloured, LEVELS.expand(-1, 3, -1, -1))
    # An image whose channels are equal is a grey one that was stored in colour.
    stored = folder(tmp_path / "stored", LEVELS.expand(-1, 3, -1, -1))
    assert torch.equal(read_given(stored, "images", (1, 8, 8))[0], LEVELS)


def test_arrays_are_read_in_either_order_of_channels(tmp_path: Path) -> None:
    np.save(tmp_path / "first.npy", LEVELS.numpy())
    np.save(tmp_path / "last.npy", LEVELS.permute(0, 2, 3, 1).numpy())
    for name in ("first.npy", "last.npy"):
        data, files = read_given(tmp_path / name, "array", (1, 8, 8))
        assert torch.equal(data, LEVELS)
        assert files == (str(tmp_path / name),)
    with pytest.raises(DataError, match=r"first\.npy contains images of 1x8x8, .*; make them colour with --channels 3"):
        read_given(tmp_path / "first.npy", "array", (3, 8, 8))
    made, _ = read_given(tmp_path / "first.npy", "array", (3, 8, 8), channels=3)
    assert torch.equal(made, LEVELS.expand(-1, 3, -1, -1))


@pytest.mark.parametrize("form", ["first", "last", "none"])
def test_grey_arrays_are_made_colour_wherever_their_channel_is(tmp_path: Path, form: str) -> None:
    wide = LEVELS[:, :, :, :4]
    given = {"first": wide, "last": wide.permute(0, 2, 3, 1), "none": wide[:, 0]}[form]
    np.save(tmp_path / "s.npy", given.numpy())
    with pytest.raises(DataError, match="contains images of 1x8x4, but the reference has 3x8x4; make them colour"):
        read_given(tmp_path / "s.npy", "array", (3, 8, 4))
    made, _ = read_given(tmp_path / "s.npy", "array", (3, 8, 4), channels=3)
    assert torch.equal(made, wide.expand(-1, 3, -1, -1))


def test_colour_is_made_grey_where_that_is_asked_for(tmp_path: Path) -> None:
    images = torch.cat([LEVELS, 255 - LEVELS, LEVELS], 1)
    np.save(tmp_path / "s.npy", images.permute(0, 2, 3, 1).numpy())
    expected = with_channels(images, 1)
    assert torch.equal(read_given(tmp_path / "s.npy", "array", (1, 8, 8), channels=1)[0], expected)
    assert torch.equal(read_given(folder(tmp_path / "s", images), "images", (1, 8, 8), channels=1)[0], expected)


@pytest.mark.parametrize(
    ("images", "words"),
    [(LEVELS[:0], "contains no images"), (LEVELS[:1], "contains only one image, but a score needs many")],
)
def test_a_score_needs_many(images: torch.Tensor, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words):
        read_given(folder(tmp_path / "few", images), "images", (1, 8, 8))


def test_images_of_a_zip_whose_names_lead_out_of_it_are_named(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../0.png", "a/../../1.PNG", "../notes.txt", ".hidden.png"):
            archive.writestr(name, b"")
    told = (
        r"2 of its 3 image files are left out because their names lead out of the \.zip, e\.g\. \.\./0\.png; pack it "
        "from within their folder to have them read"
    )
    with pytest.raises(DataError, match=rf"s\.zip contains no images, but {told}$"):
        read_given(path, "images", (1, 8, 8))
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("..png", "./1.png", "a..b/2.png", "/3.png"):
            archive.writestr(name, b"")
    assert left_out(path) == ""
    assert left_out(tmp_path) == "", "no name in a folder leads out of it"


def test_a_range_is_that_of_floating_point_images(tmp_path: Path) -> None:
    np.save(tmp_path / "levels.npy", LEVELS.numpy())
    with pytest.raises(DataError, match=r"--range is for floating point images, but .*levels\.npy has whole levels"):
        read_given(tmp_path / "levels.npy", "array", (1, 8, 8), value_range="0:1")
    np.save(tmp_path / "levels.npy", LEVELS.numpy() / 255)
    assert torch.equal(read_given(tmp_path / "levels.npy", "array", (1, 8, 8), value_range="0:1")[0], LEVELS)


@pytest.mark.parametrize(
    ("shape", "images", "words"),
    [
        ((2,), LEVELS, "x contains images, but the reference contains points of 2 numbers"),
        ((1, 16, 16), LEVELS, "x contains images of 8x8, but the reference has 16x16; resize them with --size 16"),
        ((1, 4, 8), LEVELS, "x contains images of 8x8, but the reference has 8x4$"),  # width x height
        ((3, 8, 8), LEVELS.expand(-1, 2, -1, -1), "images of 2 channels, but the reference has 3$"),
        ((1, 8, 8), torch.cat([LEVELS, LEVELS, 255 - LEVELS], 1), "3 channels, .*; make them grey with --channels 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(shape: tuple[int, ...], images: torch.Tensor, words: str) -> None:
    with pytest.raises(DataError, match=words):
        match(images, shape, "x", 0)
