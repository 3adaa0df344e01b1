"""What image files a folder or a .zip holds, in an order that is the same everywhere, and nothing else."""

import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from ganbench.datasets.checks import one_line, shown
from ganbench.datasets.claims import PACKINGS, most_of
from ganbench.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
COMPANIONS = ("thumbs.db", "desktop.ini", "__macosx")
LABELS = "dataset.json"
"""The one file that may lie beside images: StyleGAN's dataset_tool writes their labels to it."""
LARGEST_FILE = 256 << 20
"""Bytes of one image file, unpacked; a .zip can claim, and hold, terabytes in a few kilobytes."""


class Source(Protocol):
    """A folder or a .zip that has been listed."""

    @property
    def names(self) -> tuple[str, ...]:
        """The image files, relative, with slashes, sorted by code point."""
        ...

    @property
    def described(self) -> tuple[str, ...]:
        """The files called :data:`LABELS`, relative, sorted."""
        ...

    @property
    def files(self) -> tuple[str, ...]:
        """The absolute paths whose times tell a change."""
        ...

    def read(self, name: str) -> bytes:
        """Return the bytes of one of the files. Raises :class:`DataError` where it cannot be read."""
        ...

    def where(self, name: str) -> str:
        """Return the place of one of the files, for a message."""
        ...


def hidden(name: str) -> bool:
    """Return whether a part of the name is hidden (``.DS_Store``) or a desktop's companion (``Thumbs.db``)."""
    return any(part.startswith(".") or part.lower() in COMPANIONS for part in PurePosixPath(name).parts)


def require_image(name: str, where: str) -> None:
    """Raise :class:`DataError` unless the name ends as an image's does."""
    if not name.lower().endswith(SUFFIXES):
        raise DataError(
            f"{where} is not an image ({', '.join(suffix[1:] for suffix in SUFFIXES)}); remove it, or begin "
            "its name with a dot"
        )


@dataclass(frozen=True)
class FolderSource:
    """The images below a folder."""

    path: Path
    names: tuple[str, ...]
    described: tuple[str, ...]
    files: tuple[str, ...]

    @classmethod
    def list(cls, path: Path) -> "FolderSource":
        """List a folder with all its sub-folders, also linked ones.

        ``files`` holds those files and the folders, whose times change when a file is added or removed.
        """
        names: list[str] = []
        described: list[str] = []
        folders: list[str] = []
        seen: set[str] = set()
        for folder, inner, files in os.walk(path, onerror=_refuse, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:
                raise DataError(f"{shown(folder)} is a link to a folder that is already read; remove it")
            seen.add(real)
            folders.append(folder)
            inner[:] = [name for name in inner if not hidden(name)]
            relative = Path(folder).relative_to(path)
            for name in files:
                if name == LABELS:
                    described.append((relative / name).as_posix())
                elif not hidden(name):
                    require_image(name, shown(Path(folder, name)))
                    names.append((relative / name).as_posix())
        names.sort()
        described.sort()
        stamped = (*sorted(folders), *(str(path / name) for name in (*names, *described)))
        return cls(path, tuple(names), tuple(described), stamped)

    def where(self, name: str) -> str:
        return shown(self._place(name))

    def read(self, name: str) -> bytes:
        try:
            with open(self._place(name), "rb", buffering=0, opener=_open_at_once) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise DataError(f"{self.where(name)} is not a regular file")
                if status.st_size > LARGEST_FILE:
                    size = f"{status.st_size} bytes, more than the {LARGEST_FILE} allowed for an image"
                    raise DataError(f"{self.where(name)} has {size}")
                return file.readall()
        except OSError as error:
            raise DataError(f"{self.where(name)} cannot be read ({error.strerror or error})") from error

    def _place(self, name: str) -> str:
        # Not by pathlib, which takes longer than reading a small file does.
        return f"{self.path}/{name}"


@dataclass(frozen=True)
class ZipSource:
    """The images in a .zip, which is read in place: nothing is unpacked to the disk."""

    path: Path
    names: tuple[str, ...]
    described: tuple[str, ...]
    files: tuple[str, ...]
    archive: zipfile.ZipFile

    @classmethod
    def list(cls, path: Path, archive: zipfile.ZipFile) -> "ZipSource":
        """List an open archive; refuse entries that are encrypted, packed unusually, twice there or too large."""
        names: set[str] = set()
        total, most = 0, most_of(path.stat().st_size)
        for entry in archive.infolist():
            name = entry.filename
            if entry.is_dir() or hidden(name):
                continue
            where = f"{shown(path)}: {shown(name)}"
            if PurePosixPath(name).name != LABELS:
                require_image(name, where)
            if entry.flag_bits & 1:
                raise DataError(f"{where} is encrypted; make the .zip without a password")
            if entry.compress_type not in PACKINGS:
                raise DataError(
                    f"{where} is packed in a way that is not read, because it cannot be unpacked in parts; make the "
                    ".zip as usual (deflated)"
                )
            if entry.file_size > LARGEST_FILE:
                raise DataError(
                    f"{where} claims {entry.file_size} bytes, more than the {LARGEST_FILE} allowed for an image"
                )
            total += entry.file_size
            if total > most:
                raise DataError(
                    f"{shown(path)} claims images of more than {most} bytes, {total / path.stat().st_size:.0f} "
                    "times its own size; put image files into it, or name the folder that contains them"
                )
            if name in names:
                raise DataError(f"{where} is in the .zip twice; put each image into it once")
            names.add(name)
        described = {name for name in names if PurePosixPath(name).name == LABELS}
        return cls(path, tuple(sorted(names - described)), tuple(sorted(described)), (str(path),), archive)

    def where(self, name: str) -> str:
        return f"{shown(self.path)}: {shown(name)}"

    def read(self, name: str) -> bytes:
        try:
            return self.archive.read(name)  # never more than the size it claims
        except Exception as error:  # damaged archives raise what zipfile, zlib, lzma and struct please
            raise DataError(f"{self.where(name)} cannot be unpacked ({one_line(error)})") from error


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """List a folder or a .zip and keep it open.

    Raises:
        DataError: it does not exist, is neither, cannot be read, or holds something that is not an image.
    """
    try:
        is_folder, there = path.is_dir(), path.exists()
    except OSError as error:  # of a name that is too long, for example
        raise DataError(f"{shown(path)} cannot be read ({error.strerror or error})") from error
    if is_folder:
        yield FolderSource.list(path)
        return
    if not there:
        raise DataError(f"there is no folder or .zip at {shown(path)}")
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise DataError(f"{shown(path)} is neither a folder nor a valid .zip ({one_line(error)})") from error
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be read ({error.strerror or error})") from error
    with archive:
        yield ZipSource.list(path, archive)


def _open_at_once(path: str, flags: int) -> int:
    """Open a file, and a pipe without waiting for a writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _refuse(error: OSError) -> None:
    raise DataError(f"{shown(error.filename)} cannot be listed ({error.strerror or error})") from error
