"""The built-in losses. Registered by name; a module is imported when its loss is used."""

from ganbench.hookspecs import Register, hookimpl


@hookimpl
def register_losses(register: Register) -> None:
    """Register the losses of the mission's table."""
    register(
        "vanilla",
        "ganbench.losses.vanilla:Vanilla",
        summary="Original GAN, non-saturating generator",
        paper="arXiv:1406.2661",
    )
    register(
        "minimax",
        "ganbench.losses.vanilla:Minimax",
        summary="Original GAN, the minimax game as written (saturating)",
        paper="arXiv:1406.2661",
    )
    register(
        "lsgan",
        "ganbench.losses.lsgan:LSGAN",
        summary="Least squares on the raw outputs",
        paper="arXiv:1611.04076",
    )
    register(
        "wgan",
        "ganbench.losses.wgan:WGAN",
        summary="Wasserstein distance, weights clipped",
        paper="arXiv:1701.07875",
    )
    register(
        "wgan-gp",
        "ganbench.losses.wgan:WGANGP",
        summary="Wasserstein distance with gradient penalty",
        paper="arXiv:1704.00028",
    )
    register(
        "hinge",
        "ganbench.losses.hinge:Hinge",
        summary="Hinge loss on the raw outputs",
        paper="arXiv:1705.02894",
    )
