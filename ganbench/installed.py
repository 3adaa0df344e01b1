"""What the installed packages say of themselves: their plugins, and which modules come with which package."""

import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path

from ganbench.hookspecs import GROUP
from ganbench.registry import BUILTIN, package_of

_SITES = ("site-packages", "dist-packages")
"""Folders that hold what many packages brought."""


def entry_points() -> list[EntryPoint]:
    """The entry points of the group ``ganbench``; a distribution whose list cannot be read has none.

    ``importlib.metadata.entry_points()`` raises for all of them where one is damaged.
    """
    found: list[EntryPoint] = []
    for distribution in distributions():
        try:
            found.extend(point for point in distribution.entry_points if point.group == GROUP)
        except Exception:
            continue
    return found


def siblings(packages: Iterable[str]) -> frozenset[str]:
    """Top-level modules, and all that come with them in distributions that have plugins.

    Only those are asked: to read the lists of files of all that is installed takes half a second. ganbench has one.
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
    for point in entry_points():
        if point.dist is not None:
            names = found.get(point.dist.name) or _top_level(point.dist)
            found[point.dist.name] = names | {package_of(point.value)}
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
