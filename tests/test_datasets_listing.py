"""What a folder or a .zip is taken to hold, and hostile ones."""

import os
import struct
import zipfile
from pathlib import Path

import pytest

from ganbench.datasets import claims, listing
from ganbench.datasets.listing import hidden, open_source
from ganbench.errors import DataError


def fill(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def read_all(path: Path) -> list[bytes]:
    with open_source(path) as source:
        return [source.read(name) for name in source.names]


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_all(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_and_its_zip_are_listed_alike(tmp_path: Path) -> None:
    names = ["b/2.png", "a/10.JPG", "a/9.jpeg", "B/1.webp", "z.bmp", "a.png"]
    fill(tmp_path / "set", *names, ".DS_Store", "a/Thumbs.db", ".git/config", "__MACOSX/a/._9.jpeg")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in (tmp_path / "set").rglob("*"):
            archive.write(path, path.relative_to(tmp_path / "set"))
    for path in (tmp_path / "set", tmp_path / "set.zip"):
        with open_source(path) as source:
            assert source.names == ("B/1.webp", "a.png", "a/10.JPG", "a/9.jpeg", "b/2.png", "z.bmp")
            assert source.read("a/9.jpeg") == b"a/9.jpeg"
            assert "9.jpeg" in source.where("a/9.jpeg")


def test_of_a_zip_what_would_lie_outside_is_hidden_and_what_is_absolute_is_read_in_place(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("a.png", "../x.png", "b/../../y.png", "/abs.png"):
            archive.writestr(name, name)
    with open_source(tmp_path / "set.zip") as source:
        assert source.names == ("/abs.png", "a.png")
        assert source.read("/abs.png") == b"/abs.png"


def test_files_tell_a_change(tmp_path: Path) -> None:
    fill(tmp_path / "set", "a/1.png", "2.png")
    with open_source(tmp_path / "set") as source:
        assert source.files == tuple(str(tmp_path / "set" / name) for name in ("", "a", "2.png", "a/1.png"))
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a.png", b"")
    with open_source(tmp_path / "set.zip") as source:
        assert source.files == (str(tmp_path / "set.zip"),)


@pytest.mark.parametrize(
    ("name", "expected"),
    [(".x", True), ("a/.b/c.png", True), ("THUMBS.DB", True), ("__MACOSX/a.png", True), ("a.png", False)],
)
def test_hidden(name: str, expected: bool) -> None:
    assert hidden(name) is expected


def test_what_is_neither_folder_nor_zip(tmp_path: Path) -> None:
    assert "there is no folder or .zip at" in refused(tmp_path / "nowhere")
    assert refused(tmp_path / ("a" * 300)).endswith("aaa cannot be read (File name too long)")
    (tmp_path / "a.png").write_bytes(b"x")
    assert "neither a folder nor a valid .zip" in refused(tmp_path / "a.png")


def test_a_truncated_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a.png", b"x" * 1000)
    data = (tmp_path / "set.zip").read_bytes()
    (tmp_path / "set.zip").write_bytes(data[:-30])
    assert "valid .zip" in refused(tmp_path / "set.zip")


def test_another_file_is_named(tmp_path: Path) -> None:
    fill(tmp_path / "set", "a.png", "notes.txt")
    assert refused(tmp_path / "set").startswith(f"{tmp_path / 'set' / 'notes.txt'} is not an image")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("labels.json", "{}")
    assert refused(tmp_path / "set.zip").startswith(f"{tmp_path / 'set.zip'}: labels.json is not an image")


def test_a_name_with_a_line_break_is_escaped(tmp_path: Path) -> None:
    fill(tmp_path, "a\nb.txt")
    assert "a\\nb.txt" in refused(tmp_path)


def test_an_encrypted_entry(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", b"secret")
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(bytes(data))
    assert "a.png is encrypted" in refused(path)


def test_an_entry_that_claims_too_much(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", b"\0" * 1000)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\1\2") + 24, 0xF0000000)
    path.write_bytes(bytes(data))
    assert "claims 4026531840 bytes" in refused(path)


def test_entries_that_together_claim_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"{number}.png", b"\0" * 100_000)
    size = path.stat().st_size
    assert 200 * size < 2_000_000
    assert len(read_all(path)) == 20  # small enough to be harmless, however well it is packed
    monkeypatch.setattr(claims, "ALWAYS_ALLOWED", 1_000_000)
    assert f"claims images of more than {max(1_000_000, 200 * size)} bytes" in refused(path)
    monkeypatch.setattr(claims, "MOST_PACKED", 2_000_000 // size + 1)
    assert len(read_all(path)) == 20


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_entry_that_is_unpacked_in_one_go_is_refused(tmp_path: Path, packing: int) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("a.png", b"\0" * 100_000_000)
    data = bytearray(path.read_bytes())
    assert len(data) < 100_000
    struct.pack_into("<I", data, data.index(b"PK\1\2") + 24, 10)  # it claims ten bytes, and would fill memory
    path.write_bytes(bytes(data))
    assert "a.png is packed in a way that is not read" in refused(path)


def test_an_entry_that_claims_too_little_is_not_unpacked_further(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", b"\0" * 1_000_000)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\1\2") + 24, 10)
    path.write_bytes(bytes(data))
    assert "a.png cannot be unpacked" in refused(path)


def test_an_entry_that_is_there_twice(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a.png", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.png", b"2")
    assert "a.png is in the .zip twice" in refused(tmp_path / "set.zip")


def test_an_entry_whose_bytes_were_changed(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", b"x" * 100)
    path.write_bytes(path.read_bytes().replace(b"xxxx", b"xyxx", 1))
    assert "a.png cannot be unpacked (BadZipFile: Bad CRC-32" in refused(path)


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "LARGEST_FILE", 3)
    fill(tmp_path, "a.png")
    assert "has 5 bytes" in refused(tmp_path)


def test_pipes_and_broken_links_are_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "pipe.png is not a regular file" in refused(tmp_path)
    (tmp_path / "pipe.png").unlink()
    (tmp_path / "link.png").symlink_to(tmp_path / "gone")
    assert "link.png cannot be read" in refused(tmp_path)


def test_linked_folders_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    fill(tmp_path / "elsewhere", "1.png")
    fill(tmp_path / "set", "a/0.png")
    (tmp_path / "set" / "b").symlink_to(tmp_path / "elsewhere")
    with open_source(tmp_path / "set") as source:
        assert source.names == ("a/0.png", "b/1.png")
    (tmp_path / "set" / "c").symlink_to(tmp_path / "set")
    assert "is a link to a folder that is already read" in refused(tmp_path / "set")


def test_a_file_of_labels_may_lie_beside_images(tmp_path: Path) -> None:
    (tmp_path / "set" / "00000").mkdir(parents=True)
    (tmp_path / "set" / "00000" / "1.png").touch()
    (tmp_path / "set" / "dataset.json").touch()
    (tmp_path / "set" / ".hidden").mkdir()
    (tmp_path / "set" / ".hidden" / "dataset.json").touch()
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("dataset.json", "00000/1.png"):
            archive.write(tmp_path / "set" / name, name)
    for path in (tmp_path / "set", tmp_path / "set.zip"):
        with open_source(path) as source:
            assert source.names == ("00000/1.png",)
            assert source.described == ("dataset.json",)
            assert source.read("dataset.json") == b""
    (tmp_path / "set" / "other.json").touch()
    with pytest.raises(DataError, match=r"other\.json is not an image"), open_source(tmp_path / "set"):
        pass
