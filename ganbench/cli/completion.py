"""``ganbench completion``."""

import click
from click.shell_completion import get_completion_class

from ganbench.cli.values import Choice


@click.command()
@click.argument("shell", type=Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the completion script of SHELL; it completes commands, options and component names.

    \b
    Examples:
      ganbench completion bash > ~/.local/share/bash-completion/completions/ganbench
      ganbench completion fish > ~/.config/fish/completions/ganbench.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    root = ctx.find_root().command
    click.echo(found(root, {}, "ganbench", "_GANBENCH_COMPLETE").source())
    return 0
