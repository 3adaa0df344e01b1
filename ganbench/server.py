"""The host's end of the fork server."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Server:
    """The fork server's other end."""

    def __init__(self, threads: int, device: str) -> None:
        environment = dict(os.environ)
        for name in _THREADS:
            environment[name] = str(threads)
        if device == "cpu":
            environment["CUDA_VISIBLE_DEVICES"] = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ganbench.forkserver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            # In a session of its own, Ctrl-C in the terminal reaches the host alone.
            start_new_session=True,
        )
        self._pending = b""

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message.

        Raises:
            GanbenchError: the server has died.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write((json.dumps(message) + "\n").encode())
            self._process.stdin.flush()
        except OSError as error:
            raise GanbenchError(f"the process that starts trials has died ({error}); run again to go on") from error

    def receive(self, timeout: float) -> list[dict[str, Any]]:
        """Return the messages that arrive within ``timeout`` seconds, as soon as there is one.

        Raises:
            GanbenchError: the server has died.
        """
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        readable, _, _ = select.select([descriptor], [], [], timeout)
        if not readable:
            return []
        data = os.read(descriptor, 65536)
        if not data:
            code = self._process.wait()
            raise GanbenchError(f"the process that starts trials has died (exit {code}); run again to go on")
        *lines, self._pending = (self._pending + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def run(self, task: str, arguments: list[str], log: Path, timeout: float) -> int:
        """Run one task to its end and return its exit code; nothing else may be running.

        Raises:
            GanbenchError: it took longer than ``timeout`` seconds, or the server died.
        """
        self.send({"op": "start", "id": task, "task": task, "arguments": arguments, "log": str(log), "environment": {}})
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for message in self.receive(min(1.0, timeout)):
                if message["event"] == "exit":
                    return int(message["code"])
        self.send({"op": "kill", "id": task, "signal": int(signal.SIGKILL)})
        raise GanbenchError(f"planning took longer than {timeout:.0f} seconds and was stopped")

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
