"""Which trial is meant: its folder, its name in a folder of trials, or an unmistakable beginning of that name."""

import os
import re
from pathlib import Path

from ganbench.errors import StoreError, did_you_mean
from ganbench.records.folder import TrialFolder, require_generator

RUNS = Path("runs")
"""Where trials are looked for by name if nothing else is said."""
_FILES = ("spec.json", "status.json", "result.json")
_NAME = re.compile(r"-[0-9a-f]{12}$")
"""How the name of a trial ends."""


def find_trial(trial: str | Path, runs: Path = RUNS, *, option: str = "") -> TrialFolder:
    """Return the folder of the trial that is meant.

    Args:
        trial: its folder, its name under ``runs``, or a beginning that no other name there has.
        runs: a folder of trials.
        option: the one that names another such folder; empty where the caller has none.

    Raises:
        StoreError: there is none, it is a folder of trials, several names begin so, or a folder cannot be looked into.
    """
    try:
        return _find(Path(os.path.expanduser(trial)), trial, runs, option)  # as it is where there is no such user
    except OSError as error:  # closed to this user, for example, or too long a name
        raise StoreError(f"cannot read {error.filename or trial}: {error.strerror}") from error


def _find(path: Path, trial: str | Path, runs: Path, option: str) -> TrialFolder:
    if (path / "spec.json").is_file():
        return TrialFolder(path)
    if name := name_of(trial, runs):
        return TrialFolder(runs / name)
    if path.is_dir():
        if (one := next(path.glob("*/spec.json"), None)) is not None:
            other = f", or that folder with {option} {path}" if option else ""
            raise StoreError(f"{path} is a folder of trials; name one of them, e.g. {one.parent}{other}")
        if (path / "status.json").exists():  # of one that has lost its specification, as reading it will say
            return TrialFolder(path)
        raise StoreError(
            f"{path} is not the folder of a trial, which contains spec.json; 'ganbench runs list' shows them"
        )
    names = _names(runs)
    hint = did_you_mean(str(trial), names, listed_by=f"ganbench runs list --out {runs}")
    below = folder_within(runs)
    none = hint if names else f", which contains no trials{f'; there are some in {below}' if below else ''}"
    raise StoreError(f"there is no trial '{trial}', neither as a folder nor in {runs}{none}")


def find_trained(trial: str | Path) -> TrialFolder:
    """Return the folder of a trial that has a generator; which is meant is said as to :func:`find_trial`.

    Raises:
        StoreError: there is none, it is a folder of trials, several names begin so, or it has no generator.
    """
    folder = find_trial(trial)
    require_generator(folder)
    return folder


def name_of(trial: str | Path, runs: Path) -> str | None:
    """Return the name of the trial under ``runs`` that is called or begins so; ``None`` where none does.

    Raises:
        StoreError: several begin so.
    """
    names, begin = _names(runs), str(Path(trial))
    found = [name for name in names if name == begin] or [name for name in names if name.startswith(begin)]
    if len(found) > 1:
        raise StoreError(f"the names of {len(found)} trials in {runs} begin with '{begin}'; write more of the name")
    return found[0] if found else None


def is_trial(path: Path) -> bool:
    """Whether a folder has one of a trial's files; of one that is closed to this user its name must tell."""
    if not path.is_dir() or path.name.startswith("."):
        return False
    if not os.access(path, os.X_OK):  # another user's: whoever reads it says so, and no row is missing silently
        return _NAME.search(path.name) is not None
    return any((path / name).exists() for name in _FILES)


def folder_within(folder: Path) -> Path | None:
    """Return the first folder of trials in one without trials of its own: ``runs/digits`` of ``runs``, or ``None``."""
    if next(folder.glob("*/spec.json"), None) is not None:
        return None
    return next((path.parents[1] for path in sorted(folder.glob("*/*/spec.json"))), None)


def _names(runs: Path) -> list[str]:
    return sorted(path.name for path in runs.iterdir() if is_trial(path)) if runs.is_dir() else []
