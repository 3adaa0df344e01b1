"""Leases: one holder, seen by all, taken over when it has died, and noticed when it was lost."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ganbench import processes
from ganbench.errors import StoreError
from ganbench.store import lease_file, leases
from ganbench.store.lease_file import STALE_SECONDS, Holder
from ganbench.store.leases import Leases, holder
from tests.leasing import aged, foreign

HOLD = """
import sys, time
from pathlib import Path
from ganbench.store.leases import Leases
held = Leases()
print(held.take(Path(sys.argv[1])), flush=True)
time.sleep(float(sys.argv[2]))
"""


def other(folder: Path, seconds: float = 60.0) -> subprocess.Popen[str]:
    """Another process that has asked for the lease."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_one_holder_and_everyone_sees_who(tmp_path: Path) -> None:
    first, second = Leases(), Leases()
    before = time.time()
    assert holder(tmp_path) is None
    assert first.take(tmp_path)
    assert first.take(tmp_path)
    assert not second.take(tmp_path)
    found = holder(tmp_path)
    assert found is not None
    assert (found.pid, found.host) == (os.getpid(), __import__("socket").gethostname())
    assert before <= found.since <= time.time()
    assert str(os.getpid()) in str(found)
    second.release(tmp_path)  # not its to give back
    assert holder(tmp_path) is not None
    first.release(tmp_path)
    assert second.take(tmp_path)
    second.release_all()
    assert list(tmp_path.iterdir()) == []


def test_another_process_holds_it_until_it_dies(tmp_path: Path) -> None:
    process = other(tmp_path)
    mine = Leases()
    try:
        assert not mine.take(tmp_path)
        found = holder(tmp_path)
        assert found is not None
        assert found.pid == process.pid
        aged(tmp_path / ".lease", 10 * STALE_SECONDS)  # suspended, but alive on this machine
        assert not mine.take(tmp_path)
    finally:
        process.kill()
        process.wait()
    assert holder(tmp_path) is None
    assert mine.take(tmp_path)
    mine.release_all()
    assert list(tmp_path.iterdir()) == []


def test_a_recycled_process_id_is_not_the_owner(tmp_path: Path) -> None:
    foreign(tmp_path, pid=os.getpid(), place=processes.place(), started=1)
    assert holder(tmp_path) is None
    mine = Leases()
    assert mine.take(tmp_path)
    mine.release_all()


def test_without_proc_the_dead_hold_nothing_and_others_as_long_as_their_heartbeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = other(tmp_path)
    process.kill()
    process.wait()
    monkeypatch.setattr(processes, "_PROC", tmp_path / "nowhere")
    monkeypatch.setattr(processes, "place", lambda: "this boot")
    foreign(tmp_path, pid=process.pid, place="this boot", started=0)
    assert holder(tmp_path) is None
    path = foreign(tmp_path, pid=os.getpid(), place="this boot", started=0)
    assert holder(tmp_path) is not None
    aged(path, STALE_SECONDS + 20)  # the number is another process's by now, or it was suspended
    assert holder(tmp_path) is None


def test_another_machines_lease_lasts_as_long_as_its_heartbeat(tmp_path: Path) -> None:
    path = foreign(tmp_path)
    mine = Leases()
    aged(path, STALE_SECONDS - 20)
    assert not mine.take(tmp_path)
    assert "ada@elsewhere" in str(holder(tmp_path))
    aged(path, STALE_SECONDS + 20)
    assert holder(tmp_path) is None
    assert mine.take(tmp_path)
    mine.release_all()


def test_the_heartbeat_keeps_it_fresh_and_notices_a_loss(tmp_path: Path) -> None:
    mine = Leases()
    assert mine.take(tmp_path)
    aged(tmp_path / ".lease", 1000)
    mine.beat()
    assert time.time() - (tmp_path / ".lease").stat().st_mtime < 60
    assert mine.lost() == set()
    foreign(tmp_path)  # another machine took over while this process was suspended
    mine.beat()
    assert mine.lost() == {tmp_path}
    mine.release_all()
    assert holder(tmp_path) is not None  # the other's lease was not given back
    mine.beat()


def test_a_lease_that_was_lost_can_be_given_up_and_had_again(tmp_path: Path) -> None:
    mine = Leases()
    assert mine.take(tmp_path)
    place = foreign(tmp_path)
    mine.beat()
    mine.release(tmp_path)
    assert mine.lost() == set()
    place.unlink()
    assert mine.take(tmp_path)
    mine.beat()
    assert mine.lost() == set()
    mine.release_all()


