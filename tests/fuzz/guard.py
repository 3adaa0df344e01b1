"""What no input may bring about: a traceback, a hang, or a write outside the folder it was given."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

SECONDS = 60
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PLACES: list[Path] = []
_OUTSIDE: list[str] = []
_INSTALLED: list[bool] = []


class Hang(BaseException):
    """An input took longer than it may."""


@contextmanager
def guarded(*places: Path) -> Iterator[None]:
    """Allow writes below ``places`` only, and :data:`SECONDS` of time.

    Raises:
        AssertionError: something was written elsewhere.
        Hang: it took too long.
    """
    if not _INSTALLED:
        _INSTALLED.append(True)
        sys.addaudithook(_look)
    _PLACES[:] = [place.resolve() for place in places]
    _OUTSIDE.clear()
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        _PLACES.clear()
    assert not _OUTSIDE, f"written outside: {_OUTSIDE}"


def _too_long(number: int, frame: FrameType | None) -> None:
    raise Hang


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: Python tells it of every file that is opened, made, renamed or removed."""
    if not _PLACES:
        return
    if event == "open":
        path, _, flags = arguments
        paths = [path] if isinstance(flags, int) and flags & _WRITING else []
    elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod"):
        paths = [arguments[0]]
    elif event in ("os.rename", "os.link", "os.symlink"):
        paths = [arguments[0], arguments[1]] if event != "os.symlink" else [arguments[1]]
    else:
        return
    for path in paths:
        if isinstance(path, str | bytes | os.PathLike):
            place = Path(_folder(event, arguments), os.fsdecode(path)).absolute()
            real = place.parent.resolve() / place.name
            if str(real) != os.devnull and not any(real.is_relative_to(allowed) for allowed in _PLACES):
                _OUTSIDE.append(f"{event} {real}")


def _folder(event: str, arguments: tuple[Any, ...]) -> str:
    """The folder that a relative path starts from: that of an open descriptor where one was given."""
    at = {"os.mkdir": 2, "os.remove": 1, "os.rmdir": 1, "os.rename": 2}.get(event)
    if at is None or len(arguments) <= at or not isinstance(arguments[at], int) or arguments[at] < 0:
        return ""
    return os.readlink(f"/proc/self/fd/{arguments[at]}")
