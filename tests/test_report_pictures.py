"""What a report shows of samples and snapshots, each short enough to be embedded."""

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganbench.evaluation.preview import grid
from ganbench.files import append_line
from ganbench.records.folder import TrialFolder
from ganbench.records.sheet import columns_for
from ganbench.report.pictures import (
    DIGITS,
    QUALITIES,
    Quality,
    encode,
    fit,
    is_points,
    open_samples,
    open_snapshot,
    pack,
    read_snapshots,
    thinned,
    tiles,
)
from ganbench.store.results import read_row
from tests.synthetic import png, write_grid


def picture(source: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2])))


def encoded(sheet: Image.Image) -> str:
    return encode(sheet, QUALITIES[0]).source.partition("base64,")[2]


def test_samples_lose_their_enlargement_and_nothing_else(tmp_path: Path) -> None:
    (folder,) = write_grid(tmp_path, {"hinge": 3.0}, 1)
    opened = open_samples(read_row(folder))
    assert opened is not None
    assert opened.size == (8 * 17 + 1, 8 * 17 + 1)
    whole = np.asarray(Image.open(folder.samples))
    scale = whole.shape[0] // opened.height
    assert scale == 4
    assert (np.kron(np.asarray(opened), np.ones((scale, scale), int)) == whole).all()


@pytest.mark.parametrize(("classes", "side"), [(2, 16), (10, 28), (16, 8), (17, 16)])
def test_a_sheet_with_a_column_for_each_class_loses_its_enlargement_too(
    classes: int, side: int, tmp_path: Path
) -> None:
    (folder,) = write_grid(tmp_path, {"hinge": 3.0}, 1)
    images, columns = torch.rand(8 * columns_for(classes), 1, side, side) * 2 - 1, columns_for(classes)
    grid(images, columns).save(folder.samples)
    row = read_row(folder)
    data = row.spec.data.model_copy(update={"shape": (1, side, side), "classes": classes})
    opened = open_samples(replace(row, spec=row.spec.model_copy(update={"data": data})))
    assert opened is not None
    assert (np.asarray(opened) == np.asarray(grid(images, columns, side=1))).all()


def test_a_sheet_of_another_layout_is_shown_as_it_is(tmp_path: Path) -> None:
    (folder,) = write_grid(tmp_path, {"hinge": 3.0}, 1)
    folder.samples.write_bytes(png(np.zeros((50, 70, 3), np.uint8)))
    opened = open_samples(read_row(folder))
    assert opened is not None
    assert opened.size == (70, 50)


@pytest.mark.parametrize(
    ("size", "shape"),
    [((274, 137), (2,)), ((274, 137), (16, 16)), ((274, 137), (1, 16, 16)), ((100, 40), (1, 16, 16))],
    ids=["a plot", "no image", "half a row", "narrower than a row"],
)
def test_only_a_whole_number_of_pixels_is_an_enlargement(
    size: tuple[int, int], shape: tuple[int, ...], tmp_path: Path
) -> None:
    """274 are twice the width of eight images of 16, with gaps."""
    (folder,) = write_grid(tmp_path, {"hinge": 3.0}, 1)
    Image.new("L", size).save(folder.samples)
    row = read_row(folder)
    data = row.spec.data.model_copy(update={"shape": shape, "kind": "vector" if len(shape) == 1 else "image"})
    opened = open_samples(replace(row, spec=row.spec.model_copy(update={"data": data})))
    assert opened is not None
    assert opened.size == size
    assert open_samples(replace(row, samples=None)) is None


