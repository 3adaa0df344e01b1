"""What a run survives, in short form; ``python -m tests.faults --kills 200 --grid`` is the long one."""

from pathlib import Path

import pytest

from tests.faults import disks
from tests.faults.grid import hostile_grid
from tests.faults.kills import kill_and_resume

NEEDS_PROC = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes through /proc")


@NEEDS_PROC
@pytest.mark.slow
def test_hostile_trials_cost_their_rows(tmp_path: Path) -> None:
    # Long enough for a good trial on a slow machine that has other work; three that hang wait it out.
    assert hostile_grid(tmp_path, good_seeds=1, timeout=15) == []


@NEEDS_PROC
@pytest.mark.slow
def test_killed_trials_end_as_undisturbed_ones(tmp_path: Path) -> None:
    assert kill_and_resume(tmp_path, kills=6, seed=0, seconds=500) == []


@pytest.mark.slow
@pytest.mark.parametrize("what", ["full", "full-but-for-the-log", "full-tmp", "read-only"])
def test_disks_that_cannot_be_written_to(what: str, tmp_path: Path) -> None:
    if reason := disks.available():
        pytest.skip(reason)
    assert disks.run_inside(what, tmp_path) == ""
