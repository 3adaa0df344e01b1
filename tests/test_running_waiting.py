"""Waiting for what another run works on."""

import os
from pathlib import Path

import pytest

from ganbench.running import waiting
from ganbench.running.waiting import Elsewhere
from ganbench.store.leases import Leases
from ganbench.store.store import Store
from tests.leasing import aged, foreign


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def elsewhere(tmp_path: Path, clock: Clock) -> Elsewhere:
    found = Elsewhere(Store(tmp_path), clock=clock)
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        found.add(name)
    return found


def content(path: Path) -> list[tuple[str, int]]:
    return sorted((str(file), file.stat().st_mtime_ns) for file in [path, *path.rglob("*")])


def test_what_is_held_is_not_free_and_looking_writes_nothing(
    tmp_path: Path, elsewhere: Elsewhere, clock: Clock
) -> None:
    foreign(tmp_path / "a")
    foreign(tmp_path / "b")
    before = content(tmp_path)
    for _ in range(5):
        assert elsewhere.free() == []
        clock.now += 5
    assert content(tmp_path) == before
    (tmp_path / "b" / ".lease").unlink()
    assert elsewhere.free() == ["b"]


def test_a_dead_holder_holds_nothing(tmp_path: Path, elsewhere: Elsewhere) -> None:
    aged(foreign(tmp_path / "a"), 1000)
    foreign(tmp_path / "b")
    assert elsewhere.free() == ["a"]


def test_looks_are_a_second_apart(elsewhere: Elsewhere, clock: Clock) -> None:
    assert elsewhere.free() == ["a", "b"]
    clock.now += 0.9
    assert elsewhere.free() == []
    clock.now += 0.1
    assert elsewhere.free() == ["a", "b"]


def test_slow_looks_are_further_apart(elsewhere: Elsewhere, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file server that takes a second for each folder is asked for a twentieth of the time."""

    def slow(folder: Path) -> None:
        clock.now += 1.0

    monkeypatch.setattr(waiting, "holder", slow)
    assert elsewhere.free() == ["a", "b"]
    clock.now += 37
    assert elsewhere.free() == []
    clock.now += 2
    assert elsewhere.free() == ["a", "b"]


def test_a_lease_that_looks_held_is_tried_once_a_minute(tmp_path: Path, elsewhere: Elsewhere, clock: Clock) -> None:
    """This machine's clock may be wrong, and then a dead holder looks alive for ever."""
    for name in ("a", "b"):
        aged(foreign(tmp_path / name), -1e6)
    clock.now += 59
    assert elsewhere.free() == []
    clock.now += 1
    assert elsewhere.free() == ["a", "b"]
    clock.now += 30
    assert elsewhere.free() == []


def test_what_was_taken_is_waited_for_no_longer(elsewhere: Elsewhere) -> None:
    elsewhere.discard("a")
    elsewhere.discard("never there")
    assert (list(elsewhere), len(elsewhere), elsewhere.free()) == (["b"], 1, ["b"])


def test_a_process_is_named_once_however_many_it_holds(tmp_path: Path, elsewhere: Elsewhere) -> None:
    held = Leases()
    try:
        held.take(tmp_path / "a")
        assert elsewhere.owners()[0][1] == 1
        held.take(tmp_path / "b")
        ((owner, count),) = elsewhere.owners()
    finally:
        held.release_all()
    assert count == 2
    assert f"(process {os.getpid()}) since 20" in owner


def test_each_process_is_named(tmp_path: Path, elsewhere: Elsewhere) -> None:
    foreign(tmp_path / "a", user="bob", host="node2", pid=7)
    foreign(tmp_path / "b", since=90000.0)
    (tmp_path / "c").mkdir()
    elsewhere.add("c")
    foreign(tmp_path / "c", user="bob", host="node2", pid=8)
    assert [(owner.partition(" since")[0], count) for owner, count in elsewhere.owners()] == [
        ("ada@elsewhere (process 1)", 1), ("bob@node2 (process 7)", 1), ("bob@node2 (process 8)", 1),
    ]  # fmt: skip


def test_the_time_is_that_of_a_process_first_lease(tmp_path: Path, elsewhere: Elsewhere) -> None:
    foreign(tmp_path / "a", since=2e9)
    foreign(tmp_path / "b", since=1e9)
    ((owner, count),) = elsewhere.owners()
    assert count == 2
    assert " since 2001-09-" in owner
