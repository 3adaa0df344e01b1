"""Pages that are made from the code when the documentation is built: the commands, and the losses with their curves."""

import io
from collections.abc import Iterator
from typing import Any

import click
import matplotlib
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from ganbench import plugins
from ganbench.cli import cli
from ganbench.explain import explain
from ganbench.registry import Entry

matplotlib.use("svg")
REACH = 6.0
POINTS = 241
INTRODUCTION = """
Both players minimise. `r` and `f` are raw discriminator outputs on real and on fake samples. The curves are drawn by
calling the code: on the left what one real or one fake output costs the discriminator while the other is 0, in the
middle what a fake's output costs the generator, on the right the slope that the generator receives. Where that slope
is flat at 0 for negative outputs, a discriminator that is winning teaches the generator nothing: the saturation that
separates `minimax` from `vanilla`.
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages; called by MkDocs."""
    files.append(File.generated(config, "commands.md", content=commands_page()))
    losses = list(plugins.load().registry.entries("loss"))
    files.append(File.generated(config, "losses.md", content=losses_page(losses)))
    for entry in losses:
        files.append(File.generated(config, f"curves/{entry.name}.svg", content=curves(entry.load()())))
    return files


def commands_page() -> str:
    """Every command with its help text, as a terminal shows it."""
    parts = ["# Commands", "Made from the command line itself; `ganbench COMMAND --help` prints the same."]
    for path, command in _commands(cli, "ganbench"):
        context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
        parts += [f"{'#' * (path.count(' ') + 1)} `{path}`" if path != "ganbench" else "## `ganbench`"]
        parts += [f"```text\n{command.get_help(context)}\n```"]
    return "\n\n".join(parts) + "\n"


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _commands(child, f"{path} {name}")


def losses_page(losses: list[Entry]) -> str:
    """Every registered loss: formulas, recommended recipe, and its two objectives as curves, drawn by calling it."""
    parts = ["# Losses", INTRODUCTION]
    for entry in losses:
        parts += _loss(entry)
    return "\n\n".join(parts) + "\n"


def _loss(entry: Entry) -> list[str]:
    about = explain(entry)
    facts, recommends = about["facts"], about["recommends"]
    lines = [
        f"- discriminator minimises `{facts['discriminator minimises']}`",
        f"- generator minimises `{facts['generator minimises']}`",
    ]
    if about["paper"]:
        lines.append(f"- {about['paper']}")
    if recommends:
        lines.append("- recommends " + ", ".join(f"`{key}={value}`" for key, value in recommends.items()))
    if about["package"].split()[0] != "ganbench":
        lines.append(f"- from the package {about['package']}")
    return [
        f"## `{entry.name}`",
        about["summary"] + ".",
        "\n".join(lines),
        f"![curves of {entry.name}](curves/{entry.name}.svg)",
    ]


def curves(loss: Any) -> str:
    """Draw a loss as SVG: two objectives and the generator's slope, over outputs from -6 to 6."""
    import torch
    from matplotlib.figure import Figure

    outputs = torch.linspace(-REACH, REACH, POINTS)
    zero = torch.zeros(1)
    of_real = [loss.discriminator(one.view(1), zero).item() for one in outputs]
    of_fake = [loss.discriminator(zero, one.view(1)).item() for one in outputs]
    of_generator, slopes = [], []
    for one in outputs:
        f = one.clone().view(1).requires_grad_()
        value = loss.generator(f, zero)
        (slope,) = torch.autograd.grad(value, f)
        of_generator.append(value.item())
        slopes.append(slope.item())

    figure = Figure(figsize=(9.0, 2.4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    left.plot(outputs, of_real, label="real", color="#2a6fdb")
    left.plot(outputs, of_fake, label="fake", color="#d1495b", linestyle="--")
    left.legend(frameon=False, labelcolor="#808080")
    middle.plot(outputs, of_generator, color="#3a9d5d")
    right.plot(outputs, slopes, color="#3a9d5d")
    titles = ("discriminator's objective", "generator's objective", "generator's slope")
    for axes, title in zip((left, middle, right), titles, strict=True):
        axes.set_title(title, fontsize=9, color="#808080")
        axes.tick_params(colors="#808080", labelsize=8)
        axes.axhline(0, color="#80808060", linewidth=0.8)
        for spine in axes.spines.values():
            spine.set_color("#80808060")
        axes.set_facecolor("none")
    figure.patch.set_alpha(0.0)
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "ganbench", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
