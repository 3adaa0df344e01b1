"""What became of a run: the exit code of the command that ran it."""

import pytest

from ganbench.running.outcome import Outcome
from tests.rows import make_row
from tests.trials import make_spec


@pytest.mark.parametrize(
    ("statuses", "interrupted", "code"),
    [
        ((), False, 0),
        (("done", "done"), False, 0),
        (("done", "failed"), False, 1),
        (("done", "interrupted"), True, 130),
    ],
)
def test_the_exit_code_says_whether_all_is_done(statuses: tuple[str, ...], interrupted: bool, code: int) -> None:
    rows = [make_row(make_spec(seed=seed), status) for seed, status in enumerate(statuses)]
    assert Outcome(interrupted=interrupted).exit_code(rows) == code
