"""What is found out about processes, with /proc and, as on macOS, without it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganbench import processes

needs_proc = pytest.mark.skipif(not processes.are_seen(), reason="finds processes through /proc")


@needs_proc
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


@needs_proc
def test_the_children_of_children_count_too() -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        if (grandchild := os.fork()) == 0:
            time.sleep(60)
            os._exit(0)
        os.write(write, str(grandchild).encode())
        time.sleep(60)
        os._exit(0)
    grandchild = int(os.read(read, 100))
    try:
        assert [pid for pid in processes.below(os.getpid()) if pid in (child, grandchild)] == [child, grandchild]
    finally:
        for pid in (grandchild, child):
            os.kill(pid, 9)
        os.waitpid(child, 0)
        os.close(read)
        os.close(write)


def test_how_often_the_kernel_has_killed_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    assert processes.kernel_kills() == 0
    (tmp_path / "vmstat").write_text("pgfault 7\noom_killer_invoked 9\noom_kill 3\n")
    assert processes.kernel_kills() == 3


@needs_proc
def test_a_process_is_known_by_its_start() -> None:
    started = processes.start_ticks(os.getpid())
    assert started
    assert processes.alive(os.getpid(), started)
    assert processes.alive(os.getpid(), started + 1) is False, "another process of the same number"
    assert processes.alive(os.getpid(), 0) is None, "whoever wrote it down could not tell"
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert processes.start_ticks(child) is None, "it has ended and was not waited for"
    os.waitpid(child, 0)
    assert processes.start_ticks(child) is None
    assert processes.start_ticks(2**40) is None


@pytest.fixture
def unseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No /proc; the folder of programs that is returned comes first."""
    monkeypatch.setattr(processes, "_PROC", tmp_path / "nowhere")
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    processes.place.cache_clear()
    return programs


def test_without_proc_the_dead_are_told_but_not_who_lives(unseen: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not processes.are_seen()
    assert processes.start_ticks(os.getpid()) is None
    assert processes.below(os.getppid()) == []
    assert processes.alive(child.pid, 0) is False
    assert processes.alive(os.getpid(), 0) is None, "its number may be another's by now"
    assert processes.alive(1, 0) is None, "another user's, perhaps"
    assert processes.alive(2**80, 0) is False


def test_where_signal_0_ends_a_process_nobody_is_asked(unseen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("Windows ends the process"))
    monkeypatch.setattr(os, "name", "nt")
    told = processes.alive(os.getpid(), 0)
    monkeypatch.undo()  # pytest itself asks for the system's name
    assert told is None


@pytest.mark.parametrize(
    ("answer", "place"), [("echo 7E5B0C6A-1D2E", "7E5B0C6A-1D2E"), ("exit 1", ""), (">&2 echo unknown oid; exit 1", "")]
)
def test_macos_names_its_boot(unseen: Path, answer: str, place: str) -> None:
    program = unseen / "sysctl"
    program.write_text(f'#!/bin/sh\n[ "$*" = "-n kern.bootsessionuuid" ] || exit 3\n{answer}\n')
    program.chmod(0o755)
    try:
        assert processes.place() == place
    finally:
        processes.place.cache_clear()
