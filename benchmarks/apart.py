"""A contender in a process of its own, as its users run it: what one does to its process does not reach the others."""

import atexit
import gc
import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import torch

from benchmarks.training.peers import MissingPeer


class Apart:
    """Calls methods of an object that lives in another process.

    Args:
        build: makes the object, over there; a function of a module.
        arguments: for ``build``.

    Raises:
        MissingPeer: ``build`` said so.
        RuntimeError: it failed otherwise, or a call did, after which it is gone; with the other process's traceback.
    """

    def __init__(self, build: Callable[..., Any], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        # Not a daemon: a peer's loader has processes of its own. It ends when this end of the pipe is closed.
        usual = multiprocessing.get_start_method()
        self._process = context.Process(target=_serve, args=(there, usual, build, arguments))
        self._process.start()
        there.close()
        # Before multiprocessing waits for its processes, which wait for this end to be closed.
        atexit.register(self._pipe.close)
        try:
            self._answer()
        except BaseException:
            self.close()
            raise

    def call(self, method: str, *arguments: Any, threads: int = 0) -> Any:
        """Call a method there, with that many threads where a number is given, and return what it returns."""
        return self._answer((method, arguments, threads))

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()

    def __enter__(self) -> "Apart":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _answer(self, *questions: object) -> Any:
        try:
            for question in questions:
                self._pipe.send(question)
            kind, value = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            raise RuntimeError(f"a contender's process ended with {self._process.exitcode}") from None
        if kind == "missing":
            raise MissingPeer(value)
        if kind == "failed":
            raise RuntimeError(value)
        return value


def _serve(pipe: Connection, usual: str, build: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    # Else what the contender starts, such as a loader's workers, would be spawned, too, which takes seconds.
    multiprocessing.set_start_method(usual, force=True)
    contender: Any = None
    while True:
        try:
            if contender is None:
                contender, found = build(*arguments), None
            else:
                method, values, threads = pipe.recv()
                if threads:
                    torch.set_num_threads(threads)
                gc.collect()
                found = getattr(contender, method)(*values)
            pipe.send(("value", found))
        except EOFError:
            return
        except MissingPeer as missing:
            pipe.send(("missing", str(missing)))
            return
        except Exception:
            pipe.send(("failed", traceback.format_exc()))
            return
