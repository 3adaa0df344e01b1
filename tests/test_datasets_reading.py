"""Image files side by side: the same results in the same order, and the first of the errors."""

import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.datasets.folder import Folder
from ganbench.datasets.listing import Source, open_source
from ganbench.datasets.reading import PART, WORTH_THREADS, Remembering, on_each
from ganbench.errors import DataError

COUNT = 3 * PART + 1


@pytest.fixture(params=[1, 4])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """How many threads torch may use."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_are_in_order_and_of_large_images_from_several_threads(threads: int) -> None:
    everyone = threading.Barrier(threads)
    used: set[int] = set()

    def work(item: int) -> int:
        if item % PART == 0 and item < threads * PART:
            everyone.wait(20)  # until each thread has a part
        used.add(threading.get_ident())
        return item * item

    assert on_each(range(4 * PART), work, pixels=WORTH_THREADS) == [item * item for item in range(4 * PART)]
    assert len(used) == threads


def test_small_images_stay_on_one_thread() -> None:
    used = set(on_each(range(COUNT), lambda _: threading.get_ident(), pixels=WORTH_THREADS - 1))
    assert used == {threading.get_ident()}


@pytest.mark.usefixtures("threads")
def test_of_several_errors_the_first_is_reported_and_what_is_left_is_not_begun() -> None:
    begun = []

    def work(item: int) -> None:
        begun.append(item)
        if item in (PART + 3, 2 * PART + 1):
            raise DataError(f"image {item} is damaged")

    with pytest.raises(DataError, match=f"image {PART + 3} is damaged"):
        on_each(range(100 * PART), work, pixels=WORTH_THREADS)
    assert len(begun) < 100 * PART


@pytest.mark.usefixtures("threads")
def test_warnings_are_silenced_and_their_filters_left_as_they_were() -> None:
    before = list(warnings.filters)
    on_each(range(COUNT), lambda _: warnings.warn("much", UserWarning, stacklevel=1), pixels=WORTH_THREADS)
    assert warnings.filters == before


def images(place: Path, side: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pixels = np.random.RandomState(0).randint(0, 256, (COUNT, side, side, 3)).astype(np.uint8)
    place.mkdir()
    for index, image in enumerate(pixels):
        Image.fromarray(image).save(place / f"{index:03d}.png", compress_level=1)
    return pixels


@pytest.mark.usefixtures("threads")
def test_a_folder_of_large_images_is_read_whole_and_its_damage_named(tmp_path: Path) -> None:
    pixels = images(tmp_path / "a", 128)
    assert np.array_equal(
        Folder(path=str(tmp_path / "a")).load("train", root=tmp_path).data.permute(0, 2, 3, 1), pixels
    )
    for index in (40, 90):
        path = tmp_path / "a" / f"{index:03d}.png"
        path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DataError, match=r"040\.png is a damaged image"):
        Folder(path=str(tmp_path / "a")).load("train", root=tmp_path)


@pytest.mark.parametrize("room", [0, 3000, 10**9])
def test_each_file_is_read_once_where_there_is_room(tmp_path: Path, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    images(tmp_path / "a", 8)
    with open_source(tmp_path / "a") as source:
        sizes = {name: len(source.read(name)) for name in source.names}
        counted: list[str] = []
        plain = type(source).read

        def noted(self: Source, name: str) -> bytes:
            counted.append(name)
            return plain(self, name)

        monkeypatch.setattr(type(source), "read", noted)
        kept = Remembering(source, room=room)
        assert (kept.names, kept.files, kept.where(kept.names[0])) == (
            source.names, source.files, source.where(source.names[0])
        )  # fmt: skip
        for _ in range(2):
            for name in kept.names:
                assert len(kept.read(name)) == sizes[name]
    twice = len(counted) - COUNT
    assert twice == {0: COUNT, 3000: twice, 10**9: 0}[room]
    assert room != 3000 or 0 < twice < COUNT
