"""``ganbench plugins``: list, new, install, uninstall and check."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganbench.cleaning import clean_line
from ganbench.cli.check import check
from ganbench.cli.values import PATH, TEXT, Choice
from ganbench.registry import BUILTIN, KINDS, Registry
from ganbench.tables.wording import counted

if TYPE_CHECKING:
    from ganbench.cli.commands import PluginCommands
    from ganbench.plugins import Plugin, Plugins

COLOURS = {"ok": "green", "conflict": "yellow", "broken": "red", "disabled": "yellow"}


@click.group()
def plugins() -> None:
    """See which plugins are installed and whether they work; write, check, install and remove them.

    \b
    Examples:
      ganbench plugins list
      ganbench plugins new margin-gan
    """


plugins.add_command(check)


@plugins.command("list", short_help="List the plugins with their status.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_plugins(as_json: bool) -> int:
    """List every plugin with its status, and why it does not work. Exit code 1 if one is broken.

    ok: everything it registers can be used by its name. conflict: one of its names is taken; write PACKAGE:NAME for a
    component, or disable the other package for a command. broken: it cannot be imported, has a wrong signature, or
    registers something malformed. disabled: an environment variable blocks it.

    \b
    Examples:
      ganbench plugins list
      GANBENCH_DISABLE_PLUGINS=ganbench-rpgan ganbench plugins list
    """
    from ganbench import plugins as loader
    from ganbench.cli.commands import PluginCommands

    loaded = loader.load()
    commands = PluginCommands(loaded)
    for plugin, problem in commands.problems:
        plugin.status, plugin.reason = "broken", problem
    for line in loader.not_installed(loaded):
        click.echo(f"ganbench: {line}", err=True)
    if as_json:
        click.echo(json.dumps(_listing(loaded, commands), indent=2))
    else:
        for line in _lines(loaded, commands):
            click.echo(line)
    return int(any(plugin.status == "broken" for plugin in loaded.plugins))


def _listing(loaded: "Plugins", commands: "PluginCommands") -> dict[str, Any]:
    """All plugins and conflicts, for programs."""
    conflicts: list[dict[str, Any]] = [
        {
            "kind": entries[0].kind,
            "name": entries[0].name,
            "packages": [entry.distribution for entry in entries],
            "use": [entry.qualified for entry in entries],
        }
        for entries in loaded.registry.conflicts()
    ]
    conflicts += [
        {"kind": "command", "name": name, "packages": packages, "use": []} for name, packages in commands.conflicts()
    ]
    listing = [
        {
            "distribution": plugin.distribution,
            "version": plugin.version,
            "name": plugin.name,
            "module": plugin.module,
            "status": _status(plugin, taken := _taken(plugin, loaded.registry, commands)),
            "reason": plugin.reason or "; ".join(taken),
            "components": [{"kind": kind, "name": name} for kind, name in plugin.components],
            "commands": commands.of(plugin),
            "hooks": _hooks(plugin),
        }
        for plugin in loaded.plugins
    ]
    return {"plugins": listing, "conflicts": conflicts}


def _lines(loaded: "Plugins", commands: "PluginCommands") -> Iterator[str]:
    """A line for each plugin, its columns aligned: status, package, name, and what it brings or why it is broken."""
    width = max((len(f"{plugin.distribution} {plugin.version}") for plugin in loaded.plugins), default=0)
    names = max((len(plugin.name) for plugin in loaded.plugins), default=0)
    for plugin in loaded.plugins:
        taken = _taken(plugin, loaded.registry, commands)
        status = _status(plugin, taken)
        what = plugin.reason or "; ".join([_brings(plugin, commands.of(plugin)), *taken])
        line = f"{f'{plugin.distribution} {plugin.version}':{width}}  {plugin.name:{names}}  {what}"
        yield click.style(f"{status:8}", fg=COLOURS[status]) + "  " + clean_line(line)


@plugins.command(short_help="Write a package for a new component.")
@click.argument("name", type=TEXT)
@click.option("--kind", "written", type=Choice([*KINDS, "generator-penalty"]), default="loss", show_default=True,
              help="What it adds.")  # fmt: skip
@click.option("--out", type=PATH, default=Path(), show_default=True,
              help="The folder in which the package's folder is made.")  # fmt: skip
@click.option("--author", type=TEXT, help="Name of the copyright holder.  [default: the package's authors]")
def new(name: str, written: str, out: Path, author: str | None) -> int:
    """Write a complete package for a component called NAME: code, tests, README, CI workflow and licence.

    It installs and passes its own tests as written; what is in it is a working component to start from.

    \b
    Examples:
      ganbench plugins new margin-gan
      ganbench plugins new two-moons --kind dataset
    """
    from ganbench import plugins as loader
    from ganbench import scaffold

    kind = scaffold.kind_of(written)
    scaffold.require_free(name, kind, loader.load())
    folder = scaffold.write(name, written, out, author=author or "")
    package = scaffold.distribution(name)
    click.echo(f"{folder}: {kind} '{scaffold.bare(name)}' in {scaffold.module(name)}/{kind}.py")
    click.echo("next:")
    click.echo(f"  ganbench plugins install --editable {shlex.quote(str(folder))}")
    click.echo(f"  pytest {shlex.quote(str(folder))}")
    click.echo(f"  ganbench plugins check {package}")
    return 0


@plugins.command(short_help="Install plugins with pip or uv.")
@click.argument("requirements", type=TEXT, nargs=-1, required=True, metavar="PACKAGE...")
@click.option(
    "-e", "--editable", is_flag=True, help="Install folders so that edits take effect without installing again."
)
@click.option(
    "-U", "--upgrade", is_flag=True, help="Install the newest version, even if the package is already installed."
)
@click.option("--no-deps", is_flag=True, help="Do not install what the packages require.")
@click.option("--no-build-isolation", is_flag=True, help="Build with what is installed here, without a download.")
def install(
    requirements: tuple[str, ...], editable: bool, upgrade: bool, no_deps: bool, no_build_isolation: bool
) -> int:
    """Install plugins into the environment that this command runs in, with pip, or with uv where uv made it.

    PACKAGE is whatever pip takes: a name, a folder, a file, a URL. A package's folder here goes before a name. Exit
    code 1 if a plugin is broken afterwards.

    \b
    Examples:
      ganbench plugins install ganbench-rpgan
      ganbench plugins install --editable ./ganbench-rpgan
    """
    from ganbench.plugins import installer

    options = [
        option
        for option, given in (
            ("--upgrade", upgrade),
            ("--no-deps", no_deps),
            ("--no-build-isolation", no_build_isolation),
        )
        if given
    ]
    changed = installer.install(requirements, options=options, editable=editable)
    for plugin in changed:
        names = ", ".join(f"{one['kind']} '{one['name']}'" for one in plugin["components"]) or "hooks only"
        package = f"{plugin['distribution']} {plugin['version']}"
        click.echo(clean_line(f"{plugin['status']}  {package}  {plugin['reason'] or names}"))
    if not changed:
        click.echo("installed, but there is no new entry point in the group 'ganbench'")
    return int(any(plugin["status"] == "broken" for plugin in changed))


@plugins.command(short_help="Remove plugins.")
@click.argument("distributions", type=TEXT, nargs=-1, required=True, metavar="PACKAGE...")
def uninstall(distributions: tuple[str, ...]) -> int:
    """Remove plugins from the environment that this command runs in. Only packages that are plugins are removed.

    \b
    Example:
      ganbench plugins uninstall ganbench-rpgan
    """
    from ganbench.plugins import installer

    for name in installer.uninstall(distributions):
        click.echo(f"removed  {name}")
    return 0


def _hooks(plugin: "Plugin") -> list[str]:
    """A plugin's hooks other than those that register something."""
    return sorted(hook for hook in plugin.hooks if not hook.startswith("register_"))


def _brings(plugin: "Plugin", commands: list[str]) -> str:
    named = (("component", [name for _, name in plugin.components]), ("command", commands), ("hook", _hooks(plugin)))
    told = [
        counted(len(names), what) + ("" if what == "component" else f" ({', '.join(names)})")
        for what, names in named
        if names
    ]
    return ", ".join(told) or "0 components"


def _status(plugin: "Plugin", taken: list[str]) -> str:
    """Its status as it is shown: ``conflict`` where it works, but some of its names are taken."""
    return "conflict" if taken else plugin.status


def _taken(plugin: "Plugin", registry: Registry, commands: "PluginCommands") -> list[str]:
    """A line for each of a working plugin's components and commands whose name others have registered too; built-ins
    keep theirs.
    """
    if plugin.status != "ok":
        return []
    found = []
    for entries in registry.conflicts() if plugin.distribution != BUILTIN else []:
        kind, name = entries[0].kind, entries[0].name
        if (kind, name) in plugin.components:
            others = [entry.distribution for entry in entries if entry.distribution != plugin.distribution]
            taken = f"{kind} '{name}' is taken by {' and '.join(others)}"
            found.append(f"{taken}: write '{plugin.distribution}:{name}'")
    return [*found, *commands.taken(plugin)]
