"""A trial in an archive: taken as it was, or refused."""

import os
import stat
import zipfile
from pathlib import Path

import pytest

from ganbench.errors import StoreError
from ganbench.records import manifest, sealing
from ganbench.records.folder import TrialFolder, previous_checkpoint
from ganbench.store.archive import read_archive, write_archive
from ganbench.store.leases import Leases
from tests.fuzz.example import write_example


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    return TrialFolder(write_example(tmp_path / "runs"))


def test_there_and_back(folder: TrialFolder, tmp_path: Path) -> None:
    write_archive(folder, tmp_path / "x.zip")
    copy = read_archive(tmp_path / "x.zip", tmp_path / "other")
    assert copy.trial_id == folder.trial_id
    assert {path.name: path.read_bytes() for path in copy.path.iterdir()} == {
        path.name: path.read_bytes() for path in folder.path.iterdir()
    }
    assert [path.name for path in (tmp_path / "other").iterdir()] == [folder.trial_id]
    with pytest.raises(StoreError, match="already exists"):
        read_archive(tmp_path / "x.zip", tmp_path / "other")


def test_all_that_a_trial_may_have_is_taken_along_and_text_is_deflated(folder: TrialFolder, tmp_path: Path) -> None:
    files = {path for path in vars(folder).values() if path != folder.path}
    for path in (*files, previous_checkpoint(folder.checkpoint)):
        if not path.exists():
            path.write_bytes(sealing.seal(b"state") if path.suffix == ".pt" else b"a line\n" * 99)
    manifest.write(folder, folder.trial_id)
    write_archive(folder, tmp_path / "x.zip")
    copy = read_archive(tmp_path / "x.zip", tmp_path / "other")
    assert {path.name for path in copy.path.iterdir()} == {path.name for path in folder.path.iterdir()}
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        how = {Path(member.filename).suffix: member.compress_type for member in archive.infolist()}
    assert {suffix for suffix, kind in how.items() if kind == zipfile.ZIP_DEFLATED} == {".json", ".jsonl", ".log"}


