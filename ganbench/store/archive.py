"""One trial as a .zip: written without following links, read without trusting a name, a size or a link in it."""

import contextlib
import itertools
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ganbench.errors import StoreError
from ganbench.files import LARGEST_TEXT, open_regular, replacing
from ganbench.records.folder import TrialFolder
from ganbench.store.lease_file import Seen
from ganbench.store.leases import holder
from ganbench.store.store import Store
from ganbench.store.verification import verify

LARGEST_FILE = 16 << 30
"""Bytes of one file of weights or of a checkpoint, unpacked; what is text may have fewer."""
_CHUNK = 1 << 20

FILES = (
    "spec.json", "status.json", "result.json", "manifest.json", "progress.jsonl", "metrics.jsonl", "snapshots.jsonl",
    "starts.jsonl", "attempts.jsonl", "worker.log", "samples.png", "generator.safetensors", "checkpoint.pt",
    "checkpoint.previous.pt",
)  # fmt: skip
_BINARY = (".safetensors", ".pt")
_DENSE = (*_BINARY, ".png")
"""What deflating makes hardly smaller, and takes a minute per gigabyte for."""


def write_archive(folder: TrialFolder, path: Path, seen: dict[Path, Seen] | None = None) -> None:
    """Write a trial's files to ``path``, whole or not at all; on ``seen`` see :func:`ganbench.store.leases.holder`.

    Raises:
        StoreError: there is something at ``path``, somebody works on the trial, a file is a link or damaged, or the
            archive cannot be written.
    """
    if path.exists() or path.is_symlink():
        raise StoreError(f"{path} already exists; remove it, or choose another file with --to")
    owner = holder(folder.path, seen)
    if owner is not None:
        raise StoreError(f"{folder.path} is held by {owner}; export it after it has ended")
    damage = verify(folder).damage
    if damage:
        raise StoreError(f"{damage[0]}; a damaged trial cannot be exported")
    name = folder.read_spec().trial_id
    try:
        with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
            for each in FILES:
                _add(archive, folder.path / each, f"{name}/{each}")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}; choose another file with --to") from error


def read_archive(path: Path, out: Path) -> TrialFolder:
    """Take a trial from an archive into ``out``; return its folder.

    Raises:
        StoreError: not such an archive, damaged, or the trial is there already.
    """
    try:
        with zipfile.ZipFile(path) as archive, _none_left_behind(out):
            trial_id, members = _members(archive, path)
            target = out / trial_id
            if target.exists() or target.is_symlink():
                raise StoreError(f"{target} already exists; remove it, or choose another folder with --out")
            Store(out).prepare()
            with tempfile.TemporaryDirectory(prefix=".import-", dir=out) as temporary:
                inside = Path(temporary) / trial_id
                inside.mkdir()
                for name, member in members.items():
                    _unpack(archive, member, inside / name)
                damage = verify(TrialFolder(inside)).damage
                if damage:
                    raise StoreError(f"cannot import {path}: {damage[0].replace(str(inside), trial_id)}")
                os.rename(inside, target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
        raise StoreError(
            f"{path} is damaged or is not an archive ({' '.join(str(error).split())[:160]}); export the trial again"
        ) from error
    except OSError as error:
        raise StoreError(f"cannot import {path}: {error.strerror or error}") from error
    return TrialFolder(target)


@contextlib.contextmanager
def _none_left_behind(out: Path) -> Iterator[None]:
    """Remove the folders that are made on the way to ``out`` where nothing comes into them in the end."""
    made = list(itertools.takewhile(lambda path: not path.exists(), (out, *out.parents)))
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            for path in made:
                path.rmdir()
        raise


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    try:
        file = open_regular(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}; the trial cannot be exported") from error
    with file:
        member = zipfile.ZipInfo(name)
        member.compress_type = zipfile.ZIP_STORED if name.endswith(_DENSE) else zipfile.ZIP_DEFLATED
        with archive.open(member, "w", force_zip64=True) as target:
            shutil.copyfileobj(file, target, _CHUNK)


def _members(archive: zipfile.ZipFile, path: Path) -> tuple[str, dict[str, zipfile.ZipInfo]]:
    """The trial's name and its files; anything that has no place in a trial's folder is refused."""
    found: dict[str, zipfile.ZipInfo] = {}
    trial_ids: set[str] = set()
    for member in archive.infolist():
        folder, slash, name = member.filename.partition("/")
        if not slash or name not in FILES or folder in ("", ".", "..") or "\\" in folder or folder.startswith("."):
            raise StoreError(f"cannot import {path}: it contains {member.filename!r}, which is not a file of a trial")
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise StoreError(f"cannot import {path}: {member.filename!r} is a link or a device")
        if member.flag_bits & 1:
            raise StoreError(f"cannot import {path}: it is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # Python unpacks these in one go, to gigabytes, whatever the file claims.
            raise StoreError(f"cannot import {path}: {member.filename!r} is neither stored nor deflated")
        limit = LARGEST_FILE if name.endswith(_BINARY) else LARGEST_TEXT
        if member.file_size > limit:
            raise StoreError(
                f"cannot import {path}: {member.filename!r} claims {member.file_size} bytes, more than the {limit} "
                "allowed"
            )
        if name in found:
            raise StoreError(f"cannot import {path}: it contains {member.filename!r} twice")
        found[name] = member
        trial_ids.add(folder)
    if len(trial_ids) != 1 or "spec.json" not in found:
        raise StoreError(f"{path} is not the archive of one trial; `ganbench runs export` writes one")
    return trial_ids.pop(), found


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Unpack one file, of which the archive gives no more than it claims."""
    with archive.open(member) as source, target.open("xb") as file:
        shutil.copyfileobj(source, file, _CHUNK)
        file.flush()
        os.fsync(file.fileno())
