"""What is found out about processes, where there is /proc."""

import os
import time
from pathlib import Path

import pytest

from ganbench import processes

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes through /proc")


def test_memory_and_processes_are_found() -> None:
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    try:
        assert child in processes.below(os.getpid())
        assert processes.memory_below(os.getpid()) > 0
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert child not in processes.below(os.getpid())


def test_a_process_is_known_by_its_start() -> None:
    started = processes.start_ticks(os.getpid())
    assert started
    assert processes.alive(os.getpid(), started)
    assert processes.alive(os.getpid(), started + 1) is False, "another process of the same number"
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert processes.start_ticks(child) is None, "it has ended and was not waited for"
    os.waitpid(child, 0)
    assert processes.start_ticks(child) is None
    assert processes.start_ticks(2**40) is None
