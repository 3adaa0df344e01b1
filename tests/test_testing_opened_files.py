"""What is read and what is written is told apart, by each block for itself."""

import os
from pathlib import Path

from ganbench.testing.opened_files import opened


def test_what_is_read_and_what_is_written_is_told_apart(tmp_path: Path) -> None:
    read, written, moved = (tmp_path / name for name in ("read", "written", "moved"))
    read.write_text("1")
    with opened() as files:
        read.read_text()
        written.write_text("1")
        os.rename(written, moved)
    assert files.read == {str(read)}
    assert files.written == {str(written), str(moved)}
    read.read_text()
    moved.write_text("2")
    assert len(files.read) + len(files.written) == 3


def test_a_block_inside_another_ends_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "read"
    path.write_text("1")
    with opened() as outer:
        with opened() as inner:
            pass
        path.read_text()
    assert str(path) in outer.read
    assert inner.read == set()
