"""What the field means by a loss's name: r, f are raw outputs on real and fake, means are over the batch.

Sources: Goodfellow et al. 2014, Mao et al. 2017 (a = 0, b = c = 1, with the 1/2), Arjovsky et al. 2017, Lim & Ye 2017,
Jolicoeur-Martineau 2019 (whose relativistic averages have no 1/2 in print and one in the code).
"""

_CROSS_ENTROPY = "softplus(-r) + softplus(f)"
_WASSERSTEIN = ("f - r", "-f")
_PAIRWISE = ("softplus(-(r - f))", "softplus(-(f - r))")

CONVENTIONS: dict[str, tuple[str, str]] = {
    "vanilla": (_CROSS_ENTROPY, "softplus(-f)"),
    "minimax": (_CROSS_ENTROPY, "-softplus(f)"),
    "lsgan": ("1/2 * (r - 1)^2 + 1/2 * f^2", "1/2 * (f - 1)^2"),
    "lsgan-sigmoid": ("1/2 * (sigmoid(r) - 1)^2 + 1/2 * sigmoid(f)^2", "1/2 * (sigmoid(f) - 1)^2"),
    "wgan": _WASSERSTEIN,
    "wgan-gp": _WASSERSTEIN,
    "wgan-lp": _WASSERSTEIN,
    "hinge": ("relu(1 - r) + relu(1 + f)", "-f"),
    "dragan": (_CROSS_ENTROPY, "softplus(-f)"),
    "rpgan": _PAIRWISE,
    "rsgan": _PAIRWISE,
    "ragan": (
        "softplus(-(r - mean(f))) + softplus(f - mean(r))",
        "softplus(r - mean(f)) + softplus(-(f - mean(r)))",
    ),
}

HALVED = ("ragan",)
"""Names that mean half of that too, for both players."""
