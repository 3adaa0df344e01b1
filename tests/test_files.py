"""Files are whole or not there, JSON is JSON, and a line torn by a crash harms no other."""

import errno
import json
import math
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench import files
from ganbench.errors import StoreError
from ganbench.files import (
    append_line,
    as_number,
    canonical,
    digest,
    file_sha256,
    read_json,
    read_lines,
    write_bytes,
    write_json,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def failing(code: int = errno.ENOSPC) -> Any:
    def fail(*arguments: Any, **keywords: Any) -> NoReturn:
        raise OSError(code, os.strerror(code))

    return fail


def test_a_file_is_written_into_folders_that_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.bin"
    write_bytes(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert [each.name for each in path.parent.iterdir()] == ["c.bin"]


def test_a_file_is_replaced_and_never_seen_half(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_bytes(path, b"old")
    with path.open("rb") as reader:
        write_bytes(path, b"a new and longer content")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"a new and longer content"


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "x", b"")
        assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


@pytest.mark.parametrize("function", ["fsync", "replace", "chmod"])
@pytest.mark.parametrize("exists", [False, True])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    function: str, exists: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result.json"
    if exists:
        write_bytes(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, function, failing())
        with pytest.raises(StoreError) as caught:
            write_bytes(path, b"new")
    assert str(caught.value) == f"cannot write {path}: No space left on device; choose another place"
    assert [each.name for each in tmp_path.iterdir()] == (["result.json"] if exists else [])
    if exists:
        assert path.read_bytes() == b"old"


def test_an_interruption_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: Any) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(tmp_path / "x", b"new")
    assert list(tmp_path.iterdir()) == []


def test_the_content_is_on_disk_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "content")
        fsync(descriptor)

    def renamed(*paths: Any) -> None:
        order.append("rename")
        replace(*paths)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    write_bytes(tmp_path / "x", b"new")
    assert order == ["content", "rename", "folder"]


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(StoreError, match=r"cannot write .*runs/x: .*choose another place"):
        write_bytes(tmp_path / "runs" / "x", b"")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_json_are_refused_and_nothing_is_written(tmp_path: Path, value: float) -> None:
    for write in (write_json, append_line):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write(tmp_path / "x", {"fid": value})
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical([value])
    assert list(tmp_path.iterdir()) == []


def test_json_is_readable_and_sorted(tmp_path: Path) -> None:
    write_json(tmp_path / "x", {"b": 1, "a": [True, None]})
    assert (tmp_path / "x").read_text() == '{\n  "a": [\n    true,\n    null\n  ],\n  "b": 1\n}\n'


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"{'a': 1}", b"[" * 100_000])
def test_damaged_json_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"x\.json is not valid JSON"):
        read_json(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot read .*x\.json: No such file"):
        read_json(tmp_path / "x.json")


def test_lines_are_appended_and_read(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    assert read_lines(path) == []
    append_line(path, {"step": 1, "text": "a\nb\u2028c"})
    append_line(path, {"step": 2})
    assert read_lines(path) == [{"step": 1, "text": "a\nb\u2028c"}, {"step": 2}]
    assert path.read_bytes().count(b"\n") == 2


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    append_line(path, {"step": 1})
    append_line(path, {"step": 22, "fid": 1.5})
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    for length in range(second, len(whole) - 2):
        path.write_bytes(whole[:length])
        assert read_lines(path) == [{"step": 1}]


def test_a_line_after_a_torn_one_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_bytes(b'{"step": 1}\n{"ste')
    append_line(path, {"step": 3})
    assert read_lines(path) == [{"step": 1}, {"step": 3}]


def test_lines_that_are_no_records_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_bytes(b'[1]\n"a"\n{"step": 1}\n\n\xff\xfe\n' + b"[" * 100_000 + b"\n")
    assert read_lines(path) == [{"step": 1}]


def test_a_line_that_cannot_be_written_is_a_store_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match="cannot write"):
        append_line(tmp_path / "missing" / "progress.jsonl", {"step": 1})
    monkeypatch.setattr(os, "write", failing())
    with pytest.raises(StoreError, match="No space left on device"):
        append_line(tmp_path / "progress.jsonl", {"step": 1})


def test_a_line_written_in_part_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk ``write`` may take some bytes and say how many."""
    write = os.write
    taken: list[int] = []

    def some(descriptor: int, data: bytes) -> int:
        if taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken.append(write(descriptor, data[:5]))
        return taken[0]

    monkeypatch.setattr(os, "write", some)
    with pytest.raises(StoreError):
        append_line(tmp_path / "progress.jsonl", {"step": 1})


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0.0), ("-2", -2.0), ("1.5", 1.5), ("true", None), ('"1"', None), ("null", None), ("[1]", None)]
    + [(text, None) for text in ("NaN", "Infinity", "1e999", "9" * 400)],
)
def test_what_is_read_as_a_number(text: str, number: float | None) -> None:
    found = as_number(json.loads(text))
    assert found == number
    assert isinstance(found, float | None)


def test_canonical_json() -> None:
    assert canonical({"b": 1.0, "a": "é", "c": [True, None, 1]}) == '{"a":"\\u00e9","b":1.0,"c":[true,null,1]}'


def test_digest_of_a_known_value() -> None:
    # printf '{"a":1}' | sha256sum
    assert digest({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


@given(JSON)
def test_canonical_json_means_what_it_was(value: Any) -> None:
    assert json.loads(canonical(value)) == value
    assert canonical(value).isascii()


@given(st.dictionaries(st.text(), st.integers(), max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert digest(dict(reversed(value.items()))) == digest(value)


def test_the_hash_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert file_sha256(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_threads_that_ask_for_the_umask_leave_it_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    given, before = os.umask, os.umask(0o077)
    found: list[int] = []

    def slowly(mask: int) -> int:
        time.sleep(0.005)
        return given(mask)

    try:
        monkeypatch.setattr(os, "umask", slowly)
        threads = [threading.Thread(target=lambda: found.append(files.ordinary_mode())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [0o600] * 8
        assert given(0o077) == 0o077
    finally:
        given(before)
