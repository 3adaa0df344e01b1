"""PacDCGAN: DCGAN with a packed discriminator (Lin et al. 2018, arXiv:1712.04086, section 4.2)."""

from torch import Tensor

from ganbench.api import Networks
from ganbench.architectures.checks import one_of, whole_number
from ganbench.architectures.dcgan import NORMS_G, Generator, initialise, widths
from ganbench.architectures.dcgan import Discriminator as Plain
from ganbench.architectures.traits import NORMS_D, DiscriminatorNorm, SquareImages, checked_widths, drawn


class Discriminator(Plain):
    """Images (N·pack, channels, side, side) to raw outputs (N,): those numbered i·pack to (i+1)·pack - 1 are judged
    together by output i, as one image of their channels, one after the other."""

    def __init__(self, channels: int, plan: list[int], norm: str, pack: int) -> None:
        super().__init__(channels * pack, plan, norm)
        self.pack = pack

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature map (N, width, 4, 4)."""
        if len(x) % self.pack:
            raise ValueError(f"{len(x)} samples cannot be packed in groups of {self.pack}")
        _, channels, height, width = x.shape
        return super().features(x.reshape(-1, self.pack * channels, height, width))


class PacDCGAN(SquareImages, DiscriminatorNorm):
    """DCGAN whose discriminator judges ``pack`` images at once, for square images with a power-of-two side from 16 to
    128 and any number of channels. It is unconditional.

    The images of a group are concatenated in channels, so that only the discriminator's first layer is larger than
    that of ``dcgan``, whose networks these are otherwise. As in the authors' code an update shows the discriminator
    ``batch_size`` groups, that is ``batch_size * pack`` images of each kind.

    A gradient penalty speaks of one image's gradient and is refused where ``pack`` is above 1.

    Args:
        pack: images that the discriminator judges together; 2 is PacDCGAN2, 1 is ``dcgan``.
        width: as of ``dcgan``, and so are the following.
        width_d: the discriminator's width; 0 is as the generator's.
        max_width: no layer has more channels than this.
        norm_g: ``"batch"`` or ``"none"``.
        norm_d: ``"batch"``, ``"layer"``, ``"spectral"``, ``"none"`` or ``"auto"``.

    Raises:
        ValueError: a parameter out of range.
    """

    def __init__(
        self,
        *,
        pack: int = 2,
        width: int = 32,
        width_d: int = 0,
        max_width: int = 1024,
        norm_g: str = "batch",
        norm_d: str = "auto",
    ) -> None:
        self.pack = whole_number("pack", pack, at_least=1, at_most=64)
        self.width, self.width_d, self.max_width = checked_widths(width, width_d, max_width)
        self.norm_g = one_of("norm_g", norm_g, NORMS_G)
        self.norm_d = one_of("norm_d", norm_d, NORMS_D)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        """Return networks for images of ``shape`` (C, S, S)."""
        channels, side = self.image(shape, latent_dim)
        generator = Generator(channels, latent_dim, widths(side, self.width, self.max_width), self.norm_g)
        plan = widths(side, self.width_d, self.max_width)
        discriminator = Discriminator(channels, plan, self.feature_norm, self.pack)
        spectral = [discriminator] if self.norm_d == "spectral" else []
        return drawn(generator, discriminator, initialise, spectral=spectral)
