"""Which trials a folder has: each once, whatever links lead to it."""

import os
import re
from pathlib import Path

from ganbench.errors import StoreError
from ganbench.records.folder import require_runs

_FILES = ("spec.json", "status.json", "result.json")
_NAME = re.compile(r"-[0-9a-f]{12}$")
"""How the name of a trial ends."""


def trial_paths(runs: Path) -> list[Path]:
    """The folders of the trials in a folder of runs, or the one trial whose folder this is.

    A link to a trial that is there too, such as ``latest``, is passed over: one seed would count as two. Of several
    links to a trial that lies elsewhere, one stands for it.

    Raises:
        StoreError: there is no such folder, or it cannot be listed.
    """
    require_runs(runs)
    try:
        if (runs / "spec.json").is_file():
            return [runs]
        found = [path for path in runs.iterdir() if _is_trial(path)]
    except OSError as error:
        raise StoreError(f"cannot list {runs}: {error.strerror or error}") from error
    links = sorted((path for path in found if path.is_symlink()), reverse=True)
    if not links:
        return sorted(found)
    # Of what leads to one place the last stands, a folder of its own before a link.
    once = {path.resolve(): path for path in (*links, *(path for path in found if not path.is_symlink()))}
    return sorted(once.values())


def _is_trial(path: Path) -> bool:
    """Whether a folder has one of a trial's files; of one that is closed to this user its name must tell."""
    if not path.is_dir() or path.name.startswith("."):
        return False
    if not os.access(path, os.X_OK):  # another user's: whoever reads it says so, and no row is missing silently
        return _NAME.search(path.name) is not None
    return any((path / name).exists() for name in _FILES)
