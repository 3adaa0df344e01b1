"""Options of executors: how they are written, and what their values may be."""

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


def test_values_of_options() -> None:
    for text, expected in [("90", 90), ("90s", 90), ("15m", 900), ("1.5h", 5400), ("4:00:00", 14400), ("2d", 172800)]:
        assert seconds({"time": text}, "time", 0) == expected
    assert seconds({"time": "1-12:00:00"}, "time", 0) == 129600
    assert (count({"n": "3"}, "n", 1), count({}, "n", 1), number({"n": "0.25"}, "n", 1)) == (3, 1, 0.25)
    for bad in (
        lambda: seconds({"t": "4 h"}, "t", 0),
        lambda: count({"t": "0"}, "t", 1),
        lambda: number({"t": "x"}, "t", 1),
    ):
        with pytest.raises(UsageError, match="option t="):
            bad()
    with pytest.raises(UsageError, match="did you mean 'partition'"):
        check_names("slurm", {"partion": "gpu"}, ["partition", "time"])
