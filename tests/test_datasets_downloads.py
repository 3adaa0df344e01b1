"""Downloads: whole or not at all, once, and with a message when they fail."""

import socket
import threading
import time
from pathlib import Path

import pytest

from ganbench.datasets.downloads import STALLED, fetch
from ganbench.errors import DataError


class Site:
    """Stands in for a server: writes the files of a dataset into the root it is given."""

    def __init__(self, root: Path, content: tuple[str, ...] = ("a", "b"), error: Exception | None = None) -> None:
        self.root, self.content, self.error = root, content, error
        self.calls = 0
        self.timeout: float | None = None

    def get(self, place: Path) -> None:
        self.calls += 1
        self.timeout = socket.getdefaulttimeout()
        (place / "set" / "raw").mkdir(parents=True)
        for name in self.content:
            (place / "set" / "raw" / name).write_text("whole")
            time.sleep(0.05)
            if self.error:
                raise self.error

    def missing(self) -> list[str]:
        return [name for name in ("a", "b") if not (self.root / "set" / "raw" / name).is_file()]

    def fetch(self, *, allowed: bool = True) -> None:
        folder = self.root / "set" / "raw"
        fetch(
            "set",
            folder=folder,
            root=self.root,
            missing=self.missing,
            get=self.get,
            allowed=allowed,
            by_hand="place them there",
        )


def test_files_arrive_and_are_not_fetched_again(tmp_path: Path) -> None:
    site = Site(tmp_path / "data")
    site.fetch()
    site.fetch()
    assert site.calls == 1
    assert site.timeout == STALLED
    assert socket.getdefaulttimeout() is None
    assert sorted(path.name for path in (tmp_path / "data").iterdir() if path.is_dir()) == ["set"]


def test_what_is_there_needs_no_writable_root(tmp_path: Path) -> None:
    folder = tmp_path / "set" / "raw"
    folder.mkdir(parents=True)
    for name in "ab":
        (folder / name).touch()
    Site(tmp_path).fetch()
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_an_interrupted_download_leaves_nothing_in_place(tmp_path: Path) -> None:
    site = Site(tmp_path, error=OSError("connection\nreset"))
    with pytest.raises(DataError) as caught:
        site.fetch()
    message = str(caught.value)
    assert message.startswith(f"set: a, b not found in {tmp_path / 'set' / 'raw'}; a download was tried and failed")
    assert "OSError: connection reset" in message
    assert message.endswith("place them there")
    assert "\n" not in message
    assert site.missing() == ["a", "b"]
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_no_download_without_leave(tmp_path: Path) -> None:
    site = Site(tmp_path / "data")
    with pytest.raises(DataError, match="no download was tried"):
        site.fetch(allowed=False)
    assert site.calls == 0
    assert not (tmp_path / "data").exists()


def test_a_download_that_brings_too_little_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="did not bring b"):
        Site(tmp_path, content=("a",)).fetch()


def test_a_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(DataError, match="tried and failed"):
        Site(tmp_path / "data").fetch()


def test_two_at_a_time_download_once(tmp_path: Path) -> None:
    site = Site(tmp_path)
    threads = [threading.Thread(target=site.fetch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.calls == 1
    assert site.missing() == []
