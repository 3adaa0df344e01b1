"""Is a trial's folder what was written there?"""

from ganbench.errors import StoreError
from ganbench.files import read_whole
from ganbench.records import manifest, sealing
from ganbench.records.folder import TrialFolder, previous_checkpoint
from ganbench.spec import FINAL
from ganbench.store.results import read_row


def verify(folder: TrialFolder) -> tuple[list[str], list[str]]:
    """Hash all files of a trial again.

    Returns:
        what is damaged, a line each; and what could not be verified, a line each.
    """
    damage: list[str] = []
    unverified: list[str] = []
    try:
        row = read_row(folder)
    except StoreError as error:
        return [str(error)], []
    for path in (folder.checkpoint, previous_checkpoint(folder.checkpoint)):
        if not path.exists():
            continue
        try:
            sealing.unseal(read_whole(path))
        except sealing.Damaged as error:
            damage.append(f"{path} {error}; the trial resumes from the one before it")
        except FileNotFoundError:
            continue  # the trial is under way and has written the next one
        except OSError as error:
            damage.append(f"{path} cannot be read: {error.strerror or error}")
    if row.status not in FINAL:
        return damage, unverified
    path = folder.path / manifest.NAME
    try:
        listed = manifest.read(folder)
    except StoreError as error:
        return [*damage, str(error)], unverified
    if listed is None:
        return damage, [f"{folder.path} has no {manifest.NAME}: only the form of its files was verified"]
    if listed.trial_id != row.trial_id:
        damage.append(f"{path} is the manifest of {listed.trial_id}")
    known = {path.name: path for path in manifest.covered(folder)}
    for name, expected in sorted(listed.files.items()):
        if name not in known:
            unverified.append(f"{path} names {name}, which this version does not know")
            continue
        damage += filter(None, [manifest.complaint(known[name], expected)])
    added = [known[name] for name in sorted(known.keys() - listed.files.keys()) if known[name].exists()]
    damage += [f"{file} is not in the manifest: it was added later" for file in added]
    return damage, unverified


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
