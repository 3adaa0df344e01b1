"""The file of a lease, where links, disks and file servers fail, and where it is replaced while one looks."""

import errno
import getpass
import json
import os
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import Mock

import pytest

from ganbench import processes
from ganbench.errors import StoreError
from ganbench.store import lease_file
from ganbench.store.lease_file import STALE_SECONDS, Holder
from ganbench.store.leases import Leases, holder
from tests.leasing import aged, foreign


@pytest.mark.parametrize("content", ["seen late", None])
def test_without_hard_links_a_name_that_appeared_meanwhile_is_anothers(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and creating, another process has created it: exclusive creation is all that tells."""

    def overtaken(*arguments: Any, **keywords: Any) -> NoReturn:
        if content is not None:
            (tmp_path / ".lease").write_text(content)
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", overtaken)
    mine = Leases()
    assert mine.take(tmp_path) == (content is None)
    assert content is None or (tmp_path / ".lease").read_text() == content
    mine.release_all()


def test_a_lease_that_was_taken_over_and_given_back_meanwhile_is_not_succeeded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right to succeed a lease that is there no more is no lease, and is not left behind."""
    aged(foreign(tmp_path), STALE_SECONDS + 20)
    claim = lease_file._claim

    def late(draft: Path, path: Path) -> bool:
        (tmp_path / ".lease").unlink()
        return claim(draft, path)

    with monkeypatch.context() as patched:
        patched.setattr(lease_file, "_claim", late)
        assert lease_file.take(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_what_another_is_about_to_take_a_lease_with_is_left_to_it(tmp_path: Path) -> None:
    """Whether a lease is succeeded or given back."""
    draft, old = tmp_path / ".lease.abc.draft", foreign(tmp_path)
    draft.write_text("another's")
    aged(old, STALE_SECONDS + 20)
    mine = lease_file.take(tmp_path)
    assert mine is not None
    assert {path.name for path in tmp_path.iterdir()} == {".lease", draft.name}
    lease_file.release(tmp_path, mine)
    assert [path.name for path in tmp_path.iterdir()] == [draft.name]


@pytest.mark.parametrize("token", ["../../x", "a/b", "", "a" * 65])
def test_a_token_that_is_no_part_of_a_files_name_makes_a_lease_unreadable(token: str, tmp_path: Path) -> None:
    (tmp_path / "trial").mkdir()
    path = foreign(tmp_path / "trial", token=token)
    current = lease_file.end_of_chain(tmp_path / "trial")
    assert current == (path, None)
    aged(path, STALE_SECONDS + 20)
    mine = Leases()
    assert mine.take(tmp_path / "trial")
    mine.release_all()
    assert [file.name for file in tmp_path.rglob("*")] == ["trial"]


@pytest.mark.parametrize("name", ["token", "user", "host", "place", "pid", "started", "since"])
def test_a_lease_of_which_one_thing_is_of_no_use_is_unreadable(name: str, tmp_path: Path) -> None:
    """Text where a number must be, and a number where text must be."""
    path = foreign(tmp_path)
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {name: 5 if isinstance(content[name], str) else "five"}))
    assert lease_file.end_of_chain(tmp_path) == (path, None)


def test_a_lease_says_whose_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nobody knows the user's name, and in a process that has the number of one that died."""
    monkeypatch.setattr(getpass, "getuser", Mock(side_effect=KeyError("no such user")))
    mine = lease_file.take(tmp_path)
    assert mine is not None
    assert (mine.user, mine.pid) == (str(os.getuid()), os.getpid())
    assert mine.started == (processes.start_ticks(os.getpid()) or 0)
    assert lease_file.end_of_chain(tmp_path) == (tmp_path / ".lease", mine)


def test_a_disk_that_fails_while_a_lease_is_taken_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", Mock(side_effect=OSError(errno.EIO, "Input/output error")))
    with pytest.raises(StoreError, match=r"cannot write to .*: Input/output error; choose another folder with --out"):
        Leases().take(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_lease_that_cannot_be_given_back_is_left_to_its_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Leases()
    assert mine.take(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(lease_file, "release", Mock(side_effect=OSError(errno.EIO, "Input/output error")))
        mine.release_all()
    assert (tmp_path / ".lease").exists()
    assert mine.take(tmp_path) is False, "it counts like another's until then"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.ETIMEDOUT])