def test_a_lease_that_is_given_back_and_taken_again_during_a_heartbeat_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, look = Leases(), lease_file.held_at
    assert mine.take(tmp_path)

    def meanwhile(folder: Path, held: Holder) -> Path | None:
        monkeypatch.setattr(lease_file, "held_at", look)
        mine.release(folder)
        assert mine.take(folder)
        return look(folder, held)

    monkeypatch.setattr(lease_file, "held_at", meanwhile)
    mine.beat()
    assert mine.lost() == set()
    mine.release_all()
    assert list(tmp_path.iterdir()) == []


def test_a_file_server_that_does_not_answer_takes_no_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Leases()
    assert mine.take(tmp_path)

    def silent(folder: Path) -> NoReturn:
        raise OSError("stale file handle")

    with monkeypatch.context() as patched:
        patched.setattr(lease_file, "end_of_chain", silent)
        mine.beat()
    assert mine.lost() == set()
    mine.release_all()


def test_the_thread_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.02)
    before = threading.active_count()
    mine = Leases()
    for _ in range(2):  # and again, once all were given back
        assert mine.take(tmp_path)
        assert threading.active_count() == before + 1
        aged(tmp_path / ".lease", 1000)
        deadline = time.monotonic() + 20
        while time.time() - (tmp_path / ".lease").stat().st_mtime > 500 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert time.time() - (tmp_path / ".lease").stat().st_mtime < 60
        mine.release_all()
        assert threading.active_count() == before


@pytest.mark.parametrize("content", ["", "{", "[]", '{"token": "../../x"}', '{"token": 5}', "[" * 50_000])
def test_an_unreadable_lease_counts_by_its_age(content: str, tmp_path: Path) -> None:
    path = tmp_path / ".lease"
    path.write_text(content)
    mine = Leases()
    assert not mine.take(tmp_path)
    aged(path, STALE_SECONDS + 20)
    assert mine.take(tmp_path)
    mine.release_all()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", [False, True])
def test_a_lease_that_is_a_link_counts_by_the_links_own_age(there: bool, tmp_path: Path) -> None:
    """What it leads to may be touched for ever, or not be there: it would be waited for without end."""
    other, folder = tmp_path / "other", tmp_path / "trial"
    folder.mkdir()
    if there:
        other.write_text("mine")
    (folder / ".lease").symlink_to(other)
    mine = Leases()
    assert not mine.take(folder)
    long_ago = time.time() - STALE_SECONDS - 20
    os.utime(folder / ".lease", (long_ago, long_ago), follow_symlinks=False)
    assert mine.take(folder)
    mine.release_all()
    assert list(folder.iterdir()) == []
    assert other.exists() == there


def test_a_successor_that_died_is_succeeded(tmp_path: Path) -> None:
    """A claim was made, and its owner died before it could put its lease in place."""
    aged(foreign(tmp_path), STALE_SECONDS + 20)
    draft = json.loads((tmp_path / ".lease").read_text()) | {"token": "b" * 16}
    claim = tmp_path / f".lease.{'a' * 16}"
    claim.write_text(json.dumps(draft))
    mine = Leases()
    assert not mine.take(tmp_path)  # the successor may still be alive
    aged(claim, STALE_SECONDS + 20)
    assert mine.take(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lease"]
    mine.release_all()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("stale", [True, False])
def test_of_many_that_want_it_at_once_one_gets_it(
    stale: bool, links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **keywords: Any) -> NoReturn:
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    for turn in range(15):
        folder = tmp_path / str(turn)
        folder.mkdir()
        if stale:
            aged(foreign(folder), STALE_SECONDS + 20)
        contenders = [Leases() for _ in range(8)]
        start = threading.Barrier(len(contenders))
        got: list[Leases] = []

        def want(mine: Leases, folder: Path = folder, start: threading.Barrier = start, got: Any = got) -> None:
            start.wait()
            if mine.take(folder):
                got.append(mine)

        threads = [threading.Thread(target=want, args=(mine,)) for mine in contenders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 1
        for mine in contenders:
            mine.release_all()
        assert list(folder.iterdir()) == []


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "trial").symlink_to(tmp_path / "real")
    with pytest.raises(StoreError, match="symbolic link"):
        Leases().take(tmp_path / "trial")
    assert list((tmp_path / "real").iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any, **keywords: Any) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StoreError, match=r"cannot write to .*No space left on device; choose another folder"):
        Leases().take(tmp_path)


def test_without_a_thread_to_be_had_no_lease_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    held = Leases()
    with pytest.raises(RuntimeError, match="new thread"):
        held.take(tmp_path)
    held.release_all()
    assert not list(tmp_path.iterdir())
