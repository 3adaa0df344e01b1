"""The built-in architectures. This module imports no torch: each is imported when it is first used."""

from ganbench.hookspecs import Register, hookimpl


@hookimpl
def register_architectures(register: Register) -> None:
    """Register ``mlp``, ``dcgan`` and ``resnet``."""
    register(
        "mlp",
        "ganbench.architectures.mlp:MLP",
        summary="Fully connected layers, for points and for small images",
        paper="arXiv:1712.04086",
    )
    register(
        "dcgan",
        "ganbench.architectures.dcgan:DCGAN",
        summary="Strided and transposed convolutions, 16x16 to 128x128",
        paper="arXiv:1511.06434",
    )
    register(
        "resnet",
        "ganbench.architectures.resnet:ResNet",
        summary="SNGAN's residual networks with spectral normalisation, 16x16 to 128x128",
        paper="arXiv:1802.05957",
    )
