"""``ganbench completion``."""

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from ganbench.cli.values import Choice

SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command()
@click.argument("shell", type=Choice(list(SHELLS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the completion script of SHELL; it completes commands, options, components, trials and settings.

    \b
    Examples:
      ganbench completion bash > ~/.local/share/bash-completion/completions/ganbench
      ganbench completion fish > ~/.config/fish/completions/ganbench.fish
    """
    root = ctx.find_root().command
    click.echo(SHELLS[shell](root, {}, "ganbench", "_GANBENCH_COMPLETE").source())
    return 0
