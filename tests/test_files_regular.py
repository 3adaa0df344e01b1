"""Files of a folder that a stranger made: no link is followed, no pipe is waited for, no device is read."""

import os
from pathlib import Path

import pytest

from ganbench import files
from ganbench.errors import StoreError
from ganbench.files import append_line, file_sha256, is_regular, read_json, read_lines, write_json


def test_a_link_is_followed_only_where_it_is_said(tmp_path: Path) -> None:
    secret, link = tmp_path / "secret.json", tmp_path / "status.json"
    secret.write_text('{"key": 1}\n')
    link.symlink_to(secret)
    assert read_json(link) == {"key": 1}
    with pytest.raises(StoreError, match=r"cannot read .*status\.json: it is a symbolic link, which is not followed"):
        read_json(link, links=False)
    assert read_lines(link) == []
    assert not is_regular(link)
    assert is_regular(secret)
    with pytest.raises(OSError, match="symbolic link"):
        file_sha256(link, links=False)
    assert file_sha256(link) == file_sha256(secret)


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    other, link = tmp_path / "other", tmp_path / "progress.jsonl"
    other.write_text("mine\n")
    link.symlink_to(other)
    with pytest.raises(StoreError, match=r"cannot write .*progress\.jsonl: it is a symbolic link, .*; remove it$"):
        append_line(link, {"step": 1})
    assert other.read_text() == "mine\n"
    write_json(link, {})
    assert other.read_text() == "mine\n"
    assert not link.is_symlink()


def test_no_line_is_written_into_a_pipe_or_a_device(tmp_path: Path) -> None:
    """Whoever made the pipe may read it, or keep it open and not read it, so that a full one is waited for."""
    pipe = tmp_path / "progress.jsonl"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    for path in (pipe, Path("/dev/null")):
        with pytest.raises(StoreError, match=f"cannot write {path}: it is not a regular file"):
            append_line(path, {"step": 1})
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_a_pipe_and_a_device_are_no_files(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(StoreError, match="it is not a regular file"):
            read_json(path)  # would wait for a writer, or read until memory ends
        assert read_lines(path) == []
        with pytest.raises(OSError, match="not a regular file"):
            file_sha256(path)


def test_a_file_is_not_read_beyond_what_one_of_text_can_have(tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    with path.open("wb") as file:
        file.truncate(files.LARGEST_TEXT + 1)  # takes no room on the disk
    with pytest.raises(StoreError, match=r"board\.json: it has more than 1073741824 bytes"):
        read_json(path)
    assert read_lines(path) == []
