"""The built-in losses. Registered by name; a module is imported when its loss is used."""

from ganbench.hookspecs import Register, hookimpl


@hookimpl
def register_losses(register: Register) -> None:
    """Register the losses."""
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
    register(
        "lsgan-sigmoid",
        "ganbench.losses.lsgan:SigmoidLSGAN",
        summary="Least squares on probabilities, as in the large-scale studies",
        paper="arXiv:1711.10337",
    )
    register(
        "wgan-lp",
        "ganbench.losses.wgan:WGANLP",
        summary="Wasserstein distance with one-sided gradient penalty",
        paper="arXiv:1709.08894",
    )
    register(
        "dragan",
        "ganbench.losses.vanilla:DRAGAN",
        summary="Original GAN, gradient penalised around real samples",
        paper="arXiv:1705.07215",
    )
    register(
        "softplus-margin",
        "ganbench.losses.hinge:SoftplusMargin",
        summary="Smooth hinge on the raw outputs",
        paper="arXiv:1705.02894",
    )
    register(
        "fgan-kl", "ganbench.losses.fgan:KL", summary="f-GAN, Kullback-Leibler divergence", paper="arXiv:1606.00709"
    )
    register(
        "fgan-reverse-kl",
        "ganbench.losses.fgan:ReverseKL",
        summary="f-GAN, reverse Kullback-Leibler divergence",
        paper="arXiv:1606.00709",
    )
    register(
        "fgan-pearson",
        "ganbench.losses.fgan:Pearson",
        summary="f-GAN, Pearson's chi-squared divergence",
        paper="arXiv:1606.00709",
    )
    register(
        "fgan-hellinger",
        "ganbench.losses.fgan:SquaredHellinger",
        summary="f-GAN, squared Hellinger distance",
        paper="arXiv:1606.00709",
    )
    register(
        "fgan-js",
        "ganbench.losses.fgan:JensenShannon",
        summary="f-GAN, Jensen-Shannon divergence",
        paper="arXiv:1606.00709",
    )
