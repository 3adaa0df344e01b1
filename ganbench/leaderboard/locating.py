"""Where the suites of published tables lie, and which there are."""

import tomllib
from pathlib import Path

from ganbench.errors import UsageError


def folders() -> tuple[Path, ...]:
    """Where suites of published tables lie: here, in the source tree, where the package was installed.

    How far above the package an installation keeps ``share`` depends on how it was made: next to it with ``pip install
    --target``, some folders up in a virtual environment, with ``--user`` or with ``--prefix``.
    """
    above = Path(__file__).resolve().parents[2:]
    installed = (folder / "share" / "ganbench" / "leaderboards" for folder in above)
    return Path("leaderboards"), above[0] / "leaderboards", *installed


def tables() -> list[str]:
    """The names of the published tables in :func:`folders`, in alphabetical order."""
    return sorted({path.stem for folder in folders() for path in folder.glob("*.toml") if _is_published(path)})


def find(name: str | None) -> Path:
    """Return the suite's file: ``name`` itself where it is a file's, else ``name.toml`` in one of :func:`folders`.

    Raises:
        UsageError: there is none, or no name was given; names those there are.
    """
    if name is not None and Path(name).suffix == ".toml":
        return Path(name)
    for folder in folders() if name else ():
        if (folder / f"{name}.toml").is_file():
            return folder / f"{name}.toml"
    wrong = "no published table was named" if name is None else f"there is no published table '{name}'"
    known = tables()
    choice = f"choose one of: {', '.join(known)}, or" if known else "name"
    raise UsageError(f"{wrong}; {choice} the path of a suite with a table [published]")


def _is_published(path: Path) -> bool:
    """Whether a suite has a table ``[published]`` with something in it; what cannot be read has none."""
    try:
        published = tomllib.loads(path.read_text("utf-8-sig")).get("published")
    except (OSError, ValueError, RecursionError):  # no file, no text, no TOML, or nested too deeply
        return False
    return isinstance(published, dict) and bool(published)
