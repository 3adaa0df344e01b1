"""What is passed from Python."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganbench.arguments import place, plain, size


def test_scalars_and_arrays_become_what_json_knows() -> None:
    given = {"a": np.float32(0.5), "b": [np.int64(1), (np.True_, "x")], "c": np.arange(2), "d": torch.tensor(2)}
    assert json.loads(json.dumps(plain(given))) == {"a": 0.5, "b": [1, [True, "x"]], "c": [0, 1], "d": 2}


def test_all_else_stays() -> None:
    assert [plain(value) for value in (True, 1, "x", None)] == [True, 1, "x", None]
    assert plain(range(3)) == range(3)


def test_a_place_is_text_or_a_path() -> None:
    assert place("a/b") == place(Path("a/b")) == Path("a/b")


def test_the_home_folder_is_never_a_folder_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert place("~/runs") == place(Path("~/runs")) == Path("/home/someone/runs")
    assert place("a~b") == Path("a~b")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "must not be empty"),
        (" ", "must not be empty"),
        ("a\0b", "must not contain a null character"),
        (None, "must be a path"),
        (5, "must be a path"),
        (b"a", "must be a path"),
    ],
)
def test_what_is_no_place_is_refused(value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        place(value)


def test_a_size_is_a_number_of_bytes_or_a_text_with_a_unit() -> None:
    assert [size(value) for value in ("4G", "1.5GiB", "500 mb", 1 << 20, np.int64(1 << 30))] == [
        4 << 30, 3 << 29, 500 << 20, 1 << 20, 1 << 30,
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["", "many", "-4G", "4X", 1000, -1, True, None])
def test_what_is_no_size_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="must be a size of at least 1M, such as 500M or 4G"):
        size(value)
