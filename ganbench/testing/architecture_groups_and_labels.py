"""Further checks of packed discriminators and of conditional networks."""

from typing import cast

import torch
from torch import Tensor

from ganbench.testing.architecture_networks import (
    BEYOND_ZERO,
    CLASSES,
    Labelled,
    Packed,
    build,
    latents,
    networks,
    noise,
    perturbed,
    typical,
)
from ganbench.testing.kit import Flaw, NotApplicable, Subject


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
    """Conditional networks look at the labels they are given."""
    architecture = build(subject)
    if architecture.conditioning == "none":
        raise NotApplicable("it is not conditional")
    shape = typical(subject)
    generator, discriminator = (perturbed(one, BEYOND_ZERO) for one in networks(subject, shape))
    told = [("generator", cast(Labelled, generator), latents(subject, 1))]
    if isinstance(discriminator, Labelled) and architecture.conditioning == "labels":
        told.append(("discriminator", discriminator, noise(1, shape)))
    for role, network, x in told:
        if _same_for_all(network.eval(), x):
            raise Flaw(
                f"the {role} returns the same for each of {CLASSES} labels; the trial would be ranked as "
                "conditional, although it trains as unconditional"
            )


def _same_for_all(network: Labelled, x: Tensor) -> bool:
    """Whether one input gives one output, whatever its label."""
    with torch.no_grad():
        found = network(x.expand(CLASSES, *x.shape[1:]))  # the i-th has the i-th label
    return bool(torch.allclose(found, found[:1].expand_as(found), rtol=1e-6, atol=1e-8))
