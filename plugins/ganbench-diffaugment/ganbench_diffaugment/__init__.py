"""DiffAugment for ganbench. This module only registers: it imports no torch."""

from ganbench import hookimpl
from ganbench.hookspecs import Register

PAPER = "arXiv:2006.10738"


@hookimpl
def register_augmentations(register: Register) -> None:
    """Register the two of the paper's three transforms that ganbench has not itself."""
    register(
        "color",
        "ganbench_diffaugment.color:Color",
        summary="Brightness, saturation and contrast changed",
        paper=PAPER,
    )
    register("cutout", "ganbench_diffaugment.cutout:Cutout", summary="A square of half the side blanked", paper=PAPER)
