"""What a report shows of samples and snapshots, each short enough to be embedded."""

import base64
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganbench.files import append_line
from ganbench.records.folder import TrialFolder
from ganbench.report.pictures import (
    DIGITS,
    QUALITIES,
    encode,
    fit,
    open_samples,
    open_snapshot,
    pack,
    read_snapshots,
    thinned,
    tiles,
)
from ganbench.store.results import read_row
from tests.synthetic import png, write_grid


def test_samples_lose_their_enlargement_and_nothing_else(tmp_path: Path) -> None:
    (folder,) = write_grid(tmp_path, {"hinge": 3.0}, 1)
    opened = open_samples(read_row(folder))
    assert opened is not None
    assert opened.size == (8 * 17 + 1, 8 * 17 + 1)
    whole = np.asarray(Image.open(folder.samples))
    scale = whole.shape[0] // opened.height
    assert scale == 4
    assert (np.kron(np.asarray(opened), np.ones((scale, scale), int)) == whole).all()


def test_a_sheet_of_another_layout_is_shown_as_it_is(tmp_path: Path) -> None:
    (folder,) = write_grid(tmp_path, {"hinge": 3.0}, 1)
    folder.samples.write_bytes(png(np.zeros((50, 70, 3), np.uint8)))
    opened = open_samples(read_row(folder))
    assert opened is not None
    assert opened.size == (70, 50)


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


def test_pictures_fit_their_budget_or_are_left_out() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (265, 265, 3), dtype=np.uint8))
    sizes = [len(encode(noise, quality).source) for quality in QUALITIES]
    assert sizes == sorted(sizes, reverse=True)
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
    text = pack(points, 2.0)
    values = [DIGITS.index(a) * 64 + DIGITS.index(b) for a, b in zip(text[::2], text[1::2], strict=True)]
    wanted = [min(2.0, max(-2.0, value)) for point in points for value in point]
    assert len(text) == 4 * len(points)
    assert all(abs(level / 4095 * 4 - 2 - value) < 1e-3 for level, value in zip(values, wanted, strict=True))


@pytest.mark.parametrize("count", [1, 2, 9, 10, 100])
def test_thinning_keeps_both_ends(tmp_path: Path, count: int) -> None:
    folder = TrialFolder(tmp_path)
    for step in range(count):
        append_line(folder.snapshots, {"step": step, "points": [[0.0, 1.0]]})
    steps = [step for step, _ in thinned(read_snapshots(folder), 9)]
    assert len(steps) == min(count, 9)
    assert (steps[0], steps[-1]) == (0, count - 1)
