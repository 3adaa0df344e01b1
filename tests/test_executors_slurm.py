"""What the Slurm executor decides by a trial's folder; tests/clusters runs it on a real Slurm."""

from pathlib import Path

import pytest

from ganbench.executors.slurm import _got_on
from ganbench.folder import TrialFolder


@pytest.mark.parametrize(
    ("starts", "attempts", "got_on"),
    [
        ([], [], True),
        ([1.0], [], False),
        ([1.0], [(1.0, 0)], True),
        ([1.0, 2.0], [(1.0, 0), (2.0, 300)], True),
        ([1.0, 2.0], [(1.0, 0), (2.0, 0)], False),
        ([1.0, 2.0, 3.0], [(1.0, 0), (2.0, 300)], False),
        ([1.0, 2.0, 3.0], [(1.0, 0), (3.0, 300)], True),
    ],
    ids=["never started", "no step", "first stop", "further", "not further", "not begun again", "begun after all"],
)
def test_a_stopped_trial_is_submitted_again_only_where_it_got_on(
    tmp_path: Path, starts: list[float], attempts: list[tuple[float, int]], got_on: bool
) -> None:
    folder = TrialFolder(tmp_path)
    for time in starts:
        folder.append_start({"time": time})
    for time, step in attempts:
        folder.append_attempt({"time": time, "step": step})
    assert _got_on(folder) is got_on
