"""Pictures of samples, looked at pixel by pixel."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ganbench.api import Mixture
from ganbench.evaluation.preview import grid, png, scatter, what_is_missing, write_preview


def flat(levels: list[float], channels: int = 1, side: int = 2) -> Tensor:
    return torch.tensor(levels).view(-1, 1, 1, 1).expand(-1, channels, side, side).clone()


def small(picture: Image.Image, width: int) -> np.ndarray:
    """The picture without its enlargement, which must repeat every pixel exactly."""
    scale = picture.width // width
    pixels = np.asarray(picture)
    reduced = pixels[::scale, ::scale]
    assert (np.repeat(np.repeat(reduced, scale, 0), scale, 1) == pixels).all()
    return reduced


def test_images_are_arranged_row_by_row_with_a_gap() -> None:
    pixels = small(grid(flat([-1.0, 1.0, 0.2]), columns=2), 7)
    black, white, grey, gap = 0, 255, 153, 127
    assert pixels.tolist() == [
        [gap] * 7,
        [gap, black, black, gap, white, white, gap],
        [gap, black, black, gap, white, white, gap],
        [gap] * 7,
        [gap, grey, grey, gap, gap, gap, gap],
        [gap, grey, grey, gap, gap, gap, gap],
        [gap] * 7,
    ]


def test_an_image_is_neither_turned_nor_mirrored() -> None:
    image = torch.tensor([[-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]).view(1, 1, 2, 3)
    assert small(grid(image, columns=1), 5)[1:3, 1:4].tolist() == [[0, 255, 0], [0, 0, 255]]


def test_colours_stay_in_their_order() -> None:
    red = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1)
    picture = grid(red, columns=1)
    assert picture.mode == "RGB"
    assert small(picture, 3)[1, 1].tolist() == [255, 0, 0]


@pytest.mark.parametrize("channels", [2, 4])
def test_of_other_numbers_of_channels_the_first_is_shown(channels: int) -> None:
    image = torch.full((1, channels, 1, 1), -1.0)
    image[:, 0] = 1.0
    picture = grid(image, columns=1)
    assert picture.mode == "L"
    assert small(picture, 3)[1, 1] == 255


@pytest.mark.parametrize(("side", "columns", "width"), [(16, 8, 137 * 4), (128, 8, 1033), (400, 2, 803)])
def test_small_sheets_are_enlarged_and_large_ones_are_not(side: int, columns: int, width: int) -> None:
    assert grid(torch.zeros(columns, 1, side, side), columns=columns).width == width


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(("channels", "where"), [(1, 0), (3, 1), (4, 3)])
def test_pixels_that_are_no_numbers_are_magenta_and_the_others_what_they_are(
    value: float, channels: int, where: int
) -> None:
    images = flat([1.0, 0.2], channels)
    images[1, where, 0, 1] = value
    pixels = small(grid(images, columns=2), 7)
    assert pixels[1, 5].tolist() == [255, 0, 255]
    assert pixels[1, 4].tolist() == pixels[2, 4].tolist() == [153] * 3
    assert pixels[1:3, 1:3].tolist() == [[[255] * 3] * 2] * 2
    assert what_is_missing(images) == (
        "1 of 2 samples in the picture are not finite; their pixels that are not are magenta"
    )


def test_points_that_are_no_numbers_are_left_out_of_the_plot() -> None:
    points = torch.tensor([[1.0, 1.0], [float("nan"), 0.0], [0.0, float("inf")]])
    assert scatter(points, points, None) == scatter(points[:1], points[:1], None)
    assert what_is_missing(points) == "2 of 3 samples in the picture are not finite; the plot leaves those out"
    assert what_is_missing(points[:1]) == ""
    none = points[1:]
    assert Image.open(io.BytesIO(scatter(none, none, None))).size == (640, 640)


def test_a_png_is_lossless() -> None:
    picture = grid(flat([-1.0, 1.0, 0.2], channels=3), columns=2)
    again = Image.open(io.BytesIO(png(picture)))
    assert again.format == "PNG"
    assert (np.asarray(again) == np.asarray(picture)).all()


MIXTURE = Mixture(means=torch.tensor([[2.0, 0.0], [-2.0, 0.0]]), sigma=0.1)


def reddish(picture: bytes) -> np.ndarray:
    """Where generated points are: rows and columns of pixels that are clearly red."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
    found = (pixels[..., 0] > 150) & (pixels[..., 1] < 120) & (pixels[..., 2] < 130)
    found[: len(found) // 12] = False  # the legend, above the plot
    return np.argwhere(found)


def test_generated_points_are_where_they_belong() -> None:
    real = torch.tensor([[2.0, 2.0], [-2.0, -2.0], [2.0, -2.0], [-2.0, 2.0]])
    left = reddish(scatter(torch.tensor([[-1.5, -1.5]]).repeat(50, 1), real, None))
    right = reddish(scatter(torch.tensor([[1.5, 1.0]]).repeat(50, 1), real, None))
    assert len(left) > 5
    assert len(right) > 5
    assert left[:, 1].mean() < 320 < right[:, 1].mean()
    assert left[:, 0].mean() > 320 > right[:, 0].mean()


def test_no_corner_of_the_plot_is_hidden() -> None:
    real = torch.tensor([[2.0, 2.0], [-2.0, -2.0], [2.0, -2.0], [-2.0, 2.0]])
    found = [reddish(scatter(corner.repeat(50, 1), real, None)) for corner in real]
    assert len({len(each) for each in found}) == 1
    assert len(found[0]) > 5


@pytest.mark.parametrize("mixture", [None, MIXTURE])
@pytest.mark.parametrize("dimensions", [2, 5])
def test_points_are_drawn_beside_the_real_ones(tmp_path: Path, mixture: Mixture | None, dimensions: int) -> None:
    points = torch.randn(20, dimensions, generator=torch.Generator().manual_seed(0))
    write_preview(tmp_path / "samples.png", points, real=points, mixture=mixture)
    assert Image.open(tmp_path / "samples.png").size == (640, 640)


def test_sixty_four_images_are_written(tmp_path: Path) -> None:
    images = torch.zeros(100, 1, 16, 16)
    write_preview(tmp_path / "samples.png", images, real=images, mixture=None)
    assert Image.open(tmp_path / "samples.png").size == (137 * 4, 137 * 4)
    assert [path.name for path in tmp_path.iterdir()] == ["samples.png"]


def test_numbers_on_a_line_are_not_drawn(tmp_path: Path) -> None:
    write_preview(tmp_path / "samples.png", torch.zeros(5, 1), real=torch.zeros(5, 1), mixture=None)
    assert list(tmp_path.iterdir()) == []


def test_the_same_samples_give_the_same_file() -> None:
    points = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    assert scatter(points, points, MIXTURE) == scatter(points, points, MIXTURE)


def test_a_home_folder_that_cannot_be_written_to_is_no_matter_of_ours(tmp_path: Path) -> None:
    """Matplotlib makes do with a folder of its own, and would say so in the log of each trial."""
    home = tmp_path / "home"
    home.write_text("no folder")
    around = {name: value for name, value in os.environ.items() if name not in ("MPLCONFIGDIR", "XDG_CONFIG_HOME")}
    script = (
        "import logging; from ganbench.evaluation.preview import import_matplotlib; import_matplotlib(); "
        "print(logging.getLogger('matplotlib').level)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], env=around | {"HOME": str(home)}, capture_output=True, text=True, timeout=300
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "0\n", "")
