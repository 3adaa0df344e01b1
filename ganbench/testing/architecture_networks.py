"""How the networks of an architecture are tried: with which shapes, inputs and weights.

``expected`` may hold what :mod:`ganbench.testing.architectures` says.
"""

import itertools
from copy import deepcopy
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Conditioning, Networks
from ganbench.testing.kit import Flaw, Subject
from ganbench.training.initialisation import unsized

CPU = torch.device("cpu")
CLASSES = 3
"""Classes of the data that conditional networks are built for: a number that nobody would have hard-coded."""
LARGEST_RUN = 128
"""Larger sides are not tried, although declared: on a CPU they take minutes."""
VECTORS = ((2,), (5,))
BEYOND_ZERO = 0.05
"""Scale of the noise on weights that gives layers which start at zero an effect."""


def build(subject: Subject) -> Architecture:
    """Return a fresh instance."""
    return cast(Architecture, subject.build())


def latent_dim(subject: Subject) -> int:
    """The length of z that the networks are tried with."""
    return int(subject.expected.get("latent_dim", 16))


def sample_shapes(subject: Subject) -> list[tuple[int, ...]]:
    """The sample shapes that are tried: every declared side (powers of two where more are declared) and channels."""
    architecture = build(subject)
    shapes: list[tuple[int, ...]] = []
    if "vector" in architecture.kinds:
        shapes += VECTORS
    if "image" in architecture.kinds:
        low, high = architecture.sizes
        sides = {side for side in (1 << n for n in range(17)) if low <= side <= high}
        if not architecture.power_of_two:
            sides |= {low, min(high, LARGEST_RUN)}
        tried = sorted(side for side in sides if side <= max(low, LARGEST_RUN))
        channels = subject.expected.get("channels", (1, 3))
        shapes += [(count, side, side) for side, count in itertools.product(tried, channels)]
    return shapes


def other_shapes(subject: Subject) -> list[tuple[int, ...]]:
    """A shape whose side is no power of two, and one with two unlike sides, if the architecture declares such sides."""
    architecture = build(subject)
    if "image" not in architecture.kinds or architecture.power_of_two:
        return []
    low, high = architecture.sizes
    high = min(high, LARGEST_RUN)
    sides = list(dict.fromkeys(side for side in (28, 24, 12, 20, 48, low, high) if low <= side <= high))
    channels = subject.expected.get("channels", (1, 3))[0]
    return [(channels, *sides[:1] * 2), (channels, *sides[:2])] if len(sides) > 1 else []


def with_inputs(subject: Subject, n: int, shape: tuple[int, ...] | None = None) -> list[tuple[str, nn.Module, Tensor]]:
    """Both networks for a shape, the typical one by default, each with its role and a batch of ``n`` that it takes."""
    shape = shape or typical(subject)
    batches = latents(subject, n), noise(n, shape)
    return list(zip(Networks._fields, networks(subject, shape), batches, strict=True))


def networks(subject: Subject, shape: tuple[int, ...], *, seed: int = 0, only_raw: bool = False) -> Networks:
    """Build as a trial does, after seeding torch's global stream; see :class:`Labelled` on ``only_raw``."""
    torch.manual_seed(seed)
    architecture = build(subject)
    found: Any = architecture.networks(shape, latent_dim(subject), CLASSES)
    if not (isinstance(found, tuple) and len(found) == 2 and all(isinstance(one, nn.Module) for one in found)):
        raise Flaw("build() must return Networks(generator, discriminator); the trial would fail at its start")
    for role, network in zip(Networks._fields, found, strict=True):
        if layer := unsized(network):
            raise Flaw(
                f"{layer} of the {role} has no size before it is called, but its weights are drawn before; every run "
                "would be refused; use a layer with sizes, such as nn.Linear for nn.LazyLinear"
            )
    generator, discriminator = found
    if architecture.conditioning != "none":
        generator = Labelled(generator, "labels")
        discriminator = Labelled(discriminator, architecture.conditioning, only_raw=only_raw)
    if architecture.pack > 1:
        discriminator = Packed(discriminator, architecture.pack)
    return Networks(generator, discriminator)


class Packed(nn.Module):
    """A packed discriminator as one that is not packed: a sample's group is the sample itself, repeated."""

    def __init__(self, network: nn.Module, pack: int) -> None:
        super().__init__()
        self.network = network
        self.pack = pack

    def forward(self, x: Tensor) -> Tensor:
        found: Any = self.network(x.repeat_interleave(self.pack, dim=0))
        if found.shape != (len(x),):
            raise Flaw(
                f"pack is {self.pack}, but for {len(x)} groups of {self.pack} neighbours the discriminator "
                f"returns shape {tuple(found.shape)}, not ({len(x)},); every run would be refused"
            )
        return cast(Tensor, found)


class Labelled(nn.Module):
    """A conditional network as an unconditional one: the i-th sample of a batch has the label i modulo the classes.

    Class logits are added to the raw outputs, so that a gradient reaches the classifier, too, or left out.
    """

    def __init__(self, network: nn.Module, conditioning: Conditioning, *, only_raw: bool = False) -> None:
        super().__init__()
        self.network = network
        self.conditioning = conditioning
        self.only_raw = only_raw

    def forward(self, x: Tensor) -> Tensor:
        found: Any
        if self.conditioning == "labels":
            found = self.network(x, torch.arange(len(x), device=x.device) % CLASSES)
            return cast(Tensor, found)
        found = self.network(x)
        if not (isinstance(found, tuple) and len(found) == 2 and found[1].shape == (len(x), CLASSES)):
            raise Flaw(
                "conditioning is 'classifier', but the discriminator does not return raw outputs (N,) and "
                f"class logits (N, {CLASSES}); the classification term would fail at the first step"
            )
        raw, logits = found
        return cast(Tensor, raw if self.only_raw else raw + logits.sum(1))


def typical(subject: Subject) -> tuple[int, ...]:
    """The shape that stands for the others: the first image with sides of 8 at least, else the first shape."""
    shapes = sample_shapes(subject)
    images = [shape for shape in shapes if len(shape) == 3 and shape[1] >= 8]
    return (images or shapes)[0]


def latents(subject: Subject, n: int, *, seed: int = 1) -> Tensor:
    """Draw z (n, latent_dim)."""
    return torch.randn(n, latent_dim(subject), generator=torch.Generator().manual_seed(seed))


def noise(n: int, shape: tuple[int, ...], *, seed: int = 3) -> Tensor:
    """Samples in the range the networks see: uniform in [-1, 1] for images, normal for vectors."""
    rng = torch.Generator().manual_seed(seed)
    if len(shape) == 3:
        return torch.rand(n, *shape, generator=rng) * 2 - 1
    return torch.randn(n, *shape, generator=rng)


def perturbed(network: nn.Module, scale: float) -> nn.Module:
    """The network with noise on its parameters: a layer that starts at zero does not hide those behind it."""
    network = deepcopy(network)
    rng = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=rng) * scale)
    return network
