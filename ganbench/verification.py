"""Is a trial's folder what was written there?"""

from ganbench import manifest, sealing
from ganbench.errors import StoreError
from ganbench.files import file_sha256
from ganbench.folder import TrialFolder, previous_checkpoint
from ganbench.results import read_row
from ganbench.spec import FINAL


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
            sealing.unseal(sealing.CHECKPOINT, path.read_bytes())
        except sealing.Damaged as error:
            damage.append(f"{path} {error}; the trial goes on from the one before it")
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
        try:
            found = file_sha256(known[name])
        except OSError as error:
            damage.append(f"{known[name]} cannot be read: {error.strerror or error}")
            continue
        if found != expected:
            damage.append(f"{known[name]} is damaged: its SHA-256 is {found[:12]}, written was {expected[:12]}")
    added = [known[name] for name in sorted(known.keys() - listed.files.keys()) if known[name].exists()]
    damage += [f"{file} is not in the manifest: it was added later" for file in added]
    return damage, unverified
