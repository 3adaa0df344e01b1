"""The host's end of the fork server."""

import contextlib
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError, StoreError, UsageError
from ganbench.processes.interpreter import python

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
GPU_SECONDS = 600.0
"""Torch is imported in it, which a cold file system makes long, and drivers that are not kept loaded are."""


class ServerDied(GanbenchError):
    """The fork server was killed or crashed; what it ran has ended with it."""


class CannotStart(ServerDied):
    """The fork server cannot import what tasks need, which another one could not either."""


class WorkerTraceback(Exception):
    """Where an error arose in the worker's process; ``--debug`` shows it above our own."""

    def __str__(self) -> str:
        return "\n" + str(self.args[0])


class NoGPU(UsageError):
    """The driver lists a GPU, and torch cannot use it.

    Attributes:
        why: what torch says.
    """

    def __init__(self, why: str, remedy: str = "") -> None:
        """``remedy`` is what to do, where that is not left to the reader."""
        self.why = why
        said = f"the driver lists a GPU that torch cannot use: {why}"
        super().__init__(f"{said}; {remedy}" if remedy else said)


def require_fork() -> None:
    """Refuse a system that cannot fork a process.

    Raises:
        UsageError: it cannot; says which can.
    """
    if not hasattr(os, "fork"):
        raise UsageError(
            "ganbench trains and scores only on Linux and macOS, because it forks processes; on Windows use WSL"
        )


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder that is removed at the end: what host and worker tell each other lies there.

    Raises:
        StoreError: there is no place for one.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="ganbench-")
    except OSError as error:
        raise StoreError(
            f"no temporary folder can be made ({error.strerror}); set TMPDIR to a folder that can be written to"
        ) from error
    with folder as path:
        yield Path(path)


class Server:
    """The fork server's other end."""

    def __init__(self, threads: int, device: str) -> None:
        require_fork()
        environment = dict(os.environ)
        for name in _THREADS:
            environment[name] = str(threads)
        if device == "cpu":
            environment["CUDA_VISIBLE_DEVICES"] = ""
        try:
            self._process = subprocess.Popen(
                python("-m", "ganbench.processes.forkserver"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                # In a session of its own, Ctrl-C in the terminal reaches the host alone.
                start_new_session=True,
            )
        except OSError as error:
            raise GanbenchError(f"the process that starts trials cannot be started: {error.strerror}") from error
        self._pending = b""

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process.poll() is None

    def start(
        self,
        name: str,
        task: str,
        arguments: list[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        memory_limit: int | None = None,
    ) -> None:
        """Start a task; ``name`` says which it is in the message of its end.

        ``environment`` is set in its process before it begins.
        """
        message = {"op": "start", "id": name, "task": task, "arguments": arguments, "log": str(log)}
        self._send(message | {"environment": dict(environment or {}), "memory_limit": memory_limit})

    def end(self, name: str, *, hard: bool) -> None:
        """Ask a task to stop, or end it and all that it started at once."""
        self._send({"op": "kill", "id": name, "hard": hard})

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write((json.dumps(message) + "\n").encode())
            self._process.stdin.flush()
        except OSError as error:
            raise ServerDied(f"the process that starts trials has died ({error}); run again to resume") from error

    def receive(self, timeout: float) -> list[dict[str, Any]]:
        """Return how tasks ended, as soon as one does within ``timeout`` seconds: messages of the fork server.

        Raises:
            ServerDied: it has; a :class:`CannotStart` where it says why.
        """
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        news = select.poll()  # select() takes no number from 1024 on, which a caller with many open files may have
        news.register(descriptor, select.POLLIN)
        if not news.poll(1000 * timeout):
            return []
        data = os.read(descriptor, 65536)
        if not data:
            code = self._process.wait()
            raise ServerDied(f"the process that starts trials has died (exit code {code}); run again to resume")
        *lines, self._pending = (self._pending + data).split(b"\n")
        messages = [json.loads(line) for line in lines]
        if messages and "cannot_start" in messages[0]:
            trace = WorkerTraceback(messages[0]["trace"])
            raise CannotStart(
                f"no trial can be started here ({messages[0]['cannot_start']}); see 'ganbench doctor'"
            ) from trace
        return messages

    def run(self, task: str, arguments: list[str], log: Path, timeout: float) -> tuple[int, str]:
        """Run one task to its end; return its exit code, and what ended it or the last line it printed if it failed.

        Nothing else may be running.

        Raises:
            GanbenchError: it took longer than ``timeout`` seconds, or the server died.
        """
        self.start(task, task, arguments, log)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if ended := self.receive(min(1.0, timeout)):
                return int(ended[0]["code"]), str(ended[0]["why"] or ended[0]["last_line"]).removeprefix("failed: ")
        self.end(task, hard=True)
        what = "asking torch for a GPU" if task == "cuda" else "planning"
        raise GanbenchError(f"{what} took longer than {timeout:.0f} seconds and was stopped")

    def require_gpu(self) -> None:
        """Ask torch, in a process of its own, whether it can use a GPU: the driver's tool tells of the driver alone.

        Raises:
            NoGPU: it cannot; says why.
        """
        with temporary_folder() as folder:
            code, why = self.run("cuda", [], folder / "log", GPU_SECONDS)
        if code:
            raise NoGPU(why or f"it ended with exit code {code}")

    def close(self) -> None:
        """Close the server's input, upon which it ends all it started; kill it if it does not."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextmanager
def shared_server(device: str, threads: int, *, needs_gpu: bool = False) -> Iterator[Callable[[], Server]]:
    """Yield a function that opens the fork server on its first call, and another where that has died since.

    All of them are closed at the end.

    Args:
        device: ``cpu`` hides all GPUs from it.
        threads: CPU threads of what it runs.
        needs_gpu: whether that first call raises :class:`NoGPU` where torch cannot use a GPU here.
    """
    opened: list[Server] = []

    def server() -> Server:
        if not opened or not opened[-1].alive:
            opened.append(Server(threads=threads, device=device))
            if needs_gpu and len(opened) == 1:
                opened[-1].require_gpu()
        return opened[-1]

    try:
        yield server
    finally:
        for one in opened:
            one.close()
