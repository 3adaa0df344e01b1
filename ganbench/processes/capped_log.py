"""A task's log, kept within bounds: what a trial prints for hours does not fill the disk."""

import os
import stat
from collections import deque

LOG_HEAD = 4 << 20
LOG_TAIL = 64 << 10
"""Bytes of a log that are kept from its beginning and from its end; what is between them is left out."""
LAST_WORDS = 1000
_PLAIN: int = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Of a folder that may be a stranger's: nothing is written through a link, and no pipe is waited for."""


class CappedLog:
    """A file that is appended to, up to a size; beyond it only the newest bytes are kept, and written at the end."""

    def __init__(self, path: str) -> None:
        self._file = _opened(path)
        self._room = LOG_HEAD
        self._latest = b""
        self.lost = self._file is None
        self._tail: deque[bytes] = deque()
        self._held = 0
        self._left_out = 0

    def write(self, data: bytes) -> None:
        """Take in what the task printed."""
        self._latest = (self._latest + data)[-LAST_WORDS:]
        head, rest = data[: self._room], data[self._room :]
        self._room -= len(head)
        self._put(head)
        if rest:
            self._tail.append(rest)
            self._held += len(rest)
        while self._held > LOG_TAIL + len(self._tail[0] if self._tail else b""):
            gone = self._tail.popleft()
            self._held -= len(gone)
            self._left_out += len(gone)

    @property
    def last_line(self) -> str:
        """The last line that was printed, wherever it went."""
        lines = [line for line in self._latest.decode("utf-8", errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else ""

    def close(self) -> None:
        """Write the newest bytes after a line that says how many were left out."""
        if self._left_out:
            self._put(f"\n[{self._left_out} bytes left out: a log is capped]\n".encode())
        for data in self._tail:
            self._put(data)
        self._tail.clear()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view and self._file is not None:
                view = view[os.write(self._file, view) :]
        except OSError:
            self.lost = True


def _opened(path: str) -> int | None:
    """A regular file to append to; none where a full disk, a link or a pipe costs the log, which costs no trial."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _PLAIN, 0o666)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None
