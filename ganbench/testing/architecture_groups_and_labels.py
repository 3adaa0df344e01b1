"""Further checks of packed discriminators and of conditional networks."""

import itertools
from typing import cast

import torch
from torch import Tensor

from ganbench.api import Architecture
from ganbench.errors import in_one_line, with_kind
from ganbench.testing.architecture_networks import (
    BEYOND_ZERO,
    CLASSES,
    Labelled,
    Packed,
    build,
    latent_dim,
    latents,
    networks,
    noise,
    perturbed,
    typical,
)
from ganbench.testing.kit import Flaw, NotApplicable, Subject

MANY = 1001
"""Classes of data with many of them: more than the 10, 100 or 1,000 that are hard-coded by habit."""


def packing(subject: Subject) -> None:
    """A packed discriminator judges neighbours in the batch together, and no others."""
    pack = build(subject).pack
    if pack == 1:
        raise NotApplicable("it judges samples one by one")
    shape = typical(subject)
    packed = networks(subject, shape).discriminator
    assert isinstance(packed, Packed)
    discriminator = perturbed(packed.network, BEYOND_ZERO)
    x = noise(3 * pack, shape)
    other = x.clone()
    other[2 * pack - 1] = noise(1, shape, seed=9)[0]  # the last of the second group
    with torch.no_grad():
        found = (discriminator(x) - discriminator(other)).abs()
    if not bool(found[1] > 0):
        raise Flaw(
            f"the output for a group of {pack} does not depend on its last sample; a group must be neighbours "
            "in the batch, or the wrong samples would be packed"
        )
    if bool(found[0] > 1e-5) and not build(subject).batch_norm_in_discriminator:
        raise Flaw(
            f"the output for a group of {pack} depends on samples of another group; a group must be neighbours "
            "in the batch, or samples of different groups would be mixed"
        )


def labels(subject: Subject) -> None:
    """Conditional networks tell the labels they are given from each other."""
    architecture, shape = _conditional(subject), typical(subject)
    generator, discriminator = (perturbed(one, BEYOND_ZERO) for one in networks(subject, shape))
    told = [("generator", cast(Labelled, generator), latents(subject, 1))]
    if isinstance(discriminator, Labelled) and architecture.conditioning == "labels":
        told.append(("discriminator", discriminator, noise(1, shape)))
    for role, network, x in told:
        alike = _alike(network.eval(), x)
        if len(alike) == CLASSES * (CLASSES - 1) // 2:
            raise Flaw(
                f"the {role} returns the same for each of {CLASSES} labels; the trial would be ranked as "
                "conditional, although it trains as unconditional"
            )
        if alike:
            one, other = alike[0]
            raise Flaw(
                f"the {role} returns the same for the labels {one} and {other} of {CLASSES} (clamped, shifted, a truth "
                "value?); it could not tell these classes from each other; labels count from 0"
            )


def classes(subject: Subject) -> None:
    """Conditional networks take every label of data with many classes."""
    architecture, shape = _conditional(subject), typical(subject)
    try:
        generator, discriminator = architecture.networks(shape, latent_dim(subject), MANY)
    except ValueError as refusal:
        raise NotApplicable(f"it refuses data of {MANY:,} classes ({in_one_line(refusal, 160)})") from refusal
    last = torch.tensor([0, MANY - 1])
    told = [("generator", generator, latents(subject, 2))]
    if architecture.conditioning == "labels":
        told.append(("discriminator", discriminator, noise(2 * architecture.pack, shape)))
    for role, network, x in told:
        try:
            network(x, last.repeat_interleave(len(x) // 2))
        except Exception as error:
            raise Flaw(
                f"for data of {MANY:,} classes the {role} fails on labels from 0 to {MANY - 1:,} "
                f"({with_kind(error, 160)}): is a number of classes written into it? Use the one that "
                "build_conditional() gets; on data of more classes every trial would fail at its first step"
            ) from error


def _conditional(subject: Subject) -> Architecture:
    """Return an instance if its networks take labels."""
    architecture = build(subject)
    if architecture.conditioning == "none":
        raise NotApplicable("it is not conditional")
    return architecture


def _alike(network: Labelled, x: Tensor) -> list[tuple[int, int]]:
    """The pairs of labels with which one input gives one output."""
    with torch.no_grad():
        found = network(x.expand(CLASSES, *x.shape[1:]))  # the i-th has the i-th label
    return [
        (one, other)
        for one, other in itertools.combinations(range(CLASSES), 2)
        if torch.allclose(found[one], found[other], rtol=1e-6, atol=1e-8)
    ]
