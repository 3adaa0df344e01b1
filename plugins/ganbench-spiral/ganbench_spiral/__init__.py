"""A spiral of points, a metric for points, and a command that draws them. This module only registers."""

from typing import TYPE_CHECKING

from ganbench import hookimpl
from ganbench.hookspecs import Register

if TYPE_CHECKING:
    import click


@hookimpl
def register_datasets(register: Register) -> None:
    """Register the spiral."""
    register("spiral", "ganbench_spiral.dataset:Spiral", summary="Points along spiral arms: a curve, not modes")


@hookimpl
def register_metrics(register: Register) -> None:
    """Register the metric."""
    register(
        "point-coverage",
        "ganbench_spiral.metric:PointCoverage",
        summary="Share of real points that generated points reach, and the other way round",
        paper="arXiv:2002.09797",
    )


@hookimpl
def register_commands(cli: "click.Group") -> None:
    """Add ``ganbench scatter``."""
    from ganbench_spiral.command import scatter

    cli.add_command(scatter)
