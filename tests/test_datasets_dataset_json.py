"""dataset.json: labels as StyleGAN's dataset_tool writes them; whatever is not as it writes them is named."""

from dataclasses import dataclass
from typing import Any

import pytest

from ganbench.datasets.dataset_json import read_labels
from ganbench.errors import DataError


@dataclass(frozen=True)
class Held:
    """A source whose one text is that of every file."""

    names: tuple[str, ...]
    text: bytes
    described: tuple[str, ...] = ("dataset.json",)
    files: tuple[str, ...] = ()

    def read(self, name: str) -> bytes:
        return self.text

    def where(self, name: str) -> str:
        return f"set/{name}"


NAMES = ("00000/a.png", "00001/b.png")


def test_labels_by_name() -> None:
    text = b'{"labels": [["00001/b.png", 7], ["00000/a.png", 0], ["00000/gone.png", 2]]}'
    assert read_labels(Held(NAMES, text)) == {"00000/a.png": 0, "00001/b.png": 7}
    assert read_labels(Held(NAMES, text.replace(b"/", rb"\\"))) == {"00000/a.png": 0, "00001/b.png": 7}


def test_names_are_relative_to_its_folder() -> None:
    wrapped = tuple(f"set/{name}" for name in NAMES)
    text = b'{"labels": [["00000/a.png", 1], ["00001/b.png", 2]]}'
    assert read_labels(Held(wrapped, text, ("set/dataset.json",))) == dict(zip(wrapped, (1, 2), strict=True))


def test_there_may_be_no_labels() -> None:
    assert read_labels(Held(NAMES, b'{"labels": null}')) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{", "set/dataset.json is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "must contain"),
        (b'{"classes": 3}', "must contain"),
        (b'{"labels": 3}', "must contain"),
        (b'{"labels": [["00000/a.png"]]}', "must contain"),
        (b'{"labels": [[1, 2]]}', "must contain"),
        (b'{"labels": [["00000/a.png", 1]]}', "has no label for 00001/b.png"),
        (b'{"labels": [["00000/a.png", 1.5], ["00001/b.png", 1]]}', "label for 00000/a.png that is not a class number"),
        (b'{"labels": [["00000/a.png", [0, 1]], ["00001/b.png", 1]]}', "is not a class number"),
        (b'{"labels": [["00000/a.png", true], ["00001/b.png", 1]]}', "is not a class number"),
        (b'{"labels": [["00000/a.png", -1], ["00001/b.png", 1]]}', "is not a class number"),
        (b'{"labels": [["00000/a.png", 100000], ["00001/b.png", 1]]}', "is not a class number from 0 to 99999"),
    ],
)
def test_other_content_is_named(text: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as refused:
        read_labels(Held(NAMES, text))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("described", "words"),
    [
        (
            ("00000/dataset.json",),
            "is in the same folder as set/00001/b.png, but must be in the folder that contains all images",
        ),
        (("00000/dataset.json", "dataset.json"), "both contain labels"),
    ],
)
def test_its_place(described: tuple[str, ...], words: str) -> None:
    content: Any = Held(NAMES, b'{"labels": null}', described)
    with pytest.raises(DataError, match=words):
        read_labels(content)