def test_samples_that_are_no_picture_of_ours_are_left_out(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    (folder,) = write_grid(tmp_path, {"hinge": 3.0}, 1)
    # Pillow would hand this to Ghostscript, which runs it.
    folder.samples.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\nshowpage\n%%EOF\n")
    assert open_samples(read_row(folder)) is None
    Image.new("L", (8, 8)).save(folder.samples, format="BMP")
    assert open_samples(read_row(folder)) is None
    Image.new("1", (9500, 9500)).save(folder.samples, format="PNG")  # so large that Pillow warns of it
    assert folder.samples.stat().st_size < 100_000
    assert open_samples(read_row(folder)) is None
    text = base64.b64encode(folder.samples.read_bytes()).decode()
    assert open_snapshot({"png": text, "columns": 1, "images": 1}, keep=1) is None
    assert [str(warning.message) for warning in recwarn] == []


def test_samples_that_are_a_link_are_left_out(tmp_path: Path) -> None:
    (folder,) = write_grid(tmp_path / "runs", {"hinge": 3.0}, 1)
    folder.samples.rename(tmp_path / "private.png")
    folder.samples.symlink_to(tmp_path / "private.png")
    assert read_row(folder).samples is None


def test_the_first_tiles_of_a_larger_sheet() -> None:
    numbers = np.arange(64, dtype=np.uint8).reshape(8, 8)
    sheet = Image.fromarray(np.kron(numbers, np.ones((2, 2), np.uint8)))
    kept = np.asarray(tiles(sheet, 8, 64, keep=4))
    assert kept.shape == (13, 13)
    assert (kept[::3] == 127).all()
    assert (kept[:, ::3] == 127).all()
    assert kept[1::3, 1::3].tolist() == numbers[:4, :4].tolist()
    assert kept[2::3, 2::3].tolist() == numbers[:4, :4].tolist()
    assert tiles(sheet, 8, 64, keep=9).size == (25, 25)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_first_images_of_a_snapshot(mode: str) -> None:
    sheet = Image.new(mode, (8, 6), "white")
    opened = open_snapshot({"png": encoded(sheet), "columns": 4, "images": 11}, keep=2)
    assert opened is not None
    assert (opened.size, opened.mode) == ((2 * 3 + 1, 2 * 3 + 1), mode)


@pytest.mark.parametrize(
    "damage",
    [
        {"png": None}, {"png": "!"}, {"columns": 0}, {"columns": "4"}, {"columns": True}, {"columns": 4097},
        {"images": 1.0},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_snapshot_is_left_out(damage: dict[str, Any]) -> None:
    content = {"png": encoded(Image.new("L", (4, 4))), "columns": 4, "images": 16}
    assert open_snapshot(content, keep=4) is not None
    if damage.get("png"):
        damage = {"png": damage["png"] + content["png"]}  # which is read all the same where nobody looks
    assert open_snapshot(content | damage, keep=4) is None
    assert open_snapshot([content], keep=4) is None


def test_snapshots_are_in_order_and_of_one_kind(tmp_path: Path) -> None:
    """What is real stands in the first line that has it."""
    folder = TrialFolder(tmp_path)
    points = [[0.0, 1.0]]
    lines: list[dict[str, Any]] = [
        {"step": 7, "points": points, "real": "none"},
        {"step": True, "points": points},
        {"step": "3", "points": points},
        {"step": 5, "png": "", "real": {"points": points}, "sigma": 0.1},
        {"step": 5, "points": points, "real": {"points": []}, "means": []},
        {"step": 5, "points": points},
        {"step": 6, "points": "none"},
    ]
    for line in lines:
        append_line(folder.snapshots, line)
    found = read_snapshots(folder)
    assert (found.kind, found.frames) == ("png", [(5, lines[3])])
    assert found.truth == {"real": {"points": points}, "sigma": 0.1}
    folder.snapshots.write_text("")
    for line in lines[4:]:
        append_line(folder.snapshots, line)
    append_line(folder.snapshots, {"step": 2, "points": points})
    found = read_snapshots(folder)
    assert found.kind == "points"
    assert [step for step, _ in found.frames] == [2, 5, 5]
    folder.snapshots.unlink()
    assert (read_snapshots(folder).kind, read_snapshots(folder).truth) == ("", {})


def test_a_picture_is_made_as_small_as_its_quality_says() -> None:
    small = encode(Image.new("L", (528, 264)), Quality(None, 528))
    assert (small.width, small.height, small.pixelated) == (528, 264, True)
    large = encode(Image.new("RGB", (1000, 529)), Quality(85, 500))
    assert (large.width, large.height, large.pixelated) == (500, 264, False)
    assert picture(large.source).size == (500, 264)
    thin = encode(Image.new("RGB", (1, 4000)), Quality(50, 100))
    assert (thin.width, thin.height) == (1, 100)


def test_pictures_fit_their_budget_or_are_left_out() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (265, 265, 3), dtype=np.uint8))
    sizes = [len(encode(noise, quality).source) for quality in QUALITIES]
    assert sizes == sorted(set(sizes), reverse=True)
    for size in sizes:
        sheets = fit([noise, noise], 2 * size)
        assert sheets is not None
        assert sum(len(sheet.source) for sheet in sheets) <= 2 * size
    assert fit([noise], sizes[-1] - 1) is None
    exact = fit([noise], sizes[0])
    assert exact is not None
    assert exact[0].source.startswith("data:image/png")


@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), max_size=20))
def test_packed_points_come_back_within_a_pixel(points: list[tuple[float, float]]) -> None:
    text = pack([(x, y, 7.0) for x, y in points], 1.5)
    values = [DIGITS.index(a) * 64 + DIGITS.index(b) for a, b in zip(text[::2], text[1::2], strict=True)]
    wanted = [min(1.5, max(-1.5, value)) for point in points for value in point]
    assert len(text) == 4 * len(points)
    assert all(abs(level / 4095 * 3 - 1.5 - value) < 1e-3 for level, value in zip(values, wanted, strict=True))


@pytest.mark.parametrize(
    ("content", "are"),
    [
        ([], True),
        ([[0, 1.5], [2.0, 3, "more"]], True),
        ("", False),
        ([[0, 1], 2], False),
        ([[0, 1], [2]], False),
        ([["0", "1"]], False),
        ([[0, None]], False),
        (["01"], False),
    ],
    ids=str,
)
def test_points_are_lists_of_two_numbers_or_more(content: object, are: bool) -> None:
    assert is_points(content) is are


@pytest.mark.parametrize("count", [1, 2, 9, 10, 100])
def test_thinning_keeps_both_ends(tmp_path: Path, count: int) -> None:
    folder = TrialFolder(tmp_path)
    for step in range(count):
        append_line(folder.snapshots, {"step": step, "points": [[0.0, 1.0]]})
    steps = [step for step, _ in thinned(read_snapshots(folder), 9)]
    assert len(steps) == min(count, 9)
    assert (steps[0], steps[-1]) == (0, count - 1)
