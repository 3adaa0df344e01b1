"""``ganbench plugins``."""

import json

import click


@click.group()
def plugins() -> None:
    """See which plugins are installed and whether they work."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def list_plugins(as_json: bool) -> int:
    """List every plugin with its status: ok, broken or disabled, and why. Exit code 1 where one is broken.

    \b
    Examples:
      ganbench plugins list
      GANBENCH_DISABLE_PLUGINS=ganbench-rpgan ganbench plugins list
    """
    from ganbench import plugins as loader

    loaded = loader.load()
    conflicts = [
        {
            "kind": entries[0].kind,
            "name": entries[0].name,
            "packages": [entry.distribution for entry in entries],
            "use": [entry.qualified for entry in entries],
        }
        for entries in loaded.registry.conflicts()
    ]
    broken = any(plugin.status == "broken" for plugin in loaded.plugins)
    if as_json:
        listing = [
            {
                "distribution": plugin.distribution,
                "version": plugin.version,
                "name": plugin.name,
                "module": plugin.module,
                "status": plugin.status,
                "reason": plugin.reason,
                "components": [{"kind": kind, "name": name} for kind, name in plugin.components],
            }
            for plugin in loaded.plugins
        ]
        click.echo(json.dumps({"plugins": listing, "conflicts": conflicts}, indent=2))
        return int(broken)
    colours = {"ok": "green", "broken": "red", "disabled": "yellow"}
    width = max((len(f"{plugin.distribution} {plugin.version}") for plugin in loaded.plugins), default=0)
    names = max((len(plugin.name) for plugin in loaded.plugins), default=0)
    for plugin in loaded.plugins:
        status = click.style(f"{plugin.status:8}", fg=colours[plugin.status])
        count = len(plugin.components)
        what = plugin.reason or f"{count} component{'' if count == 1 else 's'}"
        click.echo(
            f"{status}  {f'{plugin.distribution} {plugin.version}':{width}}  {plugin.name:{names}}  {_plain(what)}"
        )
    for conflict in conflicts:
        packages = ", ".join(str(package) for package in conflict["packages"])
        choices = " or ".join(str(choice) for choice in conflict["use"])
        click.echo(f"conflict  {conflict['kind']} '{conflict['name']}' is registered by {packages}; write {choices}")
    return int(broken)


def _plain(text: str) -> str:
    """Text without control characters: a plugin's message must not move the cursor."""
    return "".join(character if character.isprintable() else "?" for character in text)
