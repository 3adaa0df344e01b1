"""A log keeps its beginning, its end, and its last words where it cannot be written."""

import os
from pathlib import Path

import pytest

from ganbench.processes import capped_log
from ganbench.processes.capped_log import CappedLog


def test_a_log_keeps_its_beginning_and_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capped_log, "LOG_HEAD", 1000)
    monkeypatch.setattr(capped_log, "LOG_TAIL", 100)
    log = CappedLog(str(tmp_path / "log"))
    for number in range(1000):
        log.write(b"line %d\n" % number)
    log.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[0] == "line 0"
    assert lines[-1] == "line 999"
    assert any("bytes left out" in line for line in lines)
    assert (tmp_path / "log").stat().st_size < 1400


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    log = CappedLog(str(tmp_path / "missing" / "log"))
    log.write(b"first\nlast words\n")
    log.close()
    assert (log.lost, log.last_line) == (True, "last words")


def test_a_log_is_not_written_through_a_link_nor_into_a_pipe(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine\n")
    (tmp_path / "link").symlink_to(other)
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "read")
    reader = os.open(tmp_path / "read", os.O_RDONLY | os.O_NONBLOCK)
    for name in ("link", "pipe", "read"):
        log = CappedLog(str(tmp_path / name))
        log.write(b"words\n")
        log.close()
        assert (log.lost, log.last_line) == (True, "words")
    assert other.read_text() == "mine\n"
    assert os.read(reader, 1) == b""
    os.close(reader)
