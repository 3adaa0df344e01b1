"""Names to components, imported only when used."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from ganbench.errors import UsageError, did_you_mean, with_kind
from ganbench.streams import results_apart

KINDS = {
    "loss": "register_losses",
    "penalty": "register_penalties",
    "augmentation": "register_augmentations",
    "architecture": "register_architectures",
    "dataset": "register_datasets",
    "metric": "register_metrics",
    "extractor": "register_extractors",
    "executor": "register_executors",
    "tracker": "register_trackers",
}
PLURALS = {kind: hook.removeprefix("register_") for kind, hook in KINDS.items()}
NOT_THE_USERS = {**dict.fromkeys(KINDS, 1), "executor": 2, "tracker": 2}
"""How many of a constructor's first arguments no user gives: ``self`` and, where trials run, their settings."""
BUILTIN = "ganbench"
ELSEWHERE = {
    "loss": {
        **dict.fromkeys(("rpgan", "ragan", "ralsgan", "rahinge"), "ganbench-relativistic"),
        "r3gan": "ganbench-r3gan",
    },
    "augmentation": dict.fromkeys(("color", "cutout"), "ganbench-diffaugment"),
    "architecture": {"r3gan": "ganbench-r3gan"},
    "dataset": {"spiral": "ganbench-spiral"},
    "metric": {"point-coverage": "ganbench-spiral"},
    "tracker": {"mlflow": "ganbench-mlflow"},
}
"""What the packages under ``plugins/`` bring, for whoever names it without having installed them."""


