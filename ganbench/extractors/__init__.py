"""Feature networks. This module imports no torch: it only says what there is and where."""

from ganbench.hookspecs import Register, hookimpl

_CLIP = ("rn50", "rn101", "rn50x4", "rn50x16", "rn50x64", "vit-b-32", "vit-b-16", "vit-l-14", "vit-l-14-336px")
_DINOV2 = ("s", "b", "l", "g")


@hookimpl
def register_extractors(register: Register) -> None:
    """Register the embedded extractors and torch-fidelity's own."""
    here = "ganbench.extractors"
    register("digits", f"{here}.embedded:Digits", summary="16x16 digits, 64 features, ships with ganbench")
    register("mnist", f"{here}.embedded:Mnist", summary="MNIST padded to 32x32, 64 features, ships with ganbench")
    register(
        "stacked-digits", f"{here}.stacked:StackedDigits", summary="digits on each of three channels, 1,000 classes"
    )
    register("stacked-mnist", f"{here}.stacked:StackedMnist", summary="mnist on each of three channels, 1,000 classes")
    register(
        "inception",
        f"{here}.inception:Inception",
        summary="torch-fidelity's inception-v3-compat, 2048 features, for colour photographs",
        paper="arXiv:1512.00567",
    )
    register("vgg16", f"{here}.vgg16:VGG16", summary="torch-fidelity's vgg16, 4096 features", paper="arXiv:1409.1556")
    for name in _CLIP:
        register(
            f"clip-{name}",
            f"{here}.clip:{_class_name('Clip', name)}",
            summary=f"torch-fidelity's clip-{name}",
            paper="arXiv:2103.00020",
        )
    for size in _DINOV2:
        register(
            f"dinov2-vit-{size}-14",
            f"{here}.dinov2:{_class_name('Dinov2', f'vit-{size}-14')}",
            summary=f"torch-fidelity's dinov2-vit-{size}-14",
            paper="arXiv:2304.07193",
        )


def register_with_torch_fidelity() -> None:
    """Make the embedded networks known to torch-fidelity. Calling it again changes nothing.

    Afterwards ``torch_fidelity.calculate_metrics(feature_extractor="ganbench-digits", ...)`` works, and so do
    ``ganbench-mnist``, ``ganbench-stacked-digits`` and ``ganbench-stacked-mnist``.
    """
    from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY, register_feature_extractor

    from ganbench.extractors import embedded, stacked

    for extractor in (embedded.Digits, embedded.Mnist, stacked.StackedDigits, stacked.StackedMnist):
        if extractor.registered_name not in FEATURE_EXTRACTORS_REGISTRY:
            register_feature_extractor(extractor.registered_name, extractor.network)


def _class_name(family: str, name: str) -> str:
    return family + "".join(part.capitalize() for part in name.split("-"))
