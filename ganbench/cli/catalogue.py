"""``ganbench list`` and ``ganbench show``."""

import json
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from ganbench.cli.completers import complete_words
from ganbench.cli.options import complete_any
from ganbench.cli.outputs import terminal_width
from ganbench.cli.values import TEXT
from ganbench.registry import BUILTIN, KINDS, PLURALS, of_that_name

if TYPE_CHECKING:
    from ganbench.registry import Entry, Registry
    from ganbench.spec import Scalar

OWN_FLAGS = ("slurm", "ray")
"""Executors whose options have an option of ``ganbench run`` of their own."""

WIDTH = 120
"""Columns of text that is wrapped here, at most: those of the docstrings, which are not."""


@click.command("list")
@click.argument("kind", type=TEXT, required=False, metavar="[KIND]", shell_complete=complete_words(PLURALS.values()))
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
    for plural, entries in listing.items():
        if not entries and kind is None:
            continue
        click.secho(plural, bold=True)
        rows = [
            (
                registry.short_name(entry) + (f":{entry.argument.upper()}" if entry.argument else ""),
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
@click.option(
    "--kind",
    type=TEXT,
    shell_complete=complete_words(KINDS),
    help="The kind, if two kinds share a name: loss, penalty, architecture, ...",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, kind: str | None, as_json: bool) -> int:
    """Explain a component: what it is, its formula, paper, parameters, recommended recipe and package.

    NAME may be as in a table, with parameters and penalties: then each component in it is explained.

    \b
    Examples:
      ganbench show wgan-gp
      ganbench show 'hinge+r1[gamma=0.1]'
      ganbench show gp --kind penalty
      ganbench show recipe
    """
    if name == "recipe" and kind is None:
        return _show_recipe(as_json)
    from ganbench import plugins
    from ganbench.errors import UsageError, did_you_mean
    from ganbench.explain import explain
    from ganbench.grid import parts_of

    registry = plugins.load().registry
    kinds = [kind] if kind else list(KINDS)
    if kind and kind not in KINDS:
        raise UsageError(f"there is no kind '{kind}'{did_you_mean(kind, KINDS)}")
    whole = any(registry.has(one, name) for one in kinds)
    found = [
        entry
        for called, part in ([(name, name)] if whole else parts_of(name, registry))
        for entry in _accepting(part, _called(called, kinds, registry), registry)
    ]
    described = [explain(entry) for entry in found]
    if as_json:
        click.echo(json.dumps(described, indent=2))
    else:
        click.echo("\n\n".join(_page(description) for description in described))
    return 0


def _called(name: str, kinds: list[str], registry: "Registry") -> "list[Entry]":
    """The components of a name, one of each kind that has one.

    Raises:
        UsageError: there is none.
    """
    from ganbench.errors import UsageError, did_you_mean

    if found := [registry.find(one, name) for one in kinds if registry.has(one, name)]:
        return found
    known = {entry.qualified if ":" in name else entry.name for one in kinds for entry in registry.entries(one)}
    hint = did_you_mean(name, known, listed_by="ganbench list")
    if others := [one for one in KINDS if registry.has(one, name)]:
        hint = of_that_name(others)
    what = kinds[0] if len(kinds) == 1 else "component"
    raise UsageError(f"there is no {what} '{name}'{registry.elsewhere(name, kinds, hint)}")


def _accepting(part: str, entries: "list[Entry]", registry: "Registry") -> "list[Entry]":
    """Those of some components of one name that take the parameters which stand behind it.

    Raises:
        UsageError: none does; says why the first does not.
    """
    from ganbench.errors import UsageError
    from ganbench.explain import require_accepted

    if not part.endswith("]"):
        return entries
    accepting, refusals = [], []
    for entry in entries:
        try:
            require_accepted(entry, part, registry)
            accepting.append(entry)
        except UsageError as error:
            refusals.append(error)
    if not accepting:
        raise refusals[0]
    return accepting


def _page(description: dict[str, Any]) -> str:
    """One component as text."""
    lines = [click.style(description["name"], bold=True) + f"  {description['kind']}, {description['summary']}"]
    if description["doc"]:
        lines += ["", *description["doc"].splitlines()]
    facts = {key: value for key, value in description["facts"].items() if value not in ("", None, [], {})}
    facts |= {"paper": description["paper"], "package": description["package"]}
    width = max(len(key) for key in facts)
    lines += ["", *(f"  {key:{width}}  {value}" for key, value in facts.items() if value)]
    lines += _settings("parameters", description["parameters"], description["meanings"])
    lines += _options(description["name"], description["options"])
    lines += _settings("recommended recipe", description["recommends"], {})
    return "\n".join(lines)


def _settings(title: str, values: "dict[str, Scalar]", meanings: dict[str, str]) -> Iterator[str]:
    """Names and values, each with what it means below it where that is known."""
    from ganbench.spec import format_scalar

    if not values:
        return
    yield from ("", f"  {title}")
    for name, value in values.items():
        shown = "''" if value == "" else format_scalar(value)
        yield f"    {name} = {shown}"
        yield from textwrap.wrap(
            meanings.get(name, ""), _width(), initial_indent=8 * " ", subsequent_indent=8 * " ",
            break_on_hyphens=False,
        )  # fmt: skip


def _width() -> int:
    """Columns that text is wrapped at."""
    return max(min(terminal_width() or WIDTH, WIDTH), 40)


def _options(name: str, options: dict[str, str]) -> Iterator[str]:
    """The options of an executor; those with the same meaning share a line."""
    if not options:
        return
    flag = f"--{name}" if name in OWN_FLAGS else "--executor-options"
    yield from ("", f"  options ({flag} NAME=VALUE,...)")
    together: dict[str, list[str]] = {}
    for option, meaning in options.items():
        together.setdefault(meaning, []).append(option)
    width = _width()
    for meaning, names in together.items():
        yield from textwrap.wrap(", ".join(names), width, initial_indent=4 * " ", subsequent_indent=4 * " ")
        yield from textwrap.wrap(meaning, width, initial_indent=8 * " ", subsequent_indent=8 * " ")


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