def test_the_content_is_on_disk_before_it_gets_its_name(
    folder: TrialFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    named: list[set[int]] = []
    fsync, replace, rename = os.fsync, os.replace, os.rename

    def remember(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def inodes(path: str | Path) -> set[int]:
        return {each.stat().st_ino for each in (Path(path), *Path(path).glob("*")) if each.is_file()}

    def replaced(source: str | Path, target: str | Path) -> None:
        named.append(inodes(source) - {*synced})
        replace(source, target)

    def renamed(source: str | Path, target: str | Path) -> None:
        named.append(inodes(source) - {*synced})
        rename(source, target)

    monkeypatch.setattr(os, "fsync", remember)
    monkeypatch.setattr(os, "replace", replaced)
    monkeypatch.setattr(os, "rename", renamed)
    write_archive(folder, tmp_path / "x.zip")
    read_archive(tmp_path / "x.zip", tmp_path / "other")
    assert named == [set(), set()]


def test_an_archive_of_an_earlier_version_is_read(folder: TrialFolder, tmp_path: Path) -> None:
    """Those have no ``starts.jsonl``, and nothing in them is deflated."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for path in folder.path.iterdir():
            archive.write(path, f"{folder.trial_id}/{path.name}")
    copy = read_archive(tmp_path / "x.zip", tmp_path / "other")
    assert {path.name for path in copy.path.iterdir()} == {path.name for path in folder.path.iterdir()}


def test_from_within_a_trials_folder_it_has_its_name(
    folder: TrialFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.path)
    write_archive(TrialFolder(Path()), tmp_path / "x.zip")
    assert read_archive(tmp_path / "x.zip", tmp_path / "other").trial_id == folder.trial_id


def test_a_place_that_is_no_folder_is_named(folder: TrialFolder, tmp_path: Path) -> None:
    write_archive(folder, tmp_path / "one.zip")
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file is a file, not a folder; choose another folder with --out"):
        read_archive(tmp_path / "one.zip", tmp_path / "file")


def test_an_archive_can_be_read_by_whom_the_umask_lets(folder: TrialFolder, tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_archive(folder, tmp_path / "x.zip")
    assert (tmp_path / "x.zip").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "{id}/../../evil", "{id}/evil", "{id}\\spec.json", "evil"])
def test_a_name_that_leads_elsewhere_is_refused(name: str, folder: TrialFolder, tmp_path: Path) -> None:
    write_archive(folder, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip", "a") as archive:
        archive.writestr(name.format(id=folder.trial_id), b"x")
    with pytest.raises(StoreError, match=r"cannot import .* is not a file of a trial"):
        read_archive(tmp_path / "x.zip", tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("place", ["..", ".", "", ".hidden", "a\\b", "a/b"])
def test_a_whole_trial_under_a_name_that_leads_elsewhere_is_refused(
    place: str, folder: TrialFolder, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for file in sorted(folder.path.iterdir()):
            archive.writestr(f"{place}/{file.name}", file.read_bytes())
    with pytest.raises(StoreError, match=r"cannot import .* is not a file of a trial"):
        read_archive(tmp_path / "x.zip", tmp_path / "other" / "runs")
    assert not (tmp_path / "other").exists()


def test_what_is_encrypted_or_no_archive_or_not_there_is_named(folder: TrialFolder, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    write_archive(folder, path)
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    while at >= 0:  # the flags in the list of contents
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 1)
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"^cannot import .*x\.zip: it is encrypted$"):
        read_archive(path, tmp_path / "other")
    path.write_bytes(b"no archive")
    with pytest.raises(
        StoreError, match=r"x\.zip is damaged or is not an archive \(File is not a zip file\); export the"
    ):
        read_archive(path, tmp_path / "other")
    path.unlink()
    with pytest.raises(StoreError, match=r"^cannot import .*x\.zip: No such file or directory$"):
        read_archive(path, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_link_in_the_place_of_the_trial_is_not_replaced(folder: TrialFolder, tmp_path: Path) -> None:
    write_archive(folder, tmp_path / "x.zip")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / folder.trial_id).symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="already exists; remove it, or choose another folder with --out"):
        read_archive(tmp_path / "x.zip", tmp_path / "other")


def test_what_is_in_the_place_of_the_archive_is_not_replaced(folder: TrialFolder, tmp_path: Path) -> None:
    (tmp_path / "file.zip").write_bytes(b"precious")
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "link.zip").symlink_to(tmp_path / "nowhere")
    for name in ("file.zip", "folder.zip", "link.zip"):
        with pytest.raises(StoreError, match=rf"{name} already exists; remove it, or choose another file with --to$"):
            write_archive(folder, tmp_path / name)
    assert (tmp_path / "file.zip").read_bytes() == b"precious"
    assert (tmp_path / "link.zip").is_symlink()


def test_an_archive_that_cannot_be_written_is_one_line(folder: TrialFolder, tmp_path: Path) -> None:
    with pytest.raises(
        StoreError, match=r"^cannot write .*: No such file or directory; choose another file with --to$"
    ):
        write_archive(folder, tmp_path / "no" / "x.zip")


def test_a_link_is_neither_packed_nor_unpacked(folder: TrialFolder, tmp_path: Path) -> None:
    for kind in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR):
        write_archive(folder, tmp_path / "x.zip")
        with zipfile.ZipFile(tmp_path / "x.zip", "a") as archive:
            member = zipfile.ZipInfo(f"{folder.trial_id}/samples.png")
            member.external_attr = (kind | 0o777) << 16
            archive.writestr(member, "/etc/passwd")
        with pytest.raises(StoreError, match="is a link or a device"):
            read_archive(tmp_path / "x.zip", tmp_path / "other")
        (tmp_path / "x.zip").unlink()
    folder.log.unlink()
    folder.log.symlink_to("/etc/passwd")
    with pytest.raises(StoreError, match=r"cannot read .*worker\.log: it is a symbolic link, which is not followed"):
        write_archive(folder, tmp_path / "y.zip")
    folder.log.unlink()
    os.mkfifo(folder.log)
    with pytest.raises(StoreError, match=r"cannot read .*worker\.log: it is not a regular file; the trial cannot be"):
        write_archive(folder, tmp_path / "y.zip")
    assert not [*tmp_path.glob("*y.zip*")]


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_file_that_is_unpacked_in_one_go_is_refused(folder: TrialFolder, tmp_path: Path, packing: int) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", packing) as archive:
        for file in sorted(folder.path.iterdir()):
            archive.write(file, f"{folder.trial_id}/{file.name}")
    with pytest.raises(StoreError, match="is neither stored nor deflated"):
        read_archive(tmp_path / "x.zip", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_changed_trial_is_refused(folder: TrialFolder, tmp_path: Path) -> None:
    write_archive(folder, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as whole, zipfile.ZipFile(tmp_path / "y.zip", "w") as changed:
        for member in whole.infolist():
            data = whole.read(member)
            changed.writestr(member.filename, data.replace(b"8.0", b"9.0"))
    words = rf"^cannot import .*y\.zip: {folder.trial_id}/(metrics\.jsonl|result\.json) is damaged"
    (tmp_path / "there").mkdir()
    for out in ("there", "there/new/folder", "other"):
        with pytest.raises(StoreError, match=words):
            read_archive(tmp_path / "y.zip", tmp_path / out)
    assert list((tmp_path / "there").iterdir()) == []
    assert not (tmp_path / "other").exists(), "a folder that was made for the trial alone"


def test_a_damaged_trial_is_not_exported(folder: TrialFolder, tmp_path: Path) -> None:
    folder.metrics.write_bytes(folder.metrics.read_bytes().replace(b"8.0", b"9.0"))
    with pytest.raises(StoreError, match=r"metrics\.jsonl is damaged: .*; a damaged trial cannot be exported$"):
        write_archive(folder, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_an_archive_that_cannot_be_unpacked_is_refused(folder: TrialFolder, tmp_path: Path) -> None:
    write_archive(folder, tmp_path / "x.zip")
    data = bytearray((tmp_path / "x.zip").read_bytes())
    name = f"{folder.trial_id}/spec.json".encode()
    more = int.from_bytes(data[28:30], "little")  # between the first file's name and its content
    data[data.index(name) + len(name) + more] = 0xFF  # which begins no block of deflated data
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(StoreError, match=r"x\.zip is damaged or is not an archive \(Error -3 while decompressing"):
        read_archive(tmp_path / "x.zip", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_what_somebody_works_on_is_not_exported(folder: TrialFolder, tmp_path: Path) -> None:
    leases = Leases()
    assert leases.take(folder.path)
    try:
        with pytest.raises(StoreError, match="is held by"):
            write_archive(folder, tmp_path / "x.zip")
    finally:
        leases.release_all()
