"""What is given to others: the same samples in every form, and a program that makes what the generator makes."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganbench import plugins
from ganbench.api import Architecture
from ganbench.errors import DataError, StoreError, UsageError
from ganbench.evaluation.handout import require_untruncated, write_program, write_samples
from ganbench.evaluation.images import to_uint8
from ganbench.evaluation.reading import read_given
from ganbench.evaluation.trained import TrainedGenerator

GREY = torch.rand(11, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
LABELS = torch.arange(11) % 3


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["s.npy", "s.npz", "s.zip", "s"])
def test_every_form_holds_the_samples_as_they_are_scored_in_their_order(
    name: str, channels: int, tmp_path: Path
) -> None:
    images = GREY.expand(-1, channels, -1, -1) * torch.linspace(0.5, 1, channels).view(-1, 1, 1)
    write_samples(tmp_path / name, images, LABELS)
    kind: Any = "array" if name.startswith("s.np") else "images"
    data, _ = read_given(tmp_path / name, kind, (channels, 8, 8))
    assert torch.equal(data, to_uint8(images))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_truncated_samples_say_so_and_are_not_scored(tmp_path: Path) -> None:
    write_samples(tmp_path / "s.npz", GREY, LABELS, truncation=0.5)
    assert np.load(tmp_path / "s.npz")["truncation"] == 0.5
    with pytest.raises(DataError, match=r"s\.npz holds samples truncated at 0\.5"):
        read_given(tmp_path / "s.npz", "array", (1, 8, 8))
    for name in ("s.npy", "s.zip", "s"):
        with pytest.raises(UsageError, match="cannot say that its samples are truncated"):
            write_samples(tmp_path / name, GREY, LABELS, truncation=0.5)
    assert [path.name for path in tmp_path.iterdir()] == ["s.npz"]
    write_samples(tmp_path / "s.npz", GREY, None, truncation=1.5)
    (tmp_path / "s.npz").rename(tmp_path / "S.NPZ")
    with pytest.raises(DataError, match=r"S\.NPZ holds samples truncated at 1\.5"):
        read_given(tmp_path / "S.NPZ", "array", (1, 8, 8))
    write_samples(tmp_path / "s.npz", GREY, LABELS)
    assert set(np.load(tmp_path / "s.npz").files) == {"samples", "labels"}


def test_what_is_no_npz_says_nothing_of_truncation(tmp_path: Path) -> None:
    """Who reads it says what is wrong with it; what ``numpy.save`` wrote under another name is read all the same."""
    for content in (b"text", b"PK\x03\x04", b""):
        (tmp_path / "s.npz").write_bytes(content)
        require_untruncated(tmp_path / "s.npz")
    require_untruncated(tmp_path / "missing.npz")
    write_samples(tmp_path / "s.npy", GREY, None)
    (tmp_path / "s.npy").replace(tmp_path / "s.npz")
    assert torch.equal(read_given(tmp_path / "s.npz", "array", (1, 8, 8))[0], to_uint8(GREY))


def test_arrays_have_labels_and_points(tmp_path: Path) -> None:
    write_samples(tmp_path / "s.npz", GREY, LABELS)
    assert np.array_equal(np.load(tmp_path / "s.npz")["labels"], LABELS.numpy())
    points = torch.randn(5, 2)
    write_samples(tmp_path / "p.npz", points, None)
    assert np.load(tmp_path / "p.npz").files == ["samples"]
    assert np.array_equal(np.load(tmp_path / "p.npz")["samples"], points.numpy())


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (torch.randn(5, 2), "points"),
        (GREY.expand(-1, 2, -1, -1), "of 2 ch"),
        (GREY.expand(-1, 4, -1, -1), "of 4 ch"),  # which the file's own form would hold, as colour and opacity
    ],
)
def test_what_no_picture_holds_is_refused_and_leaves_nothing(samples: Tensor, words: str, tmp_path: Path) -> None:
    for name in ("s", "s.zip"):
        with pytest.raises(UsageError, match=f"{words}.* cannot be PNG files; use --out samples.npz"):
            write_samples(tmp_path / name, samples, None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["s.npy", "s.npz", "s.zip", "s"])
def test_samples_that_are_no_numbers_are_not_written(name: str, tmp_path: Path) -> None:
    images, points = GREY.clone(), torch.randn(5, 2)
    images[2:4, 0, 1, 1] = float("nan")
    points[0, 1] = float("inf")
    with pytest.raises(DataError, match=r"^2 of 11 generated samples are not finite, so .*s.* is not written; a pict"):
        write_samples(tmp_path / name, images, None)
    with pytest.raises(DataError, match=r"^1 of 5 generated samples are not finite"):
        write_samples(tmp_path / name, points, None)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_whole_or_not_there_and_others_may_read_it(tmp_path: Path) -> None:
    write_samples(tmp_path / "new", GREY, None)
    (tmp_path / "empty").mkdir()
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "empty").stat().st_mode
    assert (tmp_path / "new" / "00.png").exists()
    write_samples(tmp_path / "empty", GREY, None)
    with pytest.raises(StoreError, match=r"cannot write .*empty: Directory not empty; choose another place"):
        write_samples(tmp_path / "empty", GREY[:3], None)
    assert len(list((tmp_path / "empty").iterdir())) == 11
    write_samples(tmp_path / "within" / "it", GREY, None)
    assert len(list((tmp_path / "within" / "it").iterdir())) == 11
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "new", "within"]


def test_equal_samples_are_equal_files(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        write_samples(tmp_path / name, GREY, None)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    first = zipfile.ZipFile(tmp_path / "a.zip").infolist()[0]
    assert (first.filename, first.date_time) == ("00.png", (1980, 1, 1, 0, 0, 0))  # the earliest that a .zip can say


def built(text: str, shape: tuple[int, ...], classes: int) -> TrainedGenerator:
    torch.manual_seed(0)
    architecture: Architecture = plugins.build("architecture", text)
    generator = architecture.networks(shape, 24, classes).generator
    return TrainedGenerator(generator, latent_dim=24, latent="normal", shape=shape, classes=classes)


@pytest.mark.parametrize(
    ("text", "shape", "classes"),
    [
        ("mlp[hidden=16,layers=1]", (2,), 0),
        ("mlp[hidden=16,layers=1,condition=projection]", (1, 16, 16), 4),
        ("dcgan", (1, 16, 16), 0),
        ("resnet", (3, 32, 32), 0),
        ("sagan[condition=projection]", (3, 32, 32), 3),
    ],
)
def test_a_program_makes_what_its_generator_makes_of_any_number(
    text: str, shape: tuple[int, ...], classes: int, tmp_path: Path
) -> None:
    generator = built(text, shape, classes)
    write_program(tmp_path / "generator.pt2", generator)
    program = torch.export.load(str(tmp_path / "generator.pt2")).module()
    for n in (1, 2, 7):
        inputs: tuple[Tensor, ...] = (torch.randn(n, 24, generator=torch.Generator().manual_seed(n)),)
        if classes:
            inputs = (*inputs, torch.arange(n) % classes)
        with torch.no_grad():
            made, expected = program(*inputs), generator(*inputs)
        torch.testing.assert_close(made, expected, rtol=1e-5, atol=1e-6)


def test_a_program_that_cannot_be_exported_is_one_line(tmp_path: Path) -> None:
    class Deciding(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return z if float(z.sum()) > 0 else -z

    generator = TrainedGenerator(Deciding(), latent_dim=4, latent="normal", shape=(4,), classes=0)
    with pytest.raises(
        UsageError, match=r"cannot be exported \(.*\); load it in Python with ganbench.load_generator"
    ) as failure:
        write_program(tmp_path / "g.pt2", generator)
    assert "\n" not in str(failure.value)
    assert not list(tmp_path.iterdir())
