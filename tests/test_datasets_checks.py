"""How names and errors become one line."""

from ganbench.datasets.checks import one_line, shown


def test_names_are_shown_as_they_are_or_escaped() -> None:
    assert shown("a b/ü.png") == "a b/ü.png"
    assert shown("a\nb.png") == "'a\\nb.png'"
    shown("a\udcff.png").encode("utf-8")


def test_errors_become_one_line() -> None:
    assert one_line(ValueError("a\n  b")) == "ValueError: a b"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line(ValueError("x" * 1000))) < 320
