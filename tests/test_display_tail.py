"""The last record of a file that grows: read from its end, past whatever was torn."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.display.watching import Tail
from ganbench.files import append_line


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("tail") / "progress.jsonl"
    path.write_bytes(content + b'\n{"step": 7}\n{"step": 8, "d_lo')
    tail = Tail(path)
    assert tail.look()
    assert tail.record == {"step": 7}
    assert not tail.look()


def test_only_the_tail_is_read(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_text("".join(json.dumps({"step": step, "pad": "x" * 100}) + "\n" for step in range(5000)))
    tail = Tail(path)
    assert tail.look()
    assert tail.record["step"] == 4999


def test_a_torn_line_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    append_line(path, {"step": 1})
    tail = Tail(path)
    assert tail.look()
    with path.open("ab") as file:
        file.write(b'{"step"')
    assert not tail.look()
    with path.open("ab") as file:
        file.write(b": 2}\n")
    assert tail.look()
    assert tail.record == {"step": 2}
