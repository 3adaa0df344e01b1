"""The built-in augmentations, named by a recipe's ``augment``; ganbench-diffaugment adds the others of its paper."""

from ganbench.hookspecs import Register, hookimpl


@hookimpl
def register_augmentations(register: Register) -> None:
    """Register the augmentations."""
    register(
        "translation",
        "ganbench.augmentations.translation:Translation",
        summary="Shifted by up to an eighth of the side",
        paper="arXiv:2006.10738",
    )
