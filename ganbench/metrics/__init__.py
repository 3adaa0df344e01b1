"""Metrics. This module imports no torch: it only says what there is and where."""

from ganbench.hookspecs import Register, hookimpl


@hookimpl
def register_metrics(register: Register) -> None:
    """Register the built-in metrics."""
    here = "ganbench.metrics"
    register(
        "fid",
        f"{here}.fid:FID",
        summary="Fréchet distance of features, with a debiased value and its error",
        paper="arXiv:1706.08500",
    )
    register("is", f"{here}.inception_score:InceptionScore", summary="Inception score", paper="arXiv:1606.03498")
    register("kid", f"{here}.kid:KID", summary="Kernel distance of features", paper="arXiv:1801.01401")
    register(
        "precision-recall",
        f"{here}.precision_recall:PrecisionRecall",
        summary="Fidelity and coverage by nearest neighbours",
        paper="arXiv:1904.06991",
    )
    register(
        "density-coverage",
        f"{here}.density_coverage:DensityCoverage",
        summary="Precision and recall, robust to outliers",
        paper="arXiv:2002.09797",
    )
    register(
        "class-coverage",
        f"{here}.class_coverage:ClassCoverage",
        summary="Classes reached and reverse KL, by the extractor's own classifier",
        paper="arXiv:1712.04086",
    )
    register(
        "intra-fid",
        f"{here}.intra_fid:IntraFID",
        summary="Mean over classes of the FID of conditional samples against the real ones of their class",
        paper="arXiv:1802.05637",
    )
    register(
        "gan-test",
        f"{here}.gan_test:GANTest",
        summary="Share of conditional samples in the class they were asked for, by the extractor's own classifier",
        paper="arXiv:1807.09499",
    )
    register(
        "stacked-modes",
        f"{here}.stacked_modes:StackedModes",
        summary="Modes reached of 1,000 and their KL, as published for stacked digits",
        paper="arXiv:1611.02163",
    )
    register(
        "memorisation",
        f"{here}.memorisation:Memorisation",
        summary="Share of samples suspiciously near to a training sample",
        paper="arXiv:2004.05675",
    )
    register(
        "ppl",
        f"{here}.ppl:PPL",
        summary="Perceptual path length between the extractor's features, queried from the generator",
        paper="arXiv:1812.04948",
    )
    register("modes", f"{here}.mixture:Modes", summary="Modes reached, each with a minimum share")
    register("high-quality", f"{here}.mixture:HighQuality", summary="Share of samples within 3 sigma of a mode")
    register("reverse-kl", f"{here}.mixture:ReverseKL", summary="Evenness over the modes")
    register(
        "pacgan",
        f"{here}.pacgan:PacGAN",
        summary="Modes, high quality and reverse KL as published: 2,500 samples, one is enough",
        paper="arXiv:1712.04086",
    )
