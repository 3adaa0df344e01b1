"""What the fork server must not do before it forks: a process whose parent has asked for a GPU cannot use one."""

import errno
import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from ganbench.processes import forkserver, supervisor
from ganbench.processes.server import CannotStart, Server

STARTED = """
import os, sys, torch

def refuse(name):
    def asked(*arguments, **options):
        print(name, flush=True)
        os._exit(3)
    return asked

for name in dir(torch._C):
    if name.startswith("_cuda_") and callable(getattr(torch._C, name)):
        setattr(torch._C, name, refuse(name))
if "ask" in sys.argv:
    torch.cuda.is_available()
from ganbench.processes.forkserver import serve
sys.exit(serve())
"""
"""A server in which whatever asks CUDA for something ends it."""


@pytest.mark.parametrize(("arguments", "expected"), [([], (0, "")), (["ask"], (3, "_cuda_getDeviceCount\n"))])
def test_the_server_asks_for_no_gpu(arguments: list[str], expected: tuple[int, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTED, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == expected, done.stderr


def test_what_cannot_be_imported_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libgone.so: cannot open shared object file')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    why = r"^no trial can be started here \(ImportError: libgone.so: cannot open .*\); see 'ganbench doctor'$"
    with closing(Server(threads=1, device="cpu")) as server, pytest.raises(CannotStart, match=why) as caught:
        server.run("resolve", [], tmp_path / "log", 300)
    assert str(tmp_path / "torch.py") in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EAGAIN, "failed: no process can be started (Resource temporarily unavailable); run fewer"),
        (errno.ENOMEM, "out-of-memory: there is no memory for another process"),
    ],
)
def test_a_process_that_cannot_be_had_ends_its_task_alone(
    number: int, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise OSError(number, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    read, write = os.pipe()
    running = {4711: "another"}
    forkserver._obey({"op": "start", "id": "one"}, running, write, ())
    os.close(write)
    with os.fdopen(read) as channel:
        told = json.loads(channel.read())
    assert running == {4711: "another"}
    assert (told["id"], told["code"]) == ("one", 1)
    assert told["why"].startswith(why)


def test_a_process_with_many_open_files_hears_of_its_tasks() -> None:
    """As a notebook's or a service's may be that calls ``ganbench.run``."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2048:
        pytest.skip("fewer than 2048 files may be open here (ulimit -n)")
    read, write = os.pipe()
    high = fcntl.fcntl(read, fcntl.F_DUPFD_CLOEXEC, 1500)
    os.close(read)
    with os.fdopen(high, "rb") as told:
        server = Server.__new__(Server)
        server._pending = b""
        server._process = SimpleNamespace(stdout=told)  # type: ignore[assignment]
        assert server.receive(0.01) == []
        supervisor.report(write, "one", 0)
        assert [message["id"] for message in server.receive(60)] == ["one"]
        os.close(write)


def test_what_ended_a_task_is_told_of_before_its_last_words(tmp_path: Path) -> None:
    def end(why: str, last_line: str) -> tuple[int, str]:
        read, write = os.pipe()
        supervisor.report(write, "resolve", 1, why=why, last_line=last_line)
        os.close(write)
        with os.fdopen(read, "rb") as told, open(os.devnull, "wb") as nobody:
            server = Server.__new__(Server)
            server._pending = b""
            server._process = SimpleNamespace(stdin=nobody, stdout=told)  # type: ignore[assignment]
            return server.run("resolve", [], tmp_path / "log", 60)

    assert end("", "bye") == (1, "bye")
    assert end("out-of-memory: killed", "bye") == (1, "out-of-memory: killed")
    assert end("failed: no process", "") == (1, "no process")


def test_the_task_that_is_meant_is_ended_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda process, number: sent.append((process, number)))
    for hard in (False, True):
        forkserver._obey({"op": "kill", "id": "b", "hard": hard}, {11: "a", 12: "b"}, -1, ())
    assert sent == [(12, signal.SIGTERM), (12, supervisor.END)]


def test_of_a_supervisor_that_could_not_tell_the_server_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was killed; whoever ends by itself has told. Children that nobody started here are no task's."""
    ended = iter([(11, 0), (12, signal.SIGKILL), (13, signal.SIGKILL), (0, 0)])
    monkeypatch.setattr(os, "waitpid", lambda process, options: next(ended))
    monkeypatch.setattr(forkserver, "below", lambda process: [14, 15] if process == os.getpid() else [15])
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda process, number: killed.append(process))
    running = {11: "a", 12: "b", 14: "c"}
    read, write = os.pipe()
    forkserver._reap(write, running)
    os.close(write)
    with os.fdopen(read, "rb") as told:
        assert [(one["id"], one["code"]) for one in map(json.loads, told)] == [("b", -signal.SIGKILL)]
    assert running == {14: "c"}
    assert killed == []
    ended = iter([(0, 0)])
    forkserver._reap(-1, {})
    assert sorted(killed) == [14, 15], "what a supervisor that was killed has left is ended"
