"""What a run survives, in short form; ``python -m tests.faults --kills 200 --grid`` is the long one."""

import os
from pathlib import Path

import pytest

from ganbench import supervisor
from ganbench.supervisor import CappedLog
from tests.faults import disks
from tests.faults.grid import hostile_grid
from tests.faults.kills import kill_and_resume

NEEDS_PROC = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes through /proc")


@NEEDS_PROC
@pytest.mark.slow
def test_hostile_trials_cost_their_rows(tmp_path: Path) -> None:
    assert hostile_grid(tmp_path, good_seeds=1, timeout=6) == []


@NEEDS_PROC
@pytest.mark.slow
def test_killed_trials_end_as_undisturbed_ones(tmp_path: Path) -> None:
    assert kill_and_resume(tmp_path, kills=6, seed=0, seconds=500) == []


@pytest.mark.slow
@pytest.mark.parametrize("what", ["full", "read-only"])
def test_disks_that_cannot_be_written_to(what: str, tmp_path: Path) -> None:
    if reason := disks.available():
        pytest.skip(reason)
    assert disks.run_inside(what, tmp_path) == ""


def test_a_log_keeps_its_beginning_and_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOG_HEAD", 1000)
    monkeypatch.setattr(supervisor, "LOG_TAIL", 100)
    log = CappedLog(str(tmp_path / "log"))
    for number in range(1000):
        log.write(b"line %d\n" % number)
    log.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[0] == "line 0"
    assert lines[-1] == "line 999"
    assert any("bytes left out" in line for line in lines)
    assert (tmp_path / "log").stat().st_size < 1400


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    log = CappedLog(str(tmp_path / "missing" / "log"))
    log.write(b"first\nlast words\n")
    log.close()
    assert (log.lost, log.last_line) == (True, "last words")


@NEEDS_PROC
def test_memory_and_processes_are_found() -> None:
    child = os.fork()
    if child == 0:
        import time

        time.sleep(60)
        os._exit(0)
    try:
        assert child in supervisor.below(os.getpid())
        assert supervisor.memory_below(os.getpid()) > 0
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert child not in supervisor.below(os.getpid())
