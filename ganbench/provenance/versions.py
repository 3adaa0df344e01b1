"""Which code computes a trial's numbers besides its components: ganbench's own, and the packages below it."""

import hashlib
import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("ganbench", "torch", "torchvision", "torch-fidelity", "numpy", "scipy", "safetensors")
CODE = "ganbench code"
"""The name that the hash of ganbench's own code has among the versions."""
COMPUTING = ("ganbench", CODE, "torch", "torch-fidelity", "numpy")
"""What of another version may compute other numbers from the same seed."""

_PACKAGE = Path(__file__).parents[1]
_NEVER_IN_A_TRIAL = {"cli", "display", "executors", "leaderboard", "planning", "report", "running", "scaffold",
                     "statistics", "store", "tables", "testing", "trackers"}  # fmt: skip
_COMPONENTS = {"architectures", "augmentations", "extractors", "losses", "metrics", "penalties"}
"""Their code is in the names of the trials that use them, so that a change of one loss leaves the others' trials."""
_USED_BY_ALL = {_PACKAGE / "architectures" / "resampling.py"}
"""What training itself calls although it lies beside components."""


def versions() -> dict[str, str]:
    """The versions of the packages that a result depends on, and the hash of ganbench's own code."""
    return {**{package: installed(package) for package in PACKAGES}, CODE: own_code()}


def installed(package: str) -> str:
    """The version of an installed package, or ``missing``."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


@cache
def own_code() -> str:
    """Twelve digits of the SHA-256 of ganbench's code that every trial runs, whatever its components are.

    A trial's name does not hold it: another version of ganbench goes on with the trials that are there. Results do.
    """
    state = hashlib.sha256()
    for file in own_files():
        state.update(json.dumps([file.relative_to(_PACKAGE).as_posix(), file.read_text("utf-8")]).encode("ascii"))
    return state.hexdigest()[:12]


def own_files() -> list[Path]:
    """The files that :func:`own_code` covers: some that no trial runs are among them, none that one runs is missing."""
    left_out = _NEVER_IN_A_TRIAL | _COMPONENTS
    found = {file for file in _PACKAGE.rglob("*.py") if file.relative_to(_PACKAGE).parts[0] not in left_out}
    return sorted(found | _USED_BY_ALL)


def key() -> str:
    """What trials that may be mixed have in common: a key for caches of trials, of letters that every cache takes."""
    found = versions()
    return "-".join(f"{name}-{found[name]}".replace(" ", "-") for name in COMPUTING)
