"""A margin as a user says it."""

import pytest

from ganbench.errors import UsageError
from ganbench.leaderboard.margin import Margin, parse_margin


@pytest.mark.parametrize(("text", "size"), [("5%", 0.05), (" 0.3 ", 0.3), ("0", 0.0), ("1e-3", 0.001)])
def test_margins(text: str, size: float) -> None:
    assert parse_margin(text) == Margin(pytest.approx(size), "%" in text)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "five", "-1", "nan", "inf", "%"])
def test_margins_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--margin"):
        parse_margin(text)
