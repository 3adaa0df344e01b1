"""Which trials need not be kept, and how they are removed."""

import os
import shutil
from collections.abc import Iterable
from typing import Any

from ganbench.errors import StoreError
from ganbench.files import digest
from ganbench.folder import TrialFolder
from ganbench.leases import Leases, holder
from ganbench.results import Row

FAILED = ("failed", "timeout", "out-of-memory")


def candidates(rows: Iterable[Row]) -> list[tuple[Row, str]]:
    """The trials that may go, each with the reason.

    Failed ones that have no checkpoint to go on from, and those done again with a later version of a component.
    """
    rows = list(rows)
    latest: dict[str, tuple[float, str]] = {}
    for row in rows:
        if row.done:
            latest[question(row)] = max(latest.get(question(row), (0.0, "")), (_ended(row), row.trial_id))
    found: list[tuple[Row, str]] = []
    for row in rows:
        if holder(row.folder) is not None:
            continue
        newest = latest.get(question(row), (0.0, row.trial_id))[1]
        if row.status in FAILED and not TrialFolder(row.folder).checkpoint.exists():
            found.append((row, f"{row.status}: {row.reason}"))
        elif row.done and newest != row.trial_id:
            found.append((row, f"superseded by {newest}"))
    return found


def question(row: Row) -> str:
    """What a trial asks, apart from the versions and the code of its components: equal for one and its successor."""
    return digest(_without_versions(row.spec.model_dump(mode="json")))


def remove(folder: TrialFolder) -> bool:
    """Remove a trial with all its files, unless somebody works on it or it is a link; links in it are not followed.

    Raises:
        StoreError: it cannot be removed.
    """
    if folder.path.is_symlink():
        return False
    leases = Leases()
    try:
        if not leases.take(folder.path):
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
    try:
        return float(TrialFolder(row.folder).read_status().get("time", 0.0))
    except (TypeError, ValueError):
        return 0.0


def _without_versions(value: Any) -> Any:
    if isinstance(value, dict):
        left_out = ("schema_version", "version", "source") if "plugin" in value else ("schema_version",)
        return {key: _without_versions(inner) for key, inner in value.items() if key not in left_out}
    return [_without_versions(inner) for inner in value] if isinstance(value, list) else value
