"""Between the fork server and a task."""

import errno
import json
import os
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ganbench import processes
from ganbench.processes import supervisor
from ganbench.processes.capped_log import CappedLog
from ganbench.processes.supervisor import Supervisor


@pytest.mark.parametrize("limit", [select.PIPE_BUF, 512])
@pytest.mark.parametrize("words", [b"\xff" * 4000, "\U0001f980".encode() * 133 + b"\x01" * 467, b"it is late " * 90])
def test_the_message_of_an_end_is_written_in_one_piece(
    words: bytes, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(select, "PIPE_BUF", limit)
    log = CappedLog("/nowhere/log")
    log.write(words + b"the end")
    name = "x" * 60
    read, write = os.pipe()
    try:
        supervisor.report(write, name, 1, last_line=log.last_line)
        written = os.read(read, 1 << 16)
    finally:
        os.close(read)
        os.close(write)
    assert written.endswith(b"\n")
    assert len(written) <= limit
    told = json.loads(written)
    assert (told["id"], told["code"], told["why"], told["left"]) == (name, 1, "", 0)
    assert log.last_line.endswith(told["last_line"])
    assert told["last_line"].endswith("the end")


def test_what_is_in_no_log_is_told(tmp_path: Path) -> None:
    """Also of a task that has not failed: its last words stand nowhere else."""

    def task() -> int:
        print("written nowhere", flush=True)
        return 0

    child, read = supervised(task, tmp_path / "missing")
    with os.fdopen(read) as channel:
        told = json.loads(channel.readline())
    assert os.waitpid(child, 0)[1] == 0
    assert (told["code"], told["last_line"]) == (0, "written nowhere")


def supervised(task: Callable[[], int], folder: Path) -> tuple[int, int]:
    """Start a task as on macOS, without /proc and prctl; return its supervisor and what to read its end from."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            processes._PROC = folder / "nowhere"
            processes._prctl = lambda *_: False
            Supervisor({"id": "x", "log": str(folder / "log"), "environment": {}}, write).run(task, ())
        finally:
            os._exit(1)
    os.close(write)
    return child, read


def endless(folder: Path) -> int:
    """A task with a child, which both go on for longer than the test."""
    if os.fork() == 0:
        (folder / "child").write_text(str(os.getpid()))
        time.sleep(60)
        os._exit(0)
    (folder / "task").write_text(str(os.getpid()))
    time.sleep(60)
    return 0


def number(path: Path) -> int:
    deadline = time.monotonic() + 60
    while not (path.exists() and path.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return int(path.read_text())


def gone(pid: int) -> bool:
    """Whether a process ends within a while; one that nobody waits for has ended too."""
    deadline = time.monotonic() + 20
    while processes.start_ticks(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    return processes.start_ticks(pid) is None


needs_proc = pytest.mark.skipif(not processes.are_seen(), reason="finds the ended through /proc")


@needs_proc
def test_without_proc_what_a_task_leaves_in_its_group_is_ended(tmp_path: Path) -> None:
    def task() -> int:
        if (child := os.fork()) == 0:
            time.sleep(60)
            os._exit(0)
        (tmp_path / "child").write_text(str(child))
        print("fine", flush=True)
        return 3

    child, read = supervised(task, tmp_path)
    with os.fdopen(read) as channel:
        told = json.loads(channel.readline())
    assert os.waitpid(child, 0)[1] == 0
    assert (told["code"], told["last_line"]) == (3, "fine")
    assert (tmp_path / "log").read_text() == "fine\n"
    assert gone(number(tmp_path / "child"))


def forking_by(its_fork: Callable[[], int], task: Callable[[], int], tmp_path: Path) -> tuple[int, int]:
    """As :func:`supervised`, with a supervisor that forks by another function."""
    fork = os.fork

    def start() -> int:
        child = fork()
        if child == 0:
            os.fork = its_fork
        return child

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fork", start)
        return supervised(task, tmp_path)


def test_a_request_to_end_that_comes_while_the_task_is_being_forked_reaches_it(tmp_path: Path) -> None:
    fork = os.fork

    def interrupted() -> int:
        # As the command line's Ctrl-C may, by way of the fork server.
        os.kill(os.getpid(), signal.SIGTERM)
        child = fork()
        if child:
            time.sleep(0.2)
        return child

    def task() -> int:
        time.sleep(30)
        return 0

    child, read = forking_by(interrupted, task, tmp_path)
    with os.fdopen(read) as channel:
        told = json.loads(channel.readline())
    assert os.waitpid(child, 0)[1] == 0
    assert told["code"] == -signal.SIGTERM


def test_a_supervisor_that_cannot_fork_says_why(tmp_path: Path) -> None:
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    child, read = forking_by(refuse, lambda: 0, tmp_path)
    with os.fdopen(read) as channel:
        told = json.loads(channel.readline())
    assert os.waitpid(child, 0)[1] == 0
    assert told["code"] == 1
    assert told["why"].startswith("failed: no process can be started (Resource temporarily unavailable); run fewer")


@needs_proc
@pytest.mark.parametrize("victim", ["supervisor", "server"])
def test_without_prctl_a_task_ends_with_what_started_it(tmp_path: Path, victim: str) -> None:
    server = os.fork()
    if server == 0:
        child, _ = supervised(lambda: endless(tmp_path), tmp_path)
        (tmp_path / "supervisor").write_text(str(child))
        time.sleep(60)
        os._exit(0)
    try:
        names = ["supervisor", "task", "child"]
        everyone = {name: number(tmp_path / name) for name in names}
        os.kill(everyone["supervisor"] if victim == "supervisor" else server, signal.SIGKILL)
        assert all(gone(everyone[name]) for name in names)
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)
