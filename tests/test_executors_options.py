"""Options of executors: how they are written, and what their values may be."""

import re
from collections.abc import Callable

import pytest

from ganbench.errors import UsageError
from ganbench.executors.options import check_names, count, number, parse_options, seconds


def test_options_part_at_commas_that_begin_another() -> None:
    assert parse_options(["partition=gpu,gres=gpu:1,shard:2, time=4:00:00", "mem=8G"], "--slurm") == {
        "partition": "gpu",
        "gres": "gpu:1,shard:2",
        "time": "4:00:00",
        "mem": "8G",
    }


@pytest.mark.parametrize("text", ["partition", "=gpu", "partition=", "a b=1", "a=1,a=2"])
def test_options_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--slurm"):
        parse_options([text], "--slurm")


def test_an_option_that_is_given_twice_is_to_be_given_once() -> None:
    with pytest.raises(UsageError, match=r"^--slurm: 'a' is given twice; give it once$"):
        parse_options(["a=1", "a=2"], "--slurm")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0), ("90", 90), ("90s", 90), ("15m", 900), ("1.5h", 5400), ("4h", 14400), ("2d", 172800),
        ("4:00:00", 14400), ("0:01:00", 60), ("1:02:03", 3723), ("100:00:01", 360001),
        ("1-12:00:00", 129600), ("2-01:02:03", 176523),
    ],
)  # fmt: skip
def test_durations(text: str, expected: float) -> None:
    assert seconds({"time": text}, "time", 7) == expected


def test_numbers() -> None:
    for text, expected in (("1", 1), ("3", 3), ("007", 7), ("999999999", 999999999)):
        assert count({"n": text}, "n", 5) == expected
    for text, amount in (("0", 0.0), ("0.25", 0.25), (".5", 0.5), ("2.", 2.0)):
        assert number({"n": text}, "n", 5) == amount


def test_what_is_not_given_is_what_the_executor_says() -> None:
    assert (count({"m": "3"}, "n", 5), number({"m": "3"}, "n", 0.5), seconds({"m": "3"}, "n", 7.5)) == (5, 0.5, 7.5)


@pytest.mark.parametrize(
    ("read", "texts"),
    [
        (seconds, ("4 h", "h", "-1", "1:00", "1:0:0", "1-1", "inf", "1e3")),
        (count, ("0", "-1", "x", "1.5", "1e3", "1000000000", "³")),
        (number, ("x", "-1", ".", "inf", "nan", "1e3", "1000000000")),
    ],
)
def test_values_of_another_form_are_refused(read: Callable[..., float], texts: tuple[str, ...]) -> None:
    for text in texts:
        with pytest.raises(UsageError, match=f"^option t={re.escape(text)} must be a "):
            read({"t": text}, "t", 1)


def test_an_option_of_another_name_is_refused() -> None:
    check_names("slurm", {"partition": "gpu", "time": "1"}, iter(["partition", "time"]))
    with pytest.raises(UsageError, match="executor 'slurm' has no option 'partion'; did you mean 'partition'"):
        check_names("slurm", {"time": "1", "partion": "gpu"}, ["partition", "time"])
