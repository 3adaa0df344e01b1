"""Options and completions that several commands share."""

from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

FORMATS = ("table", "markdown", "csv", "json", "latex")

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def complete_components(kind: str) -> Completer:
    """Complete the last item of a comma-separated list of components."""

    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from ganbench import plugins

        done, comma, last = incomplete.rpartition(",")
        head, plus, last = last.rpartition("+")
        wanted = "penalty" if plus else kind
        before = f"{done}{comma}{head}{plus}"
        entries = plugins.load().registry.entries(wanted)
        return [
            CompletionItem(before + entry.name, help=entry.summary) for entry in entries if entry.name.startswith(last)
        ]

    return complete


def complete_any(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of any component."""
    from ganbench import plugins
    from ganbench.registry import KINDS

    registry = plugins.load().registry
    return [
        CompletionItem(entry.name, help=f"{kind}: {entry.summary}")
        for kind in KINDS
        for entry in registry.entries(kind)
        if entry.name.startswith(incomplete)
    ]


def format_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--format``."""
    return click.option(
        "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="Form of the table."
    )(function)
