"""Numbers and durations in words that a cell can hold."""

import math
from collections.abc import Callable

import pytest

from ganbench.store.values import ValueInfo
from ganbench.tables.wording import (
    counted,
    duration,
    energy,
    headline,
    listed,
    may_be_the_best,
    named_rows,
    number,
    rate,
    size,
    spread,
)
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
        (1.5249, 0.005, 2, "1.52 ± 0.01"),
        (1.5249, 0.0, 2, "1.52 ± 0.00"),
        (1.5249, 1e-11, 2, "1.52 ± 1e-11"),
        (1.5249, 1e-17, 2, "1.52 ± 0.00"),
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
    [
        (1.234, "1.23"),
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (-7.1e-15, "0.00"),  # the FID of samples against themselves
        (7.1e-15, "0.00"),
        (-1.1e-12, "-1.1e-12"),
        (0.0004, "0.0004"),
        (-0.001, "-0.001"),
        (609.123, "609.12"),
        (1e12, "1e+12"),
    ],
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


def test_what_a_metric_has_decimals_for_is_no_rounding() -> None:
    assert number(-2.3e-14, ValueInfo(label="v", decimals=15)) == "-0.000000000000023"


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


@pytest.mark.parametrize(
    ("written", "texts"),
    [
        (duration, {0.0: "0.0 s", 9.94: "9.9 s", 9.95: "10 s", 59.4: "59 s", 3599.4: "59 m 59 s", 3600.0: "1 h 00 m",
                    86399.0: "23 h 59 m", 86400.0: "1 d 00 h", 90000.0: "1 d 01 h"}),
        (rate, {0.0: "0.0", 99.94: "99.9", 99.95: "100", 999.0: "999", math.nan: "-", math.inf: "-"}),
        (size, {None: "-", -1.0: "-", math.nan: "-", math.inf: "-", 0.0: "0 MiB", 512 * 2**20: "512 MiB",
                999 * 2**20: "999 MiB", 1000 * 2**20: "1.0 GiB", 3.25 * 2**30: "3.2 GiB"}),
        (energy, {None: "-", -1.0: "-", math.nan: "-", math.inf: "-", 0.0: "0 J", 830.0: "830 J", 999.4: "999 J",
                  999.5: "1.0 kJ", 12300.0: "12.3 kJ", 999_400.0: "999.4 kJ", 4.5e6: "4.5 MJ"}),
    ],
    ids=["duration", "rate", "size", "energy"],
)  # fmt: skip
def test_where_one_unit_ends_and_the_next_begins(
    written: Callable[[float | None], str], texts: dict[float | None, str]
) -> None:
    assert {value: written(value) for value in texts} == texts


def test_names_in_a_sentence() -> None:
    names = [f"w{index}" for index in range(13)]
    assert [listed(names[:count]) for count in (1, 2, 3)] == ["w0", "w0 and w1", "w0, w1 and w2"]
    assert named_rows(names[:12], "the other ").endswith(", w10 and w11")
    assert [named_rows(names), named_rows(names, "the other ")] == ["13 rows", "the other 13 rows"]
    told = [may_be_the_best(names[:count], everyone=everyone) for count in (2, 3) for everyone in (True, False)]
    assert told == [
        "either of the 2 rows may be the best", "either of w0 and w1 may be the best",
        "any of the 3 rows may be the best", "any of w0, w1 and w2 may be the best",
    ]  # fmt: skip
    assert [counted(count, "seed") for count in (0, 1, 2)] == ["0 seeds", "1 seed", "2 seeds"]


def test_the_headline_is_the_first_that_is_a_score() -> None:
    assert headline({"is": IS, "fid": FID}) == "is"
    assert headline({"n": ValueInfo(label="n", direction=None), "fid": FID, "is": IS}) == "fid"
    assert headline({"n": ValueInfo(label="n", direction=None)}) is None


def test_a_percentage_that_no_float_can_hold_is_written_all_the_same() -> None:
    info = ValueInfo(label="high quality", direction="higher", decimals=1, percent=True)
    assert spread(1.5e308, None, info) == "1.5e+310 %"
    assert spread(-1.5e308, 1e308, info) == "-1.5e+310 ± 1.0e+310 %"
    assert spread(math.inf, None, info) == "- %"
