"""Between the fork server and a task."""

import json
import os
import select

import pytest

from ganbench import supervisor
from ganbench.capped_log import CappedLog


@pytest.mark.parametrize("limit", [select.PIPE_BUF, 512])
@pytest.mark.parametrize("words", [b"\xff" * 4000, "\U0001f980".encode() * 133 + b"\x01" * 467, b"it is late " * 90])
def test_the_message_of_an_end_is_written_in_one_piece(
    words: bytes, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(select, "PIPE_BUF", limit)
    log = CappedLog("/nowhere/log")
    log.write(words + b"the end")
    message = {"event": "exit", "id": "x" * 60, "code": 1, "signal": 0, "why": "", "left": 0}
    read, write = os.pipe()
    try:
        supervisor.send(write, message | {"last_line": log.last_line})
        written = os.read(read, 1 << 16)
    finally:
        os.close(read)
        os.close(write)
    assert written.endswith(b"\n")
    assert len(written) <= limit
    told = json.loads(written)
    assert told | message == told
    assert log.last_line.endswith(told["last_line"])
    assert told["last_line"].endswith("the end")
