"""R3GAN for ganbench. This module only registers: it imports no torch."""

from ganbench import hookimpl
from ganbench.hookspecs import Register

PAPER = "arXiv:2501.05441"


@hookimpl
def register_losses(register: Register) -> None:
    """Register the loss with its two penalties."""
    register("r3gan", "ganbench_r3gan.loss:R3GAN", summary="Relativistic pairing with R1 and R2", paper=PAPER)


@hookimpl
def register_architectures(register: Register) -> None:
    """Register the networks."""
    register(
        "r3gan",
        "ganbench_r3gan.networks:R3GANNetworks",
        summary="Un-normalised residual networks with grouped convolutions, 8x8 to 256x256",
        paper=PAPER,
    )
