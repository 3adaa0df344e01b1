"""What components do when they are called. What would fail in training is refused by name, before anything trains."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganbench.api import Architecture, Augmentation, Loss, Networks
from ganbench.errors import UsageError, in_one_line
from ganbench.resolving.trying import (
    described,
    has_shape,
    more,
    raw_outputs,
    refused,
    require_scalar,
    same_random_state,
    some_labels,
)
from ganbench.spec import Component, DataSpec, Recipe
from ganbench.training.adversarial import adversarial_loss
from ganbench.training.conditional import generate, judge
from ganbench.training.initialisation import initialise, unsized
from ganbench.training.standing import has_statistics


def check_loss(component: Component, loss: Loss, recipe: Recipe) -> None:
    """Call both objectives on a batch of raw outputs: each is a scalar that its player can learn from. Torch's random
    state stays as it is.

    Raises:
        UsageError: one fails, returns something else, or does not depend on the outputs; names the loss.
    """
    r, f = raw_outputs(recipe)
    seen = r if loss.needs_real else None
    objectives: dict[str, tuple[Callable[[], Any], tuple[Tensor, ...], str]] = {
        "discriminator": (lambda: adversarial_loss(loss, r, f, recipe), (r, f), "raw outputs"),
        "generator": (lambda: loss.generator(f, seen), (f,), "fakes"),
    }
    for player, (objective, outputs, learned_from) in objectives.items():
        what = f"{player}() of loss '{component.label}'"
        given = "" if player == "discriminator" or loss.needs_real else " and real=None (its needs_real is false)"
        with refused(f"{what} fails on {len(f)} raw outputs{given}", more(component)), same_random_state():
            value = objective()
        require_scalar(component, what, value, f"{len(f)} raw outputs")
        with refused(f"{what} cannot be differentiated", more(component)):
            slopes = torch.autograd.grad(value, outputs, allow_unused=True) if value.requires_grad else ()
        if all(slope is None for slope in slopes):
            raise UsageError(
                f"{what} does not depend on the {learned_from} (a .detach(), .item() or no_grad?), so the "
                f"{player} would never learn; {more(component)}"
            )


def check_augmentations(augmentations: list[tuple[Component, Augmentation]], data: DataSpec) -> None:
    """Refuse augmentations of what are no images, and one that cannot transform images of this shape."""
    dataset = data.component.label
    if augmentations and data.kind != "image":
        policy = "+".join(component.label for component, _ in augmentations)
        raise UsageError(
            f"augment={policy} transforms images, but dataset '{dataset}' contains {data.kind}s; use --set augment=none"
        )
    for component, augmentation in augmentations:
        images, name = torch.zeros(2, *data.shape), component.label
        with refused(f"augmentation '{name}' cannot transform the images of dataset '{dataset}'"):
            found: object = augmentation(images, torch.Generator())
        if not has_shape(found, images.shape):
            raise UsageError(
                f"augmentation '{name}' makes {described(found)} of images of dataset '{dataset}', whose batches are "
                f"{tuple(images.shape)}; {more(component)}"
            )


def check_networks(component: Component, architecture: Architecture, data: DataSpec, recipe: Recipe) -> None:
    """Build the networks and show them two samples (two groups, where they are packed): what comes out of them has
    the shapes that a loss and the evaluation count on. Torch's random state stays as it is.

    Args:
        component, architecture: the networks.
        data: what they are trained on.
        recipe: how: by it they are also shown batches of one sample (one group), have their weights drawn by a scheme,
            and must have batch norms in the generator where it is scored with standing statistics.

    Raises:
        UsageError: they cannot be built, fail on samples, or return something else; names the architecture.
    """
    with same_random_state():
        _try(component, architecture, data, recipe)
        if recipe.batch_size == 1:
            _try_alone(component, architecture, data, recipe.latent_dim)


def _try(component: Component, architecture: Architecture, data: DataSpec, recipe: Recipe) -> None:
    name, dataset, n = component.label, data.component.label, 2 * architecture.pack
    labels = some_labels(architecture, n)
    with refused(f"architecture '{name}' cannot be built for dataset '{dataset}'"):
        built = architecture.networks(data.shape, recipe.latent_dim, data.classes)
        for role, network in zip(Networks._fields, built, strict=True):
            if layer := unsized(network):
                raise UsageError(
                    f"{layer} of the {role} has no size before it is called, but its weights are drawn before; give "
                    "build() a layer with sizes, such as nn.Linear for nn.LazyLinear"
                )
        generator, discriminator = built
        with torch.no_grad():
            fakes: object = generate(generator, torch.zeros(n, recipe.latent_dim), labels)
    if recipe.standing_batches and not has_statistics(generator):
        raise UsageError(
            f"standing_batches is about batch norm in the generator, but that of architecture '{name}' has none; run "
            "it separately, without standing_batches"
        )
    for network in (generator, discriminator):
        try:
            initialise(network, recipe.init, 1.0)
        except UsageError as error:
            raise UsageError(f"architecture '{name}': {error}") from error
    if not has_shape(fakes, (n, *data.shape)):
        raise UsageError(
            f"the generator of architecture '{name}' returns {described(fakes)} for {n} samples of dataset "
            f"'{dataset}', not {(n, *data.shape)}; {more(component)}"
        )
    with refused(f"the discriminator of architecture '{name}' fails on {n} samples of '{dataset}'"), torch.no_grad():
        found: object = discriminator(fakes, labels) if architecture.conditioning == "labels" else discriminator(fakes)
    _require_judgement(component, architecture, found, (n, data.classes))


def _require_judgement(
    component: Component, architecture: Architecture, found: object, of_classes: tuple[int, int]
) -> None:
    """Refuse what is no raw output for each of two samples or groups, and no logits of shape ``of_classes`` beside."""
    returns = f"the discriminator of architecture '{component.label}' returns"
    raw = found
    if architecture.conditioning == "classifier":
        if not isinstance(found, tuple) or len(found) != 2:
            raise UsageError(
                f"{returns} {described(found)}, not raw outputs and class logits, as its conditioning 'classifier' "
                f"requires; {more(component)}"
            )
        raw, logits = found
        if not has_shape(logits, of_classes):
            n, classes = of_classes
            raise UsageError(
                f"{returns} class logits {described(logits)} for {n} samples of {classes} classes, not {of_classes}; "
                f"{more(component)}"
            )
    if not has_shape(raw, (2,)):
        raise UsageError(
            f"{returns} {described(raw)} for two {'groups of samples' if architecture.pack > 1 else 'samples'}, not "
            f"(2,): it must return one raw output for each, e.g. with `.flatten()` at its end; {more(component)}"
        )


def _try_alone(component: Component, architecture: Architecture, data: DataSpec, latent_dim: int) -> None:
    """Show the networks a batch of one in the mode that they train in; most of those with a batch norm need more."""
    networks = architecture.networks(data.shape, latent_dim, data.classes)
    labels = some_labels(architecture, architecture.pack)
    try:
        with torch.no_grad():
            fakes = generate(networks.generator, torch.zeros(architecture.pack, latent_dim), labels)
            judge(networks.discriminator, fakes, labels, architecture.conditioning)
    except Exception as error:
        raise UsageError(
            f"architecture '{component.label}' cannot be trained with batch_size=1 on dataset "
            f"'{data.component.label}' ({in_one_line(error)}); use --batch-size 2 or more"
        ) from error
