"""Which trials need not be kept, and how they are removed."""

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ganbench.errors import StoreError
from ganbench.files import digest
from ganbench.records.folder import TrialFolder
from ganbench.spec import TrialSpec
from ganbench.store.lease_file import Seen
from ganbench.store.leases import Leases, holder
from ganbench.store.results import Row, read_row

FAILED = ("failed", "timeout", "out-of-memory")


def candidates(rows: Iterable[Row], seen: dict[Path, Seen] | None = None) -> list[tuple[Row, str]]:
    """The trials that may go, each with the reason.

    Failed ones that have no checkpoint to go on from, and those done again with a later version of a component, or with
    other code under the same versions. Where no version is later throughout, both are kept, and so is what somebody
    works on; on ``seen`` see :func:`ganbench.store.leases.holder`.
    """
    rows = list(rows)
    done: dict[str, list[Row]] = {}
    for row in rows:
        if row.done:
            done.setdefault(question(row), []).append(row)
    found: list[tuple[Row, str]] = []
    for row in rows:
        if _may_go(row):
            found.append((row, f"{row.status}: {row.reason}"))
        elif row.done and (later := [other for other in done[question(row)] if _supersedes(other, row)]):
            found.append((row, f"superseded by {max(later, key=_ended).trial_id}"))
    return [(row, why) for row, why in found if holder(row.folder, seen) is None]


def _may_go(row: Row) -> bool:
    return row.status in FAILED and not TrialFolder(row.folder).goes_on()


def _supersedes(one: Row, other: Row) -> bool:
    """Whether one trial is of later versions than the other, or of the same ones and ended later."""
    ours, theirs = (_versions(row.spec.model_dump(mode="json")) for row in (one, other))
    if ours == theirs:
        return (_ended(one), one.trial_id) > (_ended(other), other.trial_id)
    numbers = [(_numbers(a), _numbers(b)) for a, b in zip(ours, theirs, strict=True) if a != b]
    return all(a is not None and b is not None and a > b for a, b in numbers)


def _versions(value: Any) -> list[str]:
    """The versions of all components in a specification, in its order."""
    if isinstance(value, dict):
        own = [str(value["version"])] if "plugin" in value else []
        return own + [version for key in value for version in _versions(value[key])]
    return [version for inner in value for version in _versions(inner)] if isinstance(value, list) else []


def _numbers(version: str) -> tuple[int, ...] | None:
    """A version of numbers and dots; ``None`` for another, which cannot be ordered without its package's help."""
    return tuple(map(int, version.split("."))) if re.fullmatch(r"\d+(\.\d+)*", version) else None


def question(row: Row) -> str:
    """What a trial asks, apart from the versions and the code of its components: equal for one and its successor."""
    return digest(_without(("version", "source"), row.spec.model_dump(mode="json")))


def code(spec: TrialSpec) -> str:
    """What a trial asks, and of which code, apart from versions: equal over a release that changes nothing in it."""
    return digest(_without(("version",), spec.model_dump(mode="json")))


def remove(row: Row, seen: dict[Path, Seen] | None = None) -> bool:
    """Remove a trial with all its files; links in it are not followed.

    It stays where it is a link, where somebody works on it, and where it is no longer as it was when the row was read;
    on ``seen`` see :func:`ganbench.store.leases.holder`.

    Raises:
        StoreError: it cannot be removed.
    """
    folder = TrialFolder(row.folder)
    if folder.path.is_symlink():
        return False
    leases = Leases(seen=seen)
    try:
        if not leases.take(folder.path):
            return False
        now = read_row(folder)
        if now.status != row.status or not (now.done or _may_go(now)):
            return False
        # Under another name first, so that a removal that is cut short leaves no half trial.
        doomed = folder.path.with_name(f".removed-{folder.path.name}-{os.getpid()}")
        os.rename(folder.path, doomed)
        shutil.rmtree(doomed)
    except OSError as error:
        raise StoreError(f"cannot remove {folder.path}: {error.strerror or error}") from error
    finally:
        leases.release_all()
    return True


def _ended(row: Row) -> float:
    return row.since or 0.0


def _without(fields: tuple[str, ...], value: Any) -> Any:
    """A specification without these fields of its components, and without its form."""
    if isinstance(value, dict):
        left_out = ("schema_version", *fields) if "plugin" in value else ("schema_version",)
        return {key: _without(fields, inner) for key, inner in value.items() if key not in left_out}
    return [_without(fields, inner) for inner in value] if isinstance(value, list) else value
