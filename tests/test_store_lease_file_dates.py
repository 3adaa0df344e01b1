"""Leases that are dated in the future, as where a clock was set back: waited for as long as others, and no longer."""

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ganbench.store import lease_file
from ganbench.store.lease_file import STALE_SECONDS, Seen
from ganbench.store.leases import Leases
from tests.leasing import aged, foreign

DAY = 86_400.0


def passing(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A monotonic clock that goes on only as the test says; return its only reading."""
    now = [1000.0]
    monkeypatch.setattr(lease_file, "time", SimpleNamespace(**vars(time) | {"monotonic": lambda: now[0]}))
    return now


def a_day_ahead(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[Path, Seen], list[float]]:
    """Another machine's lease, dated a day ahead and refused once; return it, what was seen of it, and the clock."""
    path = foreign(folder)
    aged(path, -DAY)
    seen: dict[Path, Seen] = {}
    passed = passing(monkeypatch)
    assert lease_file.take(folder, seen) is None
    return path, seen, passed


def test_a_lease_from_the_future_is_stale_once_it_was_seen_untouched_for_as_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner died with its machine, whose clock was ahead: it is not waited for until that day has come."""
    _, seen, passed = a_day_ahead(tmp_path, monkeypatch)
    assert seen[tmp_path].ahead == pytest.approx(DAY, abs=60)
    passed[0] += STALE_SECONDS
    assert lease_file.take(tmp_path, seen) is None
    passed[0] += 1
    assert lease_file.take(tmp_path) is None, "who has seen nothing of it cannot tell"
    mine = lease_file.take(tmp_path, seen)
    assert mine is not None
    assert [file.name for file in tmp_path.iterdir()] == [".lease"]
    lease_file.release(tmp_path, mine)


@pytest.mark.parametrize("again", [-DAY - 15, -DAY + 15, 0.0])
def test_an_owner_that_dates_its_lease_anew_keeps_it_by_whatever_clock(
    again: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of its machine is a day ahead, was set back a little, or is right by now."""
    path, seen, passed = a_day_ahead(tmp_path, monkeypatch)
    for _ in range(3):
        passed[0] += STALE_SECONDS - 1
        aged(path, again + passed[0] / 1000)
        assert lease_file.take(tmp_path, seen) is None


@pytest.mark.parametrize("change", ["another owner", "a successor"])
def test_a_lease_from_the_future_that_became_anothers_is_seen_anew(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its date may be the same to the nanosecond, where a file system keeps dates of two seconds."""
    path = foreign(tmp_path)
    then = round(path.stat().st_mtime + DAY)
    os.utime(path, (then, then))
    seen: dict[Path, Seen] = {}
    passed = passing(monkeypatch)
    assert lease_file.take(tmp_path, seen) is None
    passed[0] += STALE_SECONDS + 1
    if change == "another owner":
        path.rename(tmp_path / "away")  # so that its number on the disk is not given to the next
        new = foreign(tmp_path, token="b" * 16)
    else:
        content = path.read_text()
        new = foreign(tmp_path, token="b" * 16).rename(tmp_path / f".lease.{'a' * 16}")
        path.write_text(content)
        os.utime(path, (then, then))
    os.utime(new, (then, then))
    assert lease_file.take(tmp_path, seen) is None
    passed[0] += STALE_SECONDS + 1
    assert lease_file.take(tmp_path, seen) is not None


def test_an_owner_that_lives_here_keeps_its_lease_however_it_is_dated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = Leases(), Leases()
    passed = passing(monkeypatch)
    assert mine.take(tmp_path)
    aged(tmp_path / ".lease", -DAY)
    for _ in range(3):
        assert not other.take(tmp_path)
        passed[0] += STALE_SECONDS + 1
    assert other.ahead(tmp_path) == 0
    mine.release_all()


def test_what_a_process_has_seen_of_a_lease_from_the_future_lasts_from_try_to_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aged(foreign(tmp_path), -DAY)
    mine = Leases()
    passed = passing(monkeypatch)
    assert not mine.take(tmp_path)
    assert mine.ahead(tmp_path) == pytest.approx(DAY, abs=60)
    passed[0] += STALE_SECONDS + 1
    assert mine.take(tmp_path)
    assert mine.ahead(tmp_path) == 0
    mine.release_all()
