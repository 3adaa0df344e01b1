"""Foreign text made harmless: one line that prints and commands no terminal."""

from hypothesis import given
from hypothesis import strategies as st

from ganbench.cleaning import clean


@given(st.text())
def test_clean_text_is_one_line_that_prints(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.isprintable() or all(character.isspace() for character in cleaned if not character.isprintable())
    assert "\n" not in cleaned
    cleaned.encode("utf-8")


def test_escape_sequences_go_as_a_whole_however_they_begin_and_end() -> None:
    for sequence in ("\x1b[31m", "\x9b31m", "\x1b]0;title\x07", "\x1b]8;;https://evil.example\x1b\\", "\x1b[?25l"):
        assert clean(f"a{sequence}b") == "ab"