def package_of(name: str) -> str:
    """The top of the package of a module, or of a target ``package.module:Class``."""
    return name.partition(":")[0].partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One registered component."""

    kind: str
    name: str
    target: str
    summary: str
    paper: str
    argument: str
    distribution: str
    version: str

    @property
    def package(self) -> str:
        """The top of the package that the component lies in."""
        return package_of(self.target)

    @property
    def qualified(self) -> str:
        """``distribution:name``, which always works."""
        return f"{self.distribution}:{self.name}"

    def load(self) -> Any:
        """Import and return the component.

        Raises:
            UsageError: its module or attribute cannot be imported; says which package and why.
        """
        module, _, attribute = self.target.partition(":")
        try:
            with results_apart():  # a package may print what it likes where it is imported
                value: Any = import_module(module)
            for part in attribute.split("."):
                value = getattr(value, part)
        except (Exception, SystemExit) as error:
            reason = with_kind(error)
            raise UsageError(
                f"{self.kind} '{self.name}' of {self.distribution} {self.version} cannot be used: "
                f"importing {self.target} failed with {reason}"
            ) from error
        return value


@dataclass(frozen=True)
class Broken:
    """A plugin that does not work: of which package, how its entry point is called, and why."""

    distribution: str
    plugin: str
    reason: str

    def names(self, kinds: Iterable[str]) -> set[str]:
        """What a component of it may be called: as the package or the entry point is, or as is known of it."""
        known = (
            name for kind in kinds for name, package in ELSEWHERE.get(kind, {}).items() if package == self.distribution
        )
        return {self.distribution.removeprefix("ganbench-"), self.plugin, *known}


def of_that_name(kinds: Iterable[str]) -> str:
    """``; there is a loss and an architecture of that name``, as the end of a sentence."""
    named = [f"an {kind}" if kind[0] in "aeiou" else f"a {kind}" for kind in kinds]
    return f"; there is {' and '.join(named)} of that name"


class Registry:
    """All registered components of all kinds.

    Attributes:
        broken: the plugins that would have registered more, had they worked; a name may be missing for that reason.
        disabled: the packages that were not asked.
    """

    def __init__(self) -> None:
        self.broken: list[Broken] = []
        self.disabled: list[str] = []
        self._entries: dict[tuple[str, str], list[Entry]] = {}

    def add(self, entry: Entry) -> None:
        """Add an entry. A name taken twice is no error here, only when it is used."""
        self._entries.setdefault((entry.kind, entry.name), []).append(entry)

    def entries(self, kind: str) -> Iterator[Entry]:
        """All entries of one kind, by name."""
        for (its_kind, _), entries in sorted(self._entries.items()):
            if its_kind == kind:
                yield from entries

    def names(self, kind: str) -> list[str]:
        """The names of one kind, each once."""
        return sorted(name for its_kind, name in self._entries if its_kind == kind)

    def conflicts(self) -> list[list[Entry]]:
        """The groups of entries that share a kind and a name."""
        return [entries for _, entries in sorted(self._entries.items()) if len(entries) > 1]

    def knows(self, distribution: str) -> bool:
        """Whether a package has registered anything, or would have, were it not broken or disabled."""
        registered = (entry.distribution for entries in self._entries.values() for entry in entries)
        return distribution in {*registered, *(one.distribution for one in self.broken), *self.disabled}

    def has(self, kind: str, name: str) -> bool:
        """Whether a component of a kind is called ``name`` or ``distribution:name``."""
        named = self._entries.get((kind, name.rpartition(":")[2]), [])
        return any(name in (entry.name, entry.qualified) for entry in named)

    def find(self, kind: str, name: str) -> Entry:
        """Return the component called ``name`` or ``distribution:name``.

        Raises:
            UsageError: no such name (with the closest one), or two packages registered it.
        """
        distribution, colon, bare = name.partition(":")
        if colon:
            for entry in self._entries.get((kind, bare), []):
                if entry.distribution == distribution:
                    return entry
            if (kind, distribution) in self._entries:
                raise UsageError(
                    f"{kind} '{distribution}' takes nothing after a ':' (in '{name}'); write parameters in "
                    f"brackets, as in {distribution}[key=value]"
                )
            qualified = (entry.qualified for entry in self.entries(kind))
            hint = did_you_mean(name, qualified, listed_by=f"ganbench list {PLURALS[kind]}")
            raise UsageError(f"there is no {kind} '{name}'{self.elsewhere(name, [kind], hint)}")
        entries = self._entries.get((kind, name), [])
        if not entries:
            known = self.names(kind)
            parts = name.split()
            if len(parts) > 1 and all((kind, part) in self._entries for part in parts):
                raise UsageError(f"there is no {kind} '{name}'; separate names with commas: {','.join(parts)}")
            hint = "; no package registers one: is ganbench installed with pip?"
            if meant := self._meant(kind, name):
                hint = meant
            elif known:
                hint = did_you_mean(name, known, listed_by=f"ganbench list {PLURALS[kind]}")
            raise UsageError(f"there is no {kind} '{name}'{self.elsewhere(name, [kind], hint)}")
        builtin = [entry for entry in entries if entry.distribution == BUILTIN]
        if builtin:
            return builtin[0]
        if len(entries) > 1:
            choices = " or ".join(f"'{entry.qualified}'" for entry in entries)
            raise UsageError(f"{kind} '{name}' is registered by several packages; write {choices}")
        return entries[0]

    def _meant(self, kind: str, name: str) -> str:
        """Say, as the end of a sentence, what a name is that is none of its kind: a path, of another kind, a call."""
        called = name.partition("(")[0]  # of two parameters, the second is no part of the name: lists have commas
        if called != name and (kind, called) in self._entries:
            return f"; write parameters in brackets, as in {called}[key=value]"
        if kind == "dataset" and (re.search(r"[/\\]|\.(zip|npy|npz|pt|pth)$", name.lower()) or os.path.isdir(name)):
            taking = "array" if re.search(r"\.(npy|npz|pt|pth)$", name.lower()) else "folder"
            return f"; for data of your own write {taking}:{name}" if (kind, taking) in self._entries else ""
        others = [other for other in KINDS if (other, name) in self._entries]
        added = f": add it to a loss with '+', as in hinge+{name}" if "penalty" in others and kind == "loss" else ""
        return of_that_name(others) + added if others else ""

    def short_name(self, entry: Entry) -> str:
        """The shortest name that means this component and no other: ``name``, or ``distribution:name`` where that is
        another's, or several packages'.
        """
        named = self._entries.get((entry.kind, entry.name), [])
        builtin = [one for one in named if one.distribution == BUILTIN]
        return entry.name if (builtin or named) in ([], [entry]) else entry.qualified

    def elsewhere(self, name: str, kinds: Iterable[str], hint: str) -> str:
        """Say, as the end of a sentence, where a missing name may be: in a package that is installed, but broken or
        disabled, or in one under ``plugins/``.

        Args:
            name: the name, perhaps with its distribution.
            kinds: the kinds that it was looked for in.
            hint: what else to say, left out where it is known to be in a broken package.
        """
        kinds = tuple(kinds)
        distribution, _, bare = name.rpartition(":")
        packages = dict.fromkeys(found[bare] for kind in kinds if bare in (found := ELSEWHERE.get(kind, {})))
        its = [one for one in self.broken if distribution == one.distribution or bare in one.names(kinds)]
        likely = its or [one for one in self.broken if get_close_matches(bare, one.names(kinds), n=1)]
        if likely:
            told = (f"; the package {one.distribution}, which may have it, is broken ({one.reason})" for one in likely)
            return f"{''.join(dict.fromkeys(told))}; see 'ganbench plugins list'{'' if its else hint}"
        broken = (one.distribution for one in self.broken)
        silent = [
            f"{state}: {', '.join(names)}"
            for state, names in (("broken", dict.fromkeys(broken)), ("disabled", dict.fromkeys(self.disabled)))
            if names
        ]
        said = (
            f"; some installed packages are not in use ({', '.join(silent)}; see 'ganbench plugins list')"
            if silent
            else ""
        )
        return said + (f"; it comes with the package {' and '.join(packages)}" if packages else "") + hint
