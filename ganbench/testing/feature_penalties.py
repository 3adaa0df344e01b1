"""What a penalty on the discriminator's features must do.

Most of it is what any penalty on the generator must do: the samples of a small generator are then features of fakes.
"""

from copy import deepcopy
from typing import Any, cast

import torch
from torch import Tensor

from ganbench.api import FeaturePenalty
from ganbench.testing.generator_penalties import declared, gradient, memory, reduction, scalar
from ganbench.testing.kit import Flaw, Subject
from ganbench.testing.penalty_generators import acting, batch, build, real_features, term
from ganbench.testing.penalty_properties import DRAWN, require_any_device
from ganbench.testing.trial_streams import without_torchs_stream
from ganbench.testing.used_parameters import used_parameters


def undisturbed(subject: Subject) -> None:
    """Calling it changes neither features of real samples nor of fakes."""
    penalty = _acting(subject)
    generator, z = batch(penalty, 4)
    fake = generator(z).flatten(1)
    real = real_features(fake)
    before = real.clone(), fake.detach().clone()
    penalty.on_features(real, fake)
    if not all(map(torch.equal, (real, fake), before)):
        raise Flaw("it changes the features it is given in place; a second penalty would see others")
    if real.requires_grad:
        raise Flaw("it switches on gradients of the real samples' features, which have none; use a copy")


def deterministic(subject: Subject) -> None:
    """The same features give the same value: it draws no random numbers."""
    penalty = _acting(subject)
    generator, z = batch(penalty, 6)

    def value() -> Tensor:
        return term(deepcopy(penalty), generator, z)

    first = without_torchs_stream(value, DRAWN).item()
    if value().item() != first:
        raise Flaw(
            "the same features give another value when it is called again (drawn from numpy, from random or from a "
            "stream of its own?); a resumed trial would go elsewhere; a penalty on features draws nothing"
        )


def devices(subject: Subject) -> None:
    """It computes where the features are, also with what it remembers from a checkpoint."""
    penalty = _acting(subject)
    generator, z = batch(penalty, 4, dtype=torch.float32)
    term(penalty, generator, z)
    fake = generator(z).flatten(1).detach()

    def call(fresh: Any, device: str) -> None:
        fresh.on_features(real_features(fake).to(device), fake.to(device))

    require_any_device(lambda: build(subject), penalty.state_dict(), call, "fake", "")


CHECKS = (
    used_parameters,
    declared,
    scalar,
    reduction,
    gradient,
    undisturbed,
    deterministic,
    devices,
    memory,
)


def _acting(subject: Subject) -> FeaturePenalty:
    return cast(FeaturePenalty, acting(subject))
