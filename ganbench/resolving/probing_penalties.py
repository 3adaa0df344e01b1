"""What penalties do when they are called: those on raw outputs, and those on the generator with the networks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.api import Architecture, FeaturePenalty, Generator, GeneratorPenalty, Penalty
from ganbench.errors import UsageError
from ganbench.resolving.trying import (
    described,
    more,
    raw_outputs,
    refused,
    require_scalar,
    same_random_state,
    some_labels,
)
from ganbench.spec import Component, DataSpec, Recipe
from ganbench.training.conditional import Labelled, judge


def check_output_penalties(penalties: list[tuple[Component, Penalty]], recipe: Recipe) -> None:
    """Call the penalties that look at raw outputs alone: each is a scalar. Torch's random state stays as it is.

    Raises:
        UsageError: one fails, or returns something else; names the component that it comes with.
    """
    r, f = raw_outputs(recipe)
    for component, penalty in penalties:
        if penalty.of_outputs:
            what = f"on_outputs() of penalty '{component.label}'"
            with refused(f"{what} fails on {len(f)} raw outputs", more(component)), same_random_state():
                value: Any = penalty.on_outputs(r, f)
            require_scalar(component, what, value, f"{len(f)} raw outputs")


def check_generator_penalties(
    penalties: list[tuple[Component, GeneratorPenalty]],
    component: Component,
    architecture: Architecture,
    data: DataSpec,
    recipe: Recipe,
) -> list[int]:
    """Call the penalties on the generator of the networks that it joins: each is a scalar from which the generator can
    learn. Torch's random state stays as it is.

    Args:
        penalties: each with the component that it comes with.
        component, architecture: the networks.
        data: what they are trained on.
        recipe: how. Where it has a batch of one, the penalties get one sample (one group), else four.

    Returns:
        How often each calls the generator; 1 of one on features, which has the discriminator run in its place.

    Raises:
        UsageError: one fails, returns something else, changes what it is given, or does not depend on the generator, or
            the discriminator has no features for it; names it and the networks.
    """
    if not penalties:
        return []
    calls = []
    with same_random_state():
        networks = architecture.networks(data.shape, recipe.latent_dim, data.classes)
        n = min(4, recipe.batch_size * recipe.g_batches) * architecture.pack
        given = "1 sample" if n == 1 else f"{n} samples"
        labels = some_labels(architecture, n)
        z = torch.randn(n, recipe.latent_dim)
        generator: Generator = networks.generator if labels is None else Labelled(networks.generator, labels)
        for own, penalty in penalties:
            what = f"penalty '{own.label}' on {given} of the generator of architecture '{component.label}'"
            with refused(f"{what} fails", more(own)):
                fake = generator(z)
            call: Callable[[Tensor, Tensor], Any]
            if isinstance(penalty, FeaturePenalty):
                call, called = penalty.on_features, "features"
                _require_told_apart(component, architecture, data)
                seen = _features(component, architecture, networks.discriminator, fake, labels)
            else:
                call, called = partial(_called, penalty, generator), "latent points or samples"
                seen = z, fake
            before = [one.detach().clone() for one in seen]
            with refused(f"{what} fails", more(own)), _counted(networks.generator) as counted:
                value = call(*seen)
            calls.append(1 if isinstance(penalty, FeaturePenalty) else len(counted))
            require_scalar(own, f"penalty '{own.label}'", value, given)
            if not all(map(torch.equal, seen, before)):
                raise UsageError(
                    f"{what} changes the {called} that it is given, of which the loss is made, too; change a copy; "
                    f"{more(own)}"
                )
            with refused(f"{what} cannot be differentiated", more(own)):
                weights = [*networks.generator.parameters()]
                slopes = torch.autograd.grad(value, weights, allow_unused=True) if value.requires_grad else ()
            # One that counts its updates may have no term in the first of them.
            later = bool(penalty.state_dict()) and not value.any()
            if all(slope is None for slope in slopes) and not later:
                raise UsageError(
                    f"{what} does not depend on the generator (a .detach(), .item() or no_grad?), so it would change "
                    f"nothing; {more(own)}"
                )
    return calls


@contextmanager
def _counted(network: nn.Module) -> Iterator[list[None]]:
    """A list that is longer by one after each call of a network in this context."""
    found: list[None] = []
    hook = network.register_forward_hook(lambda *_: found.append(None))
    try:
        yield found
    finally:
        hook.remove()


def _called(penalty: GeneratorPenalty, generator: Generator, z: Tensor, fake: Tensor) -> Any:
    return penalty(generator, z, fake, torch.Generator().manual_seed(0))


def _require_told_apart(component: Component, architecture: Architecture, data: DataSpec) -> None:
    """Refuse a classifier of a single class where features are by default those of the layer with a single output."""
    own = type(architecture).features is not Architecture.features
    if architecture.conditioning == "classifier" and data.classes == 1 and not own:
        raise UsageError(
            f"the features of the discriminator of architecture '{component.label}' cannot be had on dataset "
            f"'{data.component.label}', which has a single class: the layer that makes the raw outputs cannot be told "
            "from the classifier's, as both have one output; leave the architecture's condition out, or let it define "
            "features()"
        )


def _features(
    component: Component, architecture: Architecture, discriminator: nn.Module, fake: Tensor, labels: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Features (N, F) of random samples and of fakes, as training finds them.

    Raises:
        UsageError: the architecture does not say where they are, or they are not there.
    """
    what = f"the discriminator of architecture '{component.label}'"
    with refused(f"the features of {what} cannot be had"):
        layer = architecture.features(discriminator)
        if not isinstance(layer, nn.Module):
            raise TypeError(f"features() of the architecture returns {described(layer)}, not a layer")
        random = 2 * torch.rand_like(fake) - 1
        with torch.no_grad():
            real = judge(discriminator, random, labels, architecture.conditioning, layer).features
        found = judge(discriminator, fake, labels, architecture.conditioning, layer)
    assert real is not None
    assert found.features is not None
    if len(found.features) != len(found.raw):
        raise UsageError(
            f"{what} has features of shape {tuple(found.features.shape)} for {len(found.raw)} raw outputs; let "
            "features() of the architecture return a layer that gets one row for each"
        )
    if not all(bool(features.isfinite().all()) for features in (real, found.features)):
        raise UsageError(
            f"{what} has features that are not finite, on random samples or on fakes; let features() of the "
            "architecture return another layer"
        )
    return real, found.features
