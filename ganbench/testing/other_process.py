"""A module of the kit asked in another process, which finds modules where this one does."""

import json
import os
import subprocess
import sys
from typing import Any

from ganbench.processes.interpreter import safe_path

SECONDS = 300
_MARK = "ganbench-answer "


class NoAnswer(Exception):
    """Another process failed or was too slow; the message says which."""


def ask(module: str, *arguments: str, doing: str, environment: dict[str, str] | None = None) -> Any:
    """Run a module in another process and return what it gives to :func:`answer`, whatever else it prints.

    Args:
        module: the module.
        arguments: of its command line.
        doing: what it does, for the message: ``load it``.
        environment: variables that are set there besides.

    Raises:
        NoAnswer: the process ended without an answer, or took longer than :data:`SECONDS`.
    """
    path = os.pathsep.join(path or "." for path in sys.path)
    try:
        done = subprocess.run(
            # Not isolated, even if this process is: it would not look at these variables.
            [sys.executable, *safe_path(), "-m", module, *arguments],
            env=os.environ | {"PYTHONPATH": path} | (environment or {}),
            stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"another process did not {doing} within {SECONDS} seconds") from None
    lines = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.startswith(_MARK)]
    if not lines:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise NoAnswer(f"another process could not {doing} ({' '.join(last) or f'exit {done.returncode}'})")
    return json.loads(lines[-1].removeprefix(_MARK))


def answer(value: Any) -> None:
    """Answer, in the other process, on a line of its own."""
    print(f"\n{_MARK}{json.dumps(value)}")
