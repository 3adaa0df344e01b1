"""Plugins' commands: whose each is, and what becomes of a name that is taken."""

from collections.abc import Iterator
from typing import NoReturn

import click

from ganbench.cli import COMMANDS
from ganbench.errors import UsageError
from ganbench.plugins import Plugin, Plugins
from ganbench.registry import BUILTIN


class PluginCommands:
    """What every plugin adds to the command line, each asked alone.

    Attributes:
        owners: the plugins that have a command of a name, and the command.
        problems: what to say of plugins whose hook failed.
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
        """The commands by name, without the built-ins' names; one that several packages have says so when used."""
        for name, owners in self.owners.items():
            if name not in COMMANDS:
                yield name, owners[0][1] if len(owners) == 1 else _contested(name, self.packages(name))

    def of(self, plugin: Plugin) -> list[str]:
        """The names of a plugin's commands."""
        return sorted(name for name, owners in self.owners.items() if any(one is plugin for one, _ in owners))

    def packages(self, name: str) -> list[str]:
        """Whose a command is, ganbench's own first."""
        return [*([BUILTIN] if name in COMMANDS else []), *(plugin.distribution for plugin, _ in self.owners[name])]

    def conflicts(self) -> Iterator[tuple[str, list[str]]]:
        """The names that are taken more than once, and the packages that have them."""
        for name in sorted(self.owners):
            if len(packages := self.packages(name)) > 1:
                yield name, packages

    def taken(self, plugin: Plugin) -> list[str]:
        """What to say of a plugin's commands that others have too."""
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
