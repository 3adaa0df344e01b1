"""What the installed packages say of themselves: their plugins, and which modules come with which package."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from typing import Any

from ganbench.hookspecs import GROUP
from ganbench.registry import BUILTIN, package_of

_SITES = ("site-packages", "dist-packages")
"""Folders that hold what many packages brought."""


@dataclass(frozen=True)
class Damaged:
    """A list of entry points that cannot be read, for ``reason``, although it may name plugins.

    Attributes:
        distribution: the package, as the folder of its metadata is named: that may be damaged too.
        version: from the same name.
        path: the list's file.
        reason: the error.
    """

    distribution: str
    version: str
    path: str
    reason: Exception


def entry_points() -> tuple[list[EntryPoint], list[Damaged]]:
    """The entry points of the group ``ganbench``, and the lists that cannot be read.

    ``importlib.metadata.entry_points()`` raises for all of them where one is damaged.
    """
    found: list[EntryPoint] = []
    damaged: list[Damaged] = []
    for distribution in distributions():
        try:
            found.extend(point for point in distribution.entry_points if point.group == GROUP)
        except Exception as error:
            folder = Path(str(getattr(distribution, "_path", "")))
            path = folder / "entry_points.txt"
            if isinstance(error, UnicodeDecodeError | OSError) or _names_the_group(path):
                name, _, version = folder.stem.partition("-")
                damaged.append(Damaged(name, version or "unknown", str(path), error))
    return found, damaged


def _names_the_group(path: Path) -> bool:
    try:
        return GROUP.encode() in path.read_bytes()
    except OSError:  # no file of its own, as in a package that is a .zip
        return False


def said(distribution: Distribution, field: str) -> str:
    """A field of a distribution's metadata, such as ``Version``; empty where it, or all metadata, are missing.

    Asking for a missing field is deprecated, and will be an error; in some Pythons there may be no metadata at all.
    """
    metadata: Any = distribution.metadata
    return str(metadata[field]) if metadata is not None and field in metadata else ""


def siblings(packages: Iterable[str]) -> frozenset[str]:
    """Top-level modules, and all that come with them in distributions that have plugins.

    Only those are asked: to read the lists of files of all that is installed takes half a second. ganbench is one.
    """
    asked = frozenset(packages)
    others = asked - {BUILTIN}
    together = [names for names in brought_by_plugins().values() if names & others] if others else []
    return asked.union(*together)


def brought_by_plugins() -> dict[str, frozenset[str]]:
    """The top-level modules of each distribution that has plugins."""
    return _brought(tuple(sys.path))


@cache
def _brought(path: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """``path`` is where they are looked for."""
    found: dict[str, frozenset[str]] = {}
    for point in entry_points()[0]:
        if point.dist is not None:
            name = said(point.dist, "Name") or "unknown"
            # ganbench is one package. Installed for development, it would list the folders beside it, such as tests.
            names = found.get(name) or (frozenset() if name == BUILTIN else _top_level(point.dist))
            found[name] = names | {package_of(point.value)}
    return found


def _top_level(distribution: Distribution) -> frozenset[str]:
    try:
        return frozenset(_listed(distribution))
    except (OSError, ValueError):  # damaged metadata: what its entry points name is known all the same
        return frozenset()


def _listed(distribution: Distribution) -> Iterator[str]:
    """The top-level modules of a distribution, however it was built and installed."""
    if listed := (distribution.read_text("top_level.txt") or "").split():
        yield from listed
        return
    files = distribution.files
    if files is None:
        folder = Path(str(distribution.locate_file("")))
        yield from _modules_in(folder) if folder.name not in _SITES else ()
        return
    for file in files:
        if file.suffix == ".pth":  # an editable installation: the modules lie in the folders that it names
            for line in file.read_text("utf-8").splitlines():
                yield from _modules_in(Path(line.strip()))
        else:
            yield from _as_module(file.parts[0])


def _modules_in(folder: Path) -> Iterator[str]:
    if folder.is_absolute() and folder.is_dir():
        for path in folder.iterdir():
            yield from _as_module(path.name)


def _as_module(file: str) -> Iterator[str]:
    name = file.removesuffix(".py")
    if name.isidentifier():
        yield name
