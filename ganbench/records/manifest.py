"""The hashes of a finished trial's files, so that damage that comes later is noticed."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ganbench.errors import StoreError
from ganbench.files import file_sha256, read_json, write_json
from ganbench.records.folder import TrialFolder

NAME = "manifest.json"
VERSION = 1


class Manifest(BaseModel):
    """What is in ``manifest.json``: the SHA-256 of each file by its name."""

    model_config = ConfigDict(frozen=True)

    version: int
    trial_id: str
    files: dict[str, str]


def covered(folder: TrialFolder) -> tuple[Path, ...]:
    """The files whose content is final once the trial has ended; the status and the log are still written to."""
    return (
        folder.spec,
        folder.progress,
        folder.metrics,
        folder.snapshots,
        folder.result,
        folder.generator,
        folder.samples,
    )


def write(folder: TrialFolder, trial_id: str) -> None:
    """Hash what a trial has written. Called once its result is there, before its status says so."""
    hashes = {path.name: file_sha256(path, links=False) for path in covered(folder) if path.exists()}
    write_json(folder.path / NAME, {"version": VERSION, "trial_id": trial_id, "files": hashes})


def read(folder: TrialFolder) -> Manifest | None:
    """Return a trial's manifest, ``None`` where it has none.

    Raises:
        StoreError: it is damaged.
    """
    path = folder.path / NAME
    if not path.exists():
        return None
    try:
        return Manifest.model_validate(read_json(path, links=False))
    except ValidationError as error:
        raise StoreError(f"{path} is not a manifest, so the trial cannot be verified") from error


def complaint(path: Path, expected: str) -> str:
    """What is wrong with a file; empty where its SHA-256 is ``expected``."""
    try:
        found = file_sha256(path, links=False)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}"
    return "" if found == expected else f"{path} is damaged: its SHA-256 is {found[:12]}, expected {expected[:12]}"


def require_written(folder: TrialFolder, path: Path) -> None:
    """Look whether a trial's file is the one that the trial wrote; a trial without a manifest cannot tell.

    Raises:
        StoreError: it is not, or the manifest is damaged or that of another trial.
    """
    listed = read(folder)
    if listed is None:
        return
    if listed.trial_id != folder.read_spec().trial_id:
        wrong = f"{folder.path / NAME} is the manifest of {listed.trial_id}"
    elif path.name not in listed.files:
        wrong = f"{path} is not in the manifest: it was added later"
    else:
        wrong = complaint(path, listed.files[path.name])
    if wrong:
        raise StoreError(f"{wrong}; restore it, or remove the trial and run it again")
