"""A margin as a user says it."""

import pytest

from ganbench.errors import UsageError
from ganbench.leaderboard.margin import Margin, parse_margin
from tests.rows import FID, IS


@pytest.mark.parametrize(("text", "size"), [("5%", 0.05), (" 0.3 ", 0.3), ("0", 0.0), ("1e-3", 0.001)])
def test_margins(text: str, size: float) -> None:
    assert parse_margin(text) == Margin(pytest.approx(size), "%" in text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a number such as 0.3 or a share such as 5%"),
        ("five", "must be a number such as"),
        ("%", "must be a number such as"),
        ("-1", "'-1' must not be negative"),
        ("-inf", "'-inf' must not be negative"),
        ("nan", "'nan' must be a finite number"),
        ("inf", "'inf' must be a finite number"),
        ("1e400%", "'1e400%' must be a finite number"),
    ],
)
def test_margins_that_are_none(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_margin(text)


@pytest.mark.parametrize("text", ["100%", "250%"])
def test_a_share_that_leaves_nothing_of_a_score_is_refused(text: str) -> None:
    named = IS.model_copy(update={"label": "I\nS"})
    with pytest.raises(UsageError, match="of I S, of which more is better, would accept any score") as found:
        parse_margin(text).stored(named)
    assert "\n" not in str(found.value)
    assert parse_margin(text).stored(FID) >= 1
    assert parse_margin("99%").stored(IS) == 0.99
    assert parse_margin("100").stored(IS) == 100
