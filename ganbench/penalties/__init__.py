"""The built-in penalties, usable with any loss: ``hinge+r1[gamma=0.1]``."""

from ganbench.hookspecs import Register, hookimpl


@hookimpl
def register_penalties(register: Register) -> None:
    """Register the penalties."""
    register(
        "gp",
        "ganbench.penalties.gradient:GradientPenalty",
        summary="Two-sided gradient penalty between real and fake",
        paper="arXiv:1704.00028",
    )
    register(
        "r1",
        "ganbench.penalties.zero_centred:R1",
        summary="Squared gradient on real samples",
        paper="arXiv:1801.04406",
    )
    register(
        "r2",
        "ganbench.penalties.zero_centred:R2",
        summary="Squared gradient on generated samples",
        paper="arXiv:1801.04406",
    )
    register(
        "weight-clip",
        "ganbench.penalties.clip:WeightClip",
        summary="Every weight clipped after each update",
        paper="arXiv:1701.07875",
    )
    register(
        "lp",
        "ganbench.penalties.gradient:LipschitzPenalty",
        summary="One-sided gradient penalty between real and fake",
        paper="arXiv:1709.08894",
    )
    register(
        "dragan",
        "ganbench.penalties.dragan:PerturbedPenalty",
        summary="Two-sided gradient penalty around real samples",
        paper="arXiv:1705.07215",
    )
    register(
        "lecam",
        "ganbench.penalties.lecam:LeCam",
        summary="Outputs kept near the other side's moving average",
        paper="arXiv:2104.03310",
    )
    register(
        "consistency",
        "ganbench.penalties.consistency:Consistency",
        summary="Same output for an image moved or mirrored",
        paper="arXiv:1910.12027",
    )
    register(
        "mode-seeking",
        "ganbench.penalties.mode_seeking:ModeSeeking",
        summary="Different latent points make different samples",
        paper="arXiv:1903.05628",
    )
    register(
        "path-length",
        "ganbench.penalties.path_length:PathLength",
        summary="A latent step changes samples by as much everywhere",
        paper="arXiv:1912.04958",
    )
    register(
        "orthogonal",
        "ganbench.penalties.orthogonal:Orthogonal",
        summary="Orthogonal rows in the generator's weights",
        paper="arXiv:1809.11096",
    )
    register(
        "feature-matching",
        "ganbench.penalties.feature_matching:FeatureMatching",
        summary="Same mean features of the discriminator, real and fake",
        paper="arXiv:1606.03498",
    )
