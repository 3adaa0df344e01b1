"""What rows come to together, and the exit code that a job sees."""

from collections.abc import Sequence

import pytest

from ganbench.leaderboard.checks import Check, Verdict, overall
from ganbench.statistics import Outcome
from tests.rows import NONE


@pytest.mark.parametrize(
    ("outcomes", "together", "code"),
    [
        (["pass", "pass"], "pass", 0),
        (["pass", "fail", "inconclusive"], "fail", 1),
        (["pass", "inconclusive"], "inconclusive", 3),
        ([], "inconclusive", 3),
    ],
)
def test_one_failure_is_one_and_a_pass_is_of_all(outcomes: Sequence[Outcome], together: str, code: int) -> None:
    verdict = Verdict(tuple(Check("a", outcome, "why") for outcome in outcomes), NONE, 0.05)
    assert (verdict.outcome, verdict.exit_code) == (together, code)
    assert overall(iter(outcomes)) == together
