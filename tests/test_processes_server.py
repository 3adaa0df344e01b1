"""The host's end of the fork server, whose process is none: what it is started with and told, and how it ends."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import GanbenchError
from ganbench.processes.server import CannotStart, NoGPU, Server, ServerDied, shared_server


class Process:
    """Stands for the fork server's process: it says what the test writes, and ends when it is told to."""

    def __init__(self, command: list[str], *, env: dict[str, str], start_new_session: bool, **pipes: Any) -> None:
        self.command, self.environment, self.own_session = command, env, start_new_session
        heard, self.stdin = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
        self.stdout, self._says = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
        self._heard = heard
        self.code: int | None = None
        self.obeys, self.killed = True, False

    def poll(self) -> int | None:
        return self.code

    def wait(self, timeout: float | None = None) -> int:
        if not self.obeys and not self.killed:
            raise subprocess.TimeoutExpired(self.command, timeout or 0.0)
        self._says.close()
        return self.code or 0

    def kill(self) -> None:
        self.killed = True

    def say(self, text: str) -> None:
        self._says.write(text.encode())
        self._says.flush()

    def heard(self) -> list[dict[str, Any]]:
        """What it was told, once nobody tells it more."""
        self.stdin.close()
        with self._heard:
            return [json.loads(line) for line in self._heard]

    def die(self, code: int) -> None:
        self.code = code
        self._says.close()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Process]]:
    """The processes that were started."""
    found: list[Process] = []

    def start(*command: Any, **how: Any) -> Process:
        found.append(Process(*command, **how))
        return found[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    yield found
    for one in found:
        for end in (one.stdin, one._heard, one.stdout, one._says):
            with contextlib.suppress(BrokenPipeError):
                end.close()


@pytest.mark.parametrize(("device", "visible"), [("cpu", ""), ("cuda", "0,1")])
def test_its_process_has_the_threads_and_devices_of_its_trials_and_hears_no_terminal(
    started: list[Process], monkeypatch: pytest.MonkeyPatch, device: str, visible: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    Server(threads=3, device=device)
    (process,) = started
    assert process.command[-2:] == ["-m", "ganbench.processes.forkserver"]
    assert process.environment["CUDA_VISIBLE_DEVICES"] == visible
    assert {process.environment[f"{name}_NUM_THREADS"] for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")} == {"3"}
    assert process.own_session


def test_a_message_may_come_in_pieces_and_several_at_once(started: list[Process]) -> None:
    server = Server(threads=1, device="cpu")
    started[0].say('{"id": "a", ')
    assert server.receive(60) == []
    started[0].say('"code": 0}\n{"id": "b"}\n{"id"')
    assert server.receive(60) == [{"id": "a", "code": 0}, {"id": "b"}]
    started[0].say(': "c"}\n')
    assert server.receive(60) == [{"id": "c"}]


def test_one_that_has_died_is_told_by_its_exit_code(started: list[Process], tmp_path: Path) -> None:
    server = Server(threads=1, device="cpu")
    started[0].say('{"cannot_start": "no torch", "trace": "where"}\n')
    with pytest.raises(CannotStart, match=r"^no trial can be started here \(no torch\); see 'ganbench doctor'$"):
        server.receive(60)
    alive = [server.alive]
    started[0].die(-9)
    assert [*alive, server.alive] == [True, False]
    with pytest.raises(ServerDied, match=r"has died \(exit code -9\); run again to resume"):
        server.receive(60)
    started[0]._heard.close()
    with pytest.raises(ServerDied, match=r"has died .*; run again to resume"):
        server.start("a", "trial", [], tmp_path / "log")


@pytest.mark.parametrize(("task", "what"), [("cuda", "asking torch for a GPU"), ("resolve", "planning")])
def test_a_task_that_takes_too_long_is_ended(started: list[Process], tmp_path: Path, task: str, what: str) -> None:
    with pytest.raises(GanbenchError, match=f"^{what} took longer than 0 seconds and was stopped$"):
        Server(threads=1, device="cpu").run(task, ["x"], tmp_path / "log", 0)
    assert started[0].heard() == [
        {
            "op": "start", "id": task, "task": task, "arguments": ["x"], "log": str(tmp_path / "log"),
            "environment": {}, "memory_limit": None,
        },
        {"op": "kill", "id": task, "hard": True},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "why"),
    [((0, ""), None), ((1, "no kernel image"), "no kernel image"), ((3, ""), "it ended with exit code 3")],
)
def test_why_torch_cannot_use_a_gpu_is_said(
    started: list[Process], monkeypatch: pytest.MonkeyPatch, answer: tuple[int, str], why: str | None
) -> None:
    monkeypatch.setattr(Server, "run", lambda *_: answer)
    server = Server(threads=1, device="cuda")
    if why is None:
        server.require_gpu()
        return
    with pytest.raises(NoGPU) as caught:
        server.require_gpu()
    assert caught.value.why == why


def test_one_that_does_not_end_is_killed(started: list[Process]) -> None:
    for obeys in (True, False):
        server = Server(threads=1, device="cpu")
        started[-1].obeys = obeys
        server.close()
        assert started[-1].stdin.closed
        assert started[-1].killed is not obeys


def test_it_is_opened_when_it_is_asked_for_and_again_once_it_has_died(
    started: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Torch is asked for the GPU once: a later server is there because the first one worked."""
    asked: list[Server] = []

    def ask(self: Server) -> None:
        asked.append(self)

    monkeypatch.setattr(Server, "require_gpu", ask)
    with shared_server("cuda", 1, needs_gpu=True) as server:
        assert started == []
        first = server()
        assert server() is first
        started[0].die(1)
        second = server()
        assert second is not first
        assert server() is second
    assert asked == [first]
    assert [process.stdin.closed for process in started] == [True, True]
