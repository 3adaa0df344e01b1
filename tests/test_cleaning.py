"""Foreign text: nothing in it moves a cursor, and columns stay where they are."""

from hypothesis import given
from hypothesis import strategies as st

from ganbench.cleaning import clean, clean_line


@given(st.text())
def test_clean_text_is_one_line_that_prints(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.isprintable() or all(character.isspace() for character in cleaned if not character.isprintable())
    assert "\n" not in cleaned
    cleaned.encode("utf-8")


def test_escape_sequences_go_as_a_whole_however_they_begin_and_end() -> None:
    for sequence in ("\x1b[31m", "\x9b31m", "\x1b]0;title\x07", "\x1b]8;;https://evil.example\x1b\\", "\x1b[?25l"):
        assert clean(f"a{sequence}b") == "ab"


def test_columns_keep_their_places() -> None:
    assert clean_line(f"{'a':6} x\x1b[31m") == f"{'a':6} x"
    assert [clean_line(f"{'k' * n:9} v").index("v") for n in range(1, 9)] == [10] * 8
