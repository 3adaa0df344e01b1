"""A server of workers that starts nothing: it notes what it is asked for, and says what the test lets it say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganbench.executors import Job
from ganbench.processes.server import ServerDied
from ganbench.records.folder import TrialFolder


def message(name: str, code: int = 0, **more: Any) -> dict[str, Any]:
    """What a supervisor says of a process that has ended."""
    return {"id": name, "code": code, "why": "", "left": 0, "last_line": ""} | more


class Fake:
    """A server that notes what it is asked for; processes end as the test says."""

    def __init__(self) -> None:
        self.started: list[tuple[Any, ...]] = []
        self.given: list[dict[str, Any]] = []
        self.ended: list[tuple[str, bool]] = []
        self.messages: list[dict[str, Any]] = []
        self.waited: list[float] = []
        self.dead = False

    def _must_live(self) -> None:
        if self.dead:
            raise ServerDied("the process that starts trials has died")

    def start(self, *what: Any, **how: Any) -> None:
        self._must_live()
        self.started.append(what)
        self.given.append(how)

    def end(self, name: str, *, hard: bool) -> None:
        self._must_live()
        self.ended.append((name, hard))

    def receive(self, timeout: float) -> list[dict[str, Any]]:
        self.waited.append(timeout)
        found, self.messages = self.messages, []
        if not found:
            self._must_live()
        return found

    @property
    def names(self) -> list[str]:
        return [what[0] for what in self.started]


def opening(*, dead: bool = False) -> tuple[list[Fake], Callable[[], Fake]]:
    """The servers that were opened, and what opens another, which may have died already."""
    opened: list[Fake] = []

    def server() -> Fake:
        opened.append(Fake())
        opened[-1].dead = dead
        return opened[-1]

    return opened, server


def jobs(path: Path, names: str) -> list[Job]:
    """Jobs of these one-letter names, which wait."""
    found = [Job(name, path / name) for name in names]
    for job in found:
        TrialFolder(job.folder).write_status("pending")
    return found
