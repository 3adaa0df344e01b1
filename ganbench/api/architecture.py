"""What builds the two players: an architecture and its networks."""

from typing import Any, ClassVar, Literal, NamedTuple

from torch import nn

from ganbench.api.data import Kind

Conditioning = Literal["none", "labels", "classifier"]


class Networks(NamedTuple):
    """A generator (N, latent_dim) -> samples in [-1, 1] (or R^D for vectors), a discriminator samples -> (N,).

    Conditional ones also take labels, int64 (N,), as :attr:`Architecture.conditioning` says.

    A packed discriminator returns one output per group of samples; see :attr:`Architecture.pack`.

    Both take a batch of any size and come in training mode. Whatever changes from call to call is a parameter or a
    buffer: anything else is lost when a trial is resumed. In eval mode a sample depends only on its own latent vector
    and label, and on noise from torch's global stream where the generator draws some.
    """

    generator: nn.Module
    discriminator: nn.Module


class Architecture:
    """Builds a generator and a discriminator for a sample shape.

    Attributes:
        kinds: the kinds of samples it can make.
        sizes: (smallest, largest) image side, inclusive; ignored for vectors.
        power_of_two: whether the side must be a power of two.
        double_backward: whether the discriminator can be differentiated twice.
        pack: samples that the discriminator judges together (PacGAN, arXiv:1712.04086). Where it is above 1, the
            discriminator maps N·pack samples to N raw outputs, one per group of ``pack`` neighbours, and an update
            draws ``batch_size * pack`` samples, so that a loss always sees ``batch_size`` outputs of each kind.
            Penalties on the gradient, which is that of a single sample, are then refused.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("image",)
    sizes: ClassVar[tuple[int, int]] = (1, 1 << 16)
    power_of_two: ClassVar[bool] = False
    double_backward: ClassVar[bool] = True
    pack: int = 1

    @classmethod
    def settle(cls, parameters: dict[str, Any], *, gradient_penalty: bool, weight_clipping: bool) -> dict[str, Any]:
        """Return the parameters with those left to the context (``"auto"``) replaced by the values to use and record.

        Args:
            parameters: all of them by name.
            gradient_penalty: whether a penalty differentiates the discriminator twice.
            weight_clipping: whether a penalty constrains the discriminator's weights, as WGAN's clipping does.
        """
        return parameters

    @property
    def batch_norm_in_discriminator(self) -> bool:
        """Whether one sample's discriminator output depends on its neighbours."""
        return False

    @property
    def spectral_norm_in_discriminator(self) -> bool:
        """Whether the discriminator computes with spectrally normalised weights (arXiv:1802.05957)."""
        return False

    @property
    def conditioning(self) -> Conditioning:
        """How class labels reach the networks, as the parameters have it.

        ``"none"``: not at all, :meth:`build` is used. Otherwise the generator is called with latents and labels, and
        :meth:`build_conditional` is used. ``"labels"``: the discriminator is called with samples and labels and returns
        raw outputs (N,), as with a projection. ``"classifier"``: it is called with samples alone and returns raw
        outputs (N,) and class logits (N, classes), which AC-GAN's classification term is computed from.
        """
        return "none"

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        """Return fresh networks, initialised as the paper does, for samples of ``shape`` ((C, H, W) or (D,)).

        Weights are drawn from torch's global generator, which the worker has seeded from the trial's own stream.
        """
        raise NotImplementedError

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        """Return fresh conditional networks for samples of ``classes`` classes; else as :meth:`build`."""
        raise NotImplementedError

    def networks(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        """Return what this architecture builds for data of ``classes`` classes, conditional or not.

        Raises:
            ValueError: it is conditional, and the data has no labels.
        """
        if self.conditioning == "none":
            return self.build(shape, latent_dim)
        if classes < 1:
            raise ValueError("its networks take class labels, and the data has none")
        return self.build_conditional(shape, latent_dim, classes)

    def features(self, discriminator: nn.Module) -> nn.Module:
        """Return the layer whose input are the features that penalties compare (:class:`FeaturePenalty`).

        It is called once in each pass of the discriminator, with one row for each raw output; what it gets is flattened
        to (N, F). By default it is the layer that makes the raw outputs: the last of the linear layers and convolutions
        with a single output, or of all of them where none has one, in the order in which the discriminator lists them.

        Args:
            discriminator: one that this architecture has built.

        Raises:
            ValueError: there is no such layer.
        """
        layers = [layer for layer in discriminator.modules() if _outputs(layer)]
        single = [layer for layer in layers if _outputs(layer) == 1]
        if not layers:
            raise ValueError(
                f"{type(discriminator).__name__} has no linear layer and no convolution whose input could be its "
                "features; define features() of the architecture"
            )
        return (single or layers)[-1]


def _outputs(layer: nn.Module) -> int:
    """How many outputs a linear layer or a convolution has; 0 for anything else.

    Not by its weight: to ask for one that is normalised changes what its normalisation remembers.
    """
    if isinstance(layer, nn.Linear):
        return layer.out_features
    return layer.out_channels if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d) else 0
