"""Is a trial's folder what was written there?"""

from collections.abc import Iterator
from typing import NamedTuple

from ganbench.errors import StoreError
from ganbench.files import read_whole
from ganbench.records import manifest, sealing
from ganbench.records.folder import TrialFolder, previous_checkpoint
from ganbench.spec import FINAL
from ganbench.store.results import read_row


class Findings(NamedTuple):
    """What was found of a trial's files, a line each: what is damaged, and what could not be verified."""

    damage: list[str]
    unverified: list[str]


def verify(folder: TrialFolder) -> Findings:
    """Hash all files of a trial again."""
    try:
        row = read_row(folder)
    except StoreError as error:
        return Findings([str(error)], [])
    found = Findings([*_damaged_checkpoints(folder)], [])
    if row.status not in FINAL:
        return found
    path = folder.path / manifest.NAME
    try:
        listed = manifest.read(folder)
    except StoreError as error:
        found.damage.append(str(error))
        return found
    if listed is None:
        found.unverified.append(f"{folder.path} has no {manifest.NAME}: only the form of its files was verified")
        return found
    if listed.trial_id != row.trial_id:
        found.damage.append(f"{path} is the manifest of {listed.trial_id}")
    known = {path.name: path for path in manifest.covered(folder)}
    for name, expected in sorted(listed.files.items()):
        if name not in known:
            found.unverified.append(f"{path} names {name}, which this version does not know")
        elif complaint := manifest.complaint(known[name], expected):
            found.damage.append(complaint)
    added = [known[name] for name in sorted(known.keys() - listed.files.keys()) if known[name].exists()]
    found.damage.extend(f"{file} is not in the manifest: it was added later" for file in added)
    return found


def _damaged_checkpoints(folder: TrialFolder) -> Iterator[str]:
    """What is wrong with a trial's checkpoints, and from where it will go on."""
    intact, damaged = [], []
    for path in (folder.checkpoint, previous_checkpoint(folder.checkpoint)):
        if not path.exists():
            continue
        try:
            sealing.unseal(read_whole(path))
        except sealing.Damaged as error:
            damaged.append(f"{path} {error}")
        except FileNotFoundError:
            continue  # the trial is under way and has written the next one
        except OSError as error:
            damaged.append(f"{path} cannot be read: {error.strerror or error}")
        else:
            intact.append(path.name)
    goes_on = f"the trial resumes from {intact[0]}" if intact else "the trial starts again from its first step"
    yield from (f"{complaint}; {goes_on}" for complaint in damaged)


def require_intact(folder: TrialFolder, trial_id: str) -> None:
    """Hash again what tables and leaderboards are made of: a finished trial's specification, evaluations and result.

    Raises:
        StoreError: one is not what was written, or the manifest that says what was written is missing, damaged, or that
            of another trial.
    """
    path = folder.path / manifest.NAME
    remedy = "remove the trial and run it again"
    listed = manifest.read(folder)
    if listed is None:
        raise StoreError(f"{path} is missing, so the result beside it cannot be verified; restore it, or {remedy}")
    if listed.trial_id != trial_id:
        raise StoreError(f"{path} is the manifest of {listed.trial_id}; restore this trial's, or {remedy}")
    for file in (folder.spec, folder.metrics, folder.result):
        expected = listed.files.get(file.name)
        if expected is None and file.exists():
            raise StoreError(f"{file} is not in the manifest: it was added later; {remedy}")
        if expected is not None and (complaint := manifest.complaint(file, expected)):
            raise StoreError(f"{complaint}; {remedy}")
