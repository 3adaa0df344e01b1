"""The built-in architectures. This module imports no torch: each is imported when it is first used."""

from ganbench.hookspecs import Register, hookimpl


@hookimpl
def register_architectures(register: Register) -> None:
    """Register the architectures."""
    register(
        "mlp",
        "ganbench.architectures.mlp:MLP",
        summary="Fully connected layers, for points and for small images",
        paper="arXiv:1712.04086",
    )
    register(
        "pacgan",
        "ganbench.architectures.pacgan:PacGAN",
        summary="PacGAN's networks for points: a maxout discriminator that judges pack samples at once",
        paper="arXiv:1712.04086",
    )
    register(
        "dcgan",
        "ganbench.architectures.dcgan:DCGAN",
        summary="Strided and transposed convolutions, 16x16 to 128x128",
        paper="arXiv:1511.06434",
    )
    register(
        "dcgan5x5",
        "ganbench.architectures.dcgan5x5:DCGAN5x5",
        summary="DCGAN with 5x5 kernels as in its TensorFlow code, any sides from 16 to 128, also packed",
        paper="arXiv:1511.06434",
    )
    register(
        "pacdcgan",
        "ganbench.architectures.pacdcgan:PacDCGAN",
        summary="DCGAN with a discriminator that judges pack images at once, 16x16 to 128x128",
        paper="arXiv:1712.04086",
    )
    register(
        "resnet",
        "ganbench.architectures.resnet:ResNet",
        summary="SNGAN's residual networks with spectral normalisation, 16x16 to 128x128",
        paper="arXiv:1802.05957",
    )
    register(
        "sagan",
        "ganbench.architectures.sagan:SAGAN",
        summary="Residual networks with self-attention, spectral normalisation of both, 16x16 to 128x128",
        paper="arXiv:1805.08318",
    )
    register(
        "upsample",
        "ganbench.architectures.upsample:Upsample",
        summary="DCGAN with nearest-neighbour upsampling and convolutions, 16x16 to 128x128",
        paper="doi:10.23915/distill.00003",
    )
    register(
        "vgg",
        "ganbench.architectures.vgg:VGG",
        summary="VGG-like discriminator of SRGAN with DCGAN's generator, 16x16 to 128x128",
        paper="arXiv:1609.04802",
    )
    register(
        "sndcgan",
        "ganbench.architectures.sndcgan:SNDCGAN",
        summary="SNGAN's plain convolutional networks as in the large-scale study, 16x16 to 128x128",
        paper="arXiv:1802.05957",
    )
    register(
        "infogan",
        "ganbench.architectures.infogan:InfoGAN",
        summary="The large-scale study's networks, any sides that are multiples of 4, 8 to 128",
        paper="arXiv:1711.10337",
    )
