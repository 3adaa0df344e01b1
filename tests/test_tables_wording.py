"""Numbers, durations and foreign text in words that a cell can hold."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.cleaning import clean
from ganbench.store.values import ValueInfo
from ganbench.tables.wording import duration, headline, number, rate, spread
from tests.rows import FID, IS


def test_percentages() -> None:
    info = ValueInfo(label="high quality", direction="higher", decimals=1, percent=True)
    assert spread(0.973, 0.004, info) == "97.3 ± 0.4 %"
    assert spread(0.973, None, info) == "97.3 %"


@pytest.mark.parametrize(
    ("mean", "sd", "decimals", "text"),
    [
        (1.5249, 0.0031, 2, "1.5249 ± 0.0031"),
        (0.093004, 0.00012, 3, "0.09300 ± 0.00012"),
        (0.0004, 0.001, 2, "0.0004 ± 0.0010"),
        (-1e-6, 0.0031, 2, "0.0000 ± 0.0031"),
        (1.5249, 0.0061, 2, "1.52 ± 0.01"),
        (1.5249, 0.0, 2, "1.52 ± 0.00"),
        (1.5249, 1e-17, 2, "1.52 ± 1e-17"),
        (1.00000098, 6.4e-7, 2, "1.00 ± 6.4e-07"),  # the rounding of float32
        (1.5249, 3.1e-6, 2, "1.5249000 ± 0.0000031"),
        (1e12, 0.0031, 2, "1e+12 ± 0.0031"),
    ],
)
def test_a_mean_has_the_decimals_of_its_spread(mean: float, sd: float, decimals: int, text: str) -> None:
    assert spread(mean, sd, ValueInfo(label="v", decimals=decimals)) == text


def test_a_share_has_the_decimals_of_its_spread() -> None:
    info = ValueInfo(label="high quality", direction="higher", decimals=1, percent=True)
    assert spread(0.00265, 0.00021, info) == "0.265 ± 0.021 %"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.234, "1.23"), (0.0, "0.00"), (0.0004, "0.0004"), (-0.001, "-0.001"), (609.123, "609.12"), (1e12, "1e+12")],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value, FID) == text


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(0.005, 2, "0.01"), (0.00499, 2, "0.005"), (999_999_999.0, 0, "999999999"), (1e9, 0, "1e+09"),
     (math.nan, 2, "-"), (-math.inf, 2, "-")],
)  # fmt: skip
def test_where_the_decimals_of_a_metric_end(value: float, decimals: int, text: str) -> None:
    assert number(value, ValueInfo(label="v", decimals=decimals)) == text


def test_a_spread_of_a_share_is_held_against_the_share_as_it_is_written() -> None:
    """In float32 0.9000002 and 0.9 are two numbers: the spread of such a share is rounding, as that of 90 is."""
    info = ValueInfo(label="high quality", direction="higher", decimals=1, percent=True)
    assert spread(0.9, 8e-7, info) == "90.0 ± 8e-05 %"
    assert spread(0.9, 1e-6, info) == "90.00000 ± 0.00010 %"


def test_durations_and_rates() -> None:
    seconds = {None: "-", -1.0: "-", 0.44: "0.4 s", 12.3: "12 s", 59.6: "1 m 00 s", 201.4: "3 m 21 s"}
    seconds |= {7500.0: "2 h 05 m", 1e5: "1 d 03 h", float("nan"): "-"}
    assert {value: duration(value) for value in seconds} == seconds
    assert [rate(value) for value in (None, 9.87, 12345.6)] == ["-", "9.9", "12,346"]


def test_the_headline_is_the_first_that_is_a_score() -> None:
    assert headline({"is": IS, "fid": FID}) == "is"
    assert headline({"n": ValueInfo(label="n", direction=None), "fid": FID, "is": IS}) == "fid"
    assert headline({"n": ValueInfo(label="n", direction=None)}) is None


@given(st.text())
def test_clean_text_is_one_line_that_prints(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.isprintable() or all(character.isspace() for character in cleaned if not character.isprintable())
    assert "\n" not in cleaned
    cleaned.encode("utf-8")


def test_escape_sequences_go_as_a_whole_however_they_begin_and_end() -> None:
    for sequence in ("\x1b[31m", "\x9b31m", "\x1b]0;title\x07", "\x1b]8;;https://evil.example\x1b\\", "\x1b[?25l"):
        assert clean(f"a{sequence}b") == "ab"