def test_a_lease_that_cannot_be_read_at_this_moment_is_not_lost(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many open files, or a file server that is away, must not end all that runs."""
    mine = Leases()
    assert mine.take(tmp_path)

    def away(*arguments: Any, **keywords: Any) -> NoReturn:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", away)
        mine.beat()
    assert mine.lost() == set()
    mine.beat()
    assert mine.lost() == set()
    mine.release_all()
    assert list(tmp_path.iterdir()) == []


def test_a_lease_that_may_not_be_read_counts_by_its_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, given = foreign(tmp_path), os.open

    def forbidden(name: Any, *arguments: Any, **keywords: Any) -> int:
        if name == path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return given(name, *arguments, **keywords)

    monkeypatch.setattr(os, "open", forbidden)
    assert lease_file.end_of_chain(tmp_path) == (path, None)
    mine = Leases()
    assert not mine.take(tmp_path)
    aged(path, STALE_SECONDS + 20)
    assert mine.take(tmp_path)


def test_a_link_that_a_file_server_made_and_then_found_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS: the answer was lost, the client asks again, and the second answer is that the name is there already."""
    link = os.link

    def twice(*arguments: Any, **keywords: Any) -> None:
        link(*arguments, **keywords)
        link(*arguments, **keywords)

    mine = Leases()
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", twice)
        assert mine.take(tmp_path)
    found = holder(tmp_path)
    assert found is not None
    assert found.pid == os.getpid()
    mine.release_all()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_without_hard_links_leaves_no_empty_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **keywords: Any) -> NoReturn:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    def full(*arguments: Any, **keywords: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", refuse)
        patched.setattr(Path, "read_bytes", full)  # stands in for the write, which cannot be made to fail here
        with pytest.raises(StoreError, match="No space left on device"):
            Leases().take(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_lease_that_was_replaced_while_it_was_read_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS: of a file that another machine has removed since it was opened, nothing can be read; no trial failed."""

    def stale(folder: Path) -> NoReturn:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with monkeypatch.context() as patched:
        patched.setattr(lease_file, "end_of_chain", stale)
        assert not Leases().take(tmp_path)
    mine = Leases()
    assert mine.take(tmp_path)
    mine.release_all()


def test_a_lease_that_another_took_over_since_it_was_looked_at_is_not_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process finds it that was suspended between looking and removing: what is there by now is not its own."""
    mine = lease_file.take(tmp_path)
    assert mine is not None
    look, claim = lease_file.held_at, tmp_path / f".lease.{'a' * 16}"

    def suspended(folder: Path, mine: Holder) -> Path | None:
        found = look(folder, mine)
        (tmp_path / ".lease").unlink()
        foreign(tmp_path)
        claim.write_text("a third one's, which succeeds that other")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(lease_file, "held_at", suspended)
        lease_file.release(tmp_path, mine)
    assert sorted(tmp_path.iterdir()) == [tmp_path / ".lease", claim]
    claim.unlink()
    found = lease_file.end_of_chain(tmp_path)
    assert found is not None
    assert str(found[1]).startswith("ada@elsewhere")


@pytest.mark.parametrize("whose", ["its own", "another's"])
def test_a_lease_that_is_taken_while_one_is_aside_stays(
    whose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what is aside has to be put back: of two successors the one that is there counts."""
    mine = lease_file.take(tmp_path)
    assert mine is not None
    if whose == "another's":
        look = lease_file.held_at

        def suspended(folder: Path, mine: Holder) -> Path | None:
            found = look(folder, mine)
            foreign(tmp_path)
            return found

        monkeypatch.setattr(lease_file, "held_at", suspended)
    rename, claim = os.rename, tmp_path / f".lease.{'b' * 16}"

    def slow(old: Path, new: Path) -> None:
        rename(old, new)
        foreign(tmp_path, user="grace", token="b" * 16)
        claim.write_text("of one that succeeds her in turn")

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", slow)
        lease_file.release(tmp_path, mine)
    assert sorted(tmp_path.iterdir()) == [tmp_path / ".lease", claim]
    claim.unlink()
    assert "grace" in str(holder(tmp_path))
