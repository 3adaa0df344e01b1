"""Relativistic GANs for ganbench. This module only registers: it imports no torch."""

from ganbench import hookimpl
from ganbench.hookspecs import Register

PAPER = "arXiv:1807.00734"


@hookimpl
def register_losses(register: Register) -> None:
    """Register the pairwise loss and the three average ones."""
    register("rpgan", "ganbench_relativistic.pairwise:RpGAN", summary="Relativistic pairing GAN", paper=PAPER)
    register("ragan", "ganbench_relativistic.average:RaGAN", summary="Relativistic average GAN", paper=PAPER)
    register("ralsgan", "ganbench_relativistic.average:RaLSGAN", summary="Relativistic average LSGAN", paper=PAPER)
    register("rahinge", "ganbench_relativistic.average:RaHinge", summary="Relativistic average hinge", paper=PAPER)
