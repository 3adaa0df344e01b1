"""What a shell completes besides components: trials, kinds of components, settings of a recipe, published tables."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click
from click.shell_completion import CompletionItem

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def complete_words(words: Iterable[str] | Callable[[], Iterable[str]]) -> Completer:
    """Complete one of a few words; a function is called when it comes to that."""

    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        found = words() if callable(words) else words
        return [CompletionItem(word) for word in found if word.startswith(incomplete)]

    return complete


def complete_trials(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a trial in the folder of trials, or a path.

    The folder is ``--out`` where that names one; of a command that writes something there it is ``runs``.
    """
    out = ctx.params.get("out")
    runs = out if isinstance(out, Path) and out.is_dir() else Path("runs")
    names = sorted(path.parent.name for path in runs.glob("*/spec.json"))
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def complete_settings(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the last name of ``name=value,...`` with a setting of a recipe."""
    from ganbench.settings import Recipe

    done, comma, last = incomplete.rpartition(",")
    fields: Mapping[str, object] = Recipe.model_fields
    return [
        CompletionItem(f"{done}{comma}{name}=", help=str(getattr(field, "description", "") or ""))
        for name, field in fields.items()
        if name.startswith(last)
    ]


def published_tables() -> list[str]:
    """The names of the tables that can be reproduced."""
    from ganbench.leaderboard.locating import tables

    return tables()
