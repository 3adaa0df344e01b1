"""What several architectures have in common, each in a class to be inherited beside others.

None of them has a constructor: each reads the attribute that an architecture sets from its parameter of that name.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from torch import nn

from ganbench.api import Architecture, Conditioning, Networks
from ganbench.architectures.checks import no_condition, square_image, whole_number
from ganbench.architectures.conditional import CONDITIONS, normalise_weights

NORMS_D = ("auto", "batch", "layer", "spectral", "none")


class Conditional(Architecture):
    """Has a parameter ``condition``, a key of :data:`ganbench.architectures.conditional.CONDITIONS`, and builds
    unconditional networks as conditional ones of no classes."""

    condition: str

    @property
    def conditioning(self) -> Conditioning:
        """How labels reach the networks: as ``condition`` has it."""
        return CONDITIONS[self.condition]

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        """Return networks without classes for samples of ``shape``.

        Raises:
            ValueError: the shape is none of the declared ones, or ``condition`` is not none.
        """
        no_condition(type(self).__name__.lower(), self.condition)
        return self.build_conditional(shape, latent_dim, 0)


class SquareImages(Architecture):
    """Makes square images with a power-of-two side from 16 to 128 and any number of channels."""

    kinds = ("image",)
    sizes: ClassVar[tuple[int, int]] = (16, 128)
    power_of_two = True

    def image(self, shape: tuple[int, ...], latent_dim: int) -> tuple[int, int]:
        """Return (channels, side) of a shape (C, S, S) that it makes from a z of ``latent_dim``.

        Raises:
            ValueError: it makes no such images, or the dimension is not positive.
        """
        found = square_image(type(self).__name__.lower(), shape, self.sizes)
        whole_number("latent_dim", latent_dim, at_least=1)
        return found


class DiscriminatorNorm(Architecture):
    """Has a parameter ``norm_d``, one of :data:`NORMS_D`: the norm of features in the discriminator, ``"spectral"``
    for one of its weights, or ``"auto"``, which suits the penalties."""

    norm_d: str

    @classmethod
    def settle(cls, parameters: dict[str, Any], *, gradient_penalty: bool, weight_clipping: bool) -> dict[str, Any]:
        """Replace ``norm_d="auto"`` by ``"layer"`` under a gradient penalty and by ``"batch"`` otherwise."""
        if parameters.get("norm_d", "auto") != "auto":
            return parameters
        return {**parameters, "norm_d": "layer" if gradient_penalty else "batch"}

    @property
    def batch_norm_in_discriminator(self) -> bool:
        """Whether the discriminator has a batch norm; so it has where ``norm_d`` was left at ``"auto"``."""
        return self.feature_norm == "batch"

    @property
    def spectral_norm_in_discriminator(self) -> bool:
        """Whether ``norm_d`` is ``"spectral"``."""
        return self.norm_d == "spectral"

    @property
    def feature_norm(self) -> str:
        """``norm_d`` with ``"auto"`` settled for who builds networks without a plan."""
        return "batch" if self.norm_d == "auto" else self.norm_d


class SpectralNorm(Architecture):
    """Has a parameter ``spectral_norm``: ``"true"`` or ``"false"``, or ``"auto"``, which suits the penalties."""

    spectral_norm: str
    beside_penalties: ClassVar[str] = "false"
    """What ``"auto"`` is where something else bounds the discriminator."""

    @classmethod
    def settle(cls, parameters: dict[str, Any], *, gradient_penalty: bool, weight_clipping: bool) -> dict[str, Any]:
        """Replace ``spectral_norm="auto"`` by ``"true"``, unless a gradient penalty or clipped weights bound the
        discriminator: they are another paper's way to the same end, and weights that are clipped and then normalised
        are not those that the discriminator computes with."""
        if parameters.get("spectral_norm", "auto") != "auto":
            return parameters
        return {**parameters, "spectral_norm": cls.beside_penalties if gradient_penalty or weight_clipping else "true"}

    @property
    def spectral_norm_in_discriminator(self) -> bool:
        """Whether the discriminator is normalised; so it is where ``spectral_norm`` was left at ``"auto"``."""
        return self.spectral_norm in ("auto", "true")


def checked_widths(width: int, width_d: int, max_width: int) -> tuple[int, int, int]:
    """Return the generator's width, the discriminator's (0 is as the generator's) and the most there may be.

    Raises:
        ValueError: one of them is out of range, or the most is less than a width.
    """
    width = whole_number("width", width, at_least=1, at_most=4096)
    width_d = whole_number("width_d", width_d, at_least=0, at_most=4096) or width
    return width, width_d, whole_number("max_width", max_width, at_least=max(width, width_d), at_most=65536)


def drawn(
    generator: nn.Module,
    discriminator: nn.Module,
    initialise: Callable[[nn.Module], None],
    *,
    spectral: Iterable[nn.Module] = (),
) -> Networks:
    """Return the networks with initial weights, those in ``spectral`` under spectral normalisation."""
    initialise(generator)
    initialise(discriminator)
    for network in spectral:
        # After the weights are drawn: the first estimate of the singular vectors is made from them.
        normalise_weights(network)
    return Networks(generator, discriminator)
