"""Files and folders as they are given from Python."""

import re
from pathlib import Path
from typing import Any

import pytest

import ganbench
from ganbench.errors import UsageError
from ganbench.places import argument, place


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
        ("x" * 5000, "must be shorter: no file can have such a name"),
        ("/".join(["x" * 250] * 20), "must be shorter: no file can have such a name"),
    ],
)
def test_what_is_no_place_is_refused(value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        place(value)


def test_an_argument_is_named_and_no_page_of_a_long_one_is_shown() -> None:
    assert argument("f(): out", "a/b") == Path("a/b")
    with pytest.raises(UsageError, match=r"^f\(\): out=3: must be a path: text or a pathlib.Path$"):
        argument("f(): out", 3)
    with pytest.raises(UsageError, match=r"^f\(\): out='x{100,300}\.\.\.: must be shorter: no file can have"):
        argument("f(): out", "x" * 5000)


def test_a_name_that_no_file_can_have_is_ganbenchs_own_error() -> None:
    """Everywhere: the system's is none that whoever calls ganbench expects."""
    long = "x" * 5000
    for call, name in (
        (lambda: ganbench.load_results(long), "load_results(): runs"),
        (lambda: ganbench.load_generator(long), "load_generator(): trial"),
        (lambda: ganbench.run(suite=long), "run(): suite"),
        (lambda: ganbench.run("vanilla", "mlp", "ring", steps=1, out=long), "run(): out"),
        (lambda: ganbench.run("vanilla", "mlp", "ring", steps=1, data_root=long), "run(): data_root"),
    ):
        with pytest.raises(UsageError, match=f"^{re.escape(name)}='x+\\.\\.\\.: must be shorter"):
            call()
