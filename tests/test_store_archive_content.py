"""What an archive of a trial may contain: one trial, each file once, and no more than it claims."""

import shutil
import zipfile
from pathlib import Path
from typing import IO

import pytest

from ganbench.errors import StoreError
from ganbench.records import manifest, sealing
from ganbench.records.folder import TrialFolder
from ganbench.store.archive import read_archive, write_archive
from tests.fuzz.example import write_example


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    return TrialFolder(write_example(tmp_path / "runs"))


def repacked(folder: TrialFolder, path: Path, more: dict[str, bytes], without: str = "") -> Path:
    """An archive of the trial's files but one, with more members."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.path.iterdir()):
            if file.name != without:
                archive.write(file, f"{folder.trial_id}/{file.name}")
        for name, content in more.items():
            archive.writestr(name, content)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_holds_one_trial_each_file_once(folder: TrialFolder, tmp_path: Path) -> None:
    for more, without, words in (
        ({f"{folder.trial_id}/spec.json": b"{}"}, "", "spec.json' twice"),
        ({"another/worker.log": b"x"}, "worker.log", "is not the archive of one trial"),
        ({}, "spec.json", "is not the archive of one trial"),
    ):
        path = repacked(folder, tmp_path / "x.zip", more, without)
        with pytest.raises(StoreError, match=words):
            read_archive(path, tmp_path / "other")
        assert not (tmp_path / "other").exists()


def test_text_larger_than_any_trials_is_refused_before_it_is_unpacked(
    folder: TrialFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = repacked(folder, tmp_path / "x.zip", {})
    size = folder.spec.stat().st_size
    monkeypatch.setattr("ganbench.store.archive.LARGEST_TEXT", size - 1)
    with pytest.raises(StoreError, match=r"claims \d+ bytes, more than"):
        read_archive(path, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_weights_may_be_larger_than_text(folder: TrialFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = max(path.stat().st_size for path in folder.path.iterdir())
    folder.generator.write_bytes(bytes(most + 1))
    folder.checkpoint.write_bytes(sealing.seal(bytes(most)))
    manifest.write(folder, folder.trial_id)
    monkeypatch.setattr("ganbench.store.archive.LARGEST_TEXT", most)
    write_archive(folder, tmp_path / "x.zip")
    copy = read_archive(tmp_path / "x.zip", tmp_path / "other")
    assert copy.generator.read_bytes() == folder.generator.read_bytes()


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_of_a_file_that_is_larger_than_it_claims_no_more_is_unpacked(
    folder: TrialFolder, tmp_path: Path, packing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, written = tmp_path / "x.zip", list[int]()
    folder.log.write_bytes(b"a line\n" * 99_999)
    with zipfile.ZipFile(path, "w", packing) as archive:
        for file in sorted(folder.path.iterdir()):
            archive.write(file, f"{folder.trial_id}/{file.name}")
        archive.getinfo(f"{folder.trial_id}/worker.log").file_size = 7  # as the list of contents will have it
    copy = shutil.copyfileobj

    def copied(source: IO[bytes], target: IO[bytes], size: int) -> None:
        try:
            copy(source, target, size)
        finally:
            written.append(target.tell())

    monkeypatch.setattr(shutil, "copyfileobj", copied)
    with pytest.raises(StoreError, match=r"x\.zip is damaged or is not an archive \(Bad CRC-32"):
        read_archive(path, tmp_path / "other")
    assert written[-1] <= 7
    assert not (tmp_path / "other").exists()
