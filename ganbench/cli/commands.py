"""Plugins' commands: which package each is from, and what happens if several have one name."""

from collections.abc import Iterator
from typing import NoReturn

import click

from ganbench.cli import COMMANDS
from ganbench.errors import UsageError
from ganbench.plugins import Plugin, Plugins
from ganbench.registry import BUILTIN


class PluginCommands:
    """What plugins add to the command line; each plugin's hook is called apart from the others'.

    Attributes:
        owners: by the name of a command, the plugins that have one and the command of each.
        problems: plugins whose hook failed, each with a line about it.
    """

    def __init__(self, loaded: Plugins) -> None:
        self.owners: dict[str, list[tuple[Plugin, click.Command]]] = {}
        self.problems: list[tuple[Plugin, str]] = []
        for plugin in loaded.plugins:
            group = click.Group("ganbench")
            self.problems += [(plugin, said) for said in loaded.call_one(plugin, "register_commands", cli=group)]
            for name, command in group.commands.items():
                self.owners.setdefault(name, []).append((plugin, command))

    def usable(self) -> Iterator[tuple[str, click.Command]]:
        """The commands that take no built-in's name; one that several packages have refuses when it is used."""
        for name, owners in self.owners.items():
            if name not in COMMANDS:
                yield name, owners[0][1] if len(owners) == 1 else _contested(name, self.packages(name))

    def of(self, plugin: Plugin) -> list[str]:
        """The names of a plugin's commands."""
        return sorted(name for name, owners in self.owners.items() if any(one is plugin for one, _ in owners))

    def packages(self, name: str) -> list[str]:
        """The packages that have a command of this name, ganbench itself first."""
        return [*([BUILTIN] if name in COMMANDS else []), *(plugin.distribution for plugin, _ in self.owners[name])]

    def conflicts(self) -> Iterator[tuple[str, list[str]]]:
        """The names that several commands have, and their packages."""
        for name in sorted(self.owners):
            if len(packages := self.packages(name)) > 1:
                yield name, packages

    def taken(self, plugin: Plugin) -> list[str]:
        """A line for each of a plugin's commands whose name another command has too."""
        own = self.of(plugin)
        return [_line(name, packages) for name, packages in self.conflicts() if name in own]


def _line(name: str, packages: list[str]) -> str:
    if BUILTIN in packages:
        return f"command '{name}' is built in and cannot be replaced"
    which = dict.fromkeys(packages)
    if len(which) == 1:
        return f"command '{name}' is registered {len(packages)} times by {packages[0]}"
    owners, settings = " and ".join(which), " or ".join(f"GANBENCH_DISABLE_PLUGINS={one}" for one in which)
    return f"command '{name}' is registered by {owners}: disable one with {settings}"


def _contested(name: str, packages: list[str]) -> click.Command:
    def refuse(**_: object) -> NoReturn:
        raise UsageError(_line(name, packages))

    return click.Command(
        name, callback=refuse, short_help=f"Registered by {' and '.join(dict.fromkeys(packages))}.",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True}, add_help_option=False,
    )  # fmt: skip
