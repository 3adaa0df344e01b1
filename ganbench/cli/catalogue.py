"""``ganbench list`` and ``ganbench show``."""

import json
from typing import Any

import click

from ganbench.cli.options import complete_any
from ganbench.cli.values import TEXT


@click.command("list")
@click.argument("kind", type=TEXT, required=False, metavar="[KIND]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_components(kind: str | None, as_json: bool) -> int:
    """List the components of all kinds, or of KIND: losses, penalties, architectures, datasets, ...

    \b
    Examples:
      ganbench list
      ganbench list losses
      ganbench list --json
    """
    from ganbench import plugins
    from ganbench.errors import UsageError, did_you_mean
    from ganbench.registry import BUILTIN, PLURALS

    chosen = {singular: plural for singular, plural in PLURALS.items() if kind in (None, singular, plural)}
    if not chosen:
        raise UsageError(f"there is no kind '{kind}'{did_you_mean(str(kind), PLURALS.values())}")
    registry = plugins.load().registry
    listing = {plural: list(registry.entries(singular)) for singular, plural in chosen.items()}
    if as_json:
        fields = ("name", "summary", "paper", "distribution", "version", "argument")
        content = {
            plural: [{field: getattr(entry, field) for field in fields} for entry in entries]
            for plural, entries in listing.items()
        }
        click.echo(json.dumps(content, indent=2))
        return 0
    # Of two packages' components of one name the package's name tells which is meant; the built-in one keeps its own.
    shared = {entry for entries in registry.conflicts() for entry in entries if entry.distribution != BUILTIN}
    for plural, entries in listing.items():
        if not entries and kind is None:
            continue
        click.secho(plural, bold=True)
        rows = [
            (
                (entry.qualified if entry in shared else entry.name)
                + (f":{entry.argument.upper()}" if entry.argument else ""),
                entry.summary
                + (f" ({entry.paper})" if entry.paper else "")
                + ("" if entry.distribution == BUILTIN else f" [{entry.distribution} {entry.version}]"),
            )
            for entry in entries
        ]
        width = max((len(name) for name, _ in rows), default=0)
        for name, text in rows:
            click.echo(f"  {name:{width}}  {text}".rstrip())
        if not rows:
            click.echo("  none")
    return 0


@click.command()
@click.argument("name", type=TEXT, shell_complete=complete_any)
@click.option("--kind", type=TEXT, help="The kind, if two kinds share a name: loss, penalty, architecture, ...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, kind: str | None, as_json: bool) -> int:
    """Explain a component: what it is, its formula, paper, parameters, recommended recipe and package.

    \b
    Examples:
      ganbench show wgan-gp
      ganbench show gp --kind penalty
      ganbench show recipe
    """
    if name == "recipe" and kind is None:
        return _show_recipe(as_json)
    from ganbench import plugins
    from ganbench.errors import UsageError, closest, did_you_mean
    from ganbench.explain import explain
    from ganbench.registry import KINDS

    registry = plugins.load().registry
    kinds = [kind] if kind else list(KINDS)
    if kind and kind not in KINDS:
        raise UsageError(f"there is no kind '{kind}'{did_you_mean(kind, KINDS)}")
    found = [registry.find(one, name) for one in kinds if registry.has(one, name)]
    if not found:
        package, _, bare = name.rpartition(":")
        known = {entry.qualified if package else entry.name for one in kinds for entry in registry.entries(one)}
        others = [one for one in KINDS if registry.has(one, name)]
        if others:
            hint = f"; there is a {' and a '.join(others)} of that name"
        elif kind is None and closest(name, known) is None:
            hint = "; 'ganbench list' shows what there is"
        else:
            hint = did_you_mean(name, known)
        raise UsageError(f"there is no {kind or 'component'} '{name}'{registry.elsewhere(bare, kinds)}{hint}")
    described = [explain(entry) for entry in found]
    if as_json:
        click.echo(json.dumps(described, indent=2))
    else:
        click.echo("\n\n".join(_page(description) for description in described))
    return 0


def _page(description: dict[str, Any]) -> str:
    """One component as text."""
    lines = [click.style(description["name"], bold=True) + f"  {description['kind']}, {description['summary']}"]
    if description["doc"]:
        lines += ["", *description["doc"].splitlines()]
    facts = {key: value for key, value in description["facts"].items() if value not in ("", None, [], {})}
    facts |= {"paper": description["paper"], "package": description["package"]}
    width = max(len(key) for key in facts)
    lines += ["", *(f"  {key:{width}}  {value}" for key, value in facts.items() if value)]
    for title, table in (("parameters", description["parameters"]), ("recommended recipe", description["recommends"])):
        if table:
            lines += ["", f"  {title}"]
            shown = {key: "''" if value == "" else value for key, value in table.items()}
            lines += [f"    {key} = {value}" for key, value in shown.items()]
    return "\n".join(lines)


def _show_recipe(as_json: bool) -> int:
    from ganbench.spec import Recipe

    fields = {
        name: {"default": field.default, "description": field.description}
        for name, field in Recipe.model_fields.items()
    }
    if as_json:
        click.echo(json.dumps(fields, indent=2))
        return 0
    click.secho("recipe", bold=True)
    width = max(len(name) for name in fields)
    for name, field in fields.items():
        click.echo(f"  {name:{width}}  {field['default']!s:12}  {field['description']}")
    return 0
