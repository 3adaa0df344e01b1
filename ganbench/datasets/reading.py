"""Many image files: decoded side by side where they are large, each read once where memory allows."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from ganbench.datasets.listing import Source

A = TypeVar("A")
B = TypeVar("B")

MOST_THREADS = 16
PART = 32
"""Items that a thread takes at a time."""
WORTH_THREADS = 128 * 128
"""Pixels of an image from which on decoding it takes longer than what threads do one after another."""
ROOM = 256 << 20
"""Bytes of files that are remembered between two passes over them."""


def on_each(items: Sequence[A], work: Callable[[A], B], *, pixels: int = 0) -> list[B]:
    """Return what ``work`` makes of each item, in their order.

    Where it decodes images of many ``pixels`` it is done on as many threads as torch may use, as PIL lets others run
    meanwhile. Of several items that fail, the first is the one that is reported. Warnings are silenced: PIL warns of
    large images, and of damage beside the pixels, and filters of warnings belong to all threads.
    """
    threads = min(torch.get_num_threads(), MOST_THREADS) if pixels >= WORTH_THREADS else 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if threads < 2 or len(items) <= PART:
            return [work(item) for item in items]
        pool = ThreadPoolExecutor(threads, thread_name_prefix="images")
        try:
            parts = [
                pool.submit(lambda part: [work(item) for item in part], items[start : start + PART])
                for start in range(0, len(items), PART)
            ]
            return [result for part in parts for result in part.result()]
        finally:
            pool.shutdown(cancel_futures=True)


class Remembering:
    """A source of which every file is read twice, once for its header: the bytes of most are read once."""

    def __init__(self, source: Source, *, room: int = ROOM) -> None:
        self._source = source
        self._room = room
        self._kept: dict[str, bytes] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The image files."""
        return self._source.names

    @property
    def described(self) -> tuple[str, ...]:
        """The files of labels."""
        return self._source.described

    @property
    def files(self) -> tuple[str, ...]:
        """The absolute paths whose times tell a change."""
        return self._source.files

    def where(self, name: str) -> str:
        """The place of one image file."""
        return self._source.where(name)

    def read(self, name: str) -> bytes:
        """Return the bytes of one image file; those that are remembered are given back and forgotten."""
        data = self._kept.pop(name, None)
        if data is None:
            data = self._source.read(name)
            if len(data) <= self._room:
                self._room -= len(data)
                self._kept[name] = data
        return data
