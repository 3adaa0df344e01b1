"""What components do when they are called. What would fail in training is refused by name, before anything trains."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ganbench.api import Architecture, Augmentation, GeneratorPenalty, Loss, Penalty
from ganbench.errors import UsageError, in_one_line
from ganbench.spec import Component, DataSpec, Recipe
from ganbench.training.adversarial import adversarial_loss
from ganbench.training.conditional import Labelled, generate, judge
from ganbench.training.initialisation import initialise
from ganbench.training.standing import has_statistics

MOST = 1024
"""Raw outputs that a loss is tried on: what is wrong with it shows with fewer, too."""


def check_loss(component: Component, loss: Loss, recipe: Recipe) -> None:
    """Call both objectives on a batch of raw outputs: each is a scalar that its player can learn from. Torch's random
    state stays as it is.

    Raises:
        UsageError: one fails, returns something else, or does not depend on the outputs; names the loss.
    """
    r, f = _outputs(recipe)
    seen = r if loss.needs_real else None
    objectives: dict[str, tuple[Callable[[], Any], tuple[Tensor, ...], str]] = {
        "discriminator": (lambda: adversarial_loss(loss, r, f, recipe), (r, f), "raw outputs"),
        "generator": (lambda: loss.generator(f, seen), (f,), "fakes"),
    }
    for player, (objective, outputs, learned_from) in objectives.items():
        what = f"{player}() of loss '{component.label}'"
        given = "" if player == "discriminator" or loss.needs_real else " and real=None (its needs_real is false)"
        with _refused(f"{what} fails on {len(f)} raw outputs{given}", _more(component)), _same_random_state():
            value = objective()
        _require_scalar(component, what, value, f"{len(f)} raw outputs")
        with _refused(f"{what} cannot be differentiated", _more(component)):
            slopes = torch.autograd.grad(value, outputs, allow_unused=True) if value.requires_grad else ()
        if all(slope is None for slope in slopes):
            raise UsageError(
                f"{what} does not depend on the {learned_from} (a .detach(), .item() or no_grad?), so the "
                f"{player} would never learn; {_more(component)}"
            )


def check_output_penalties(penalties: list[tuple[Component, Penalty]], recipe: Recipe) -> None:
    """Call the penalties that look at raw outputs alone: each is a scalar. Torch's random state stays as it is.

    Raises:
        UsageError: one fails, or returns something else; names the component that it comes with.
    """
    r, f = _outputs(recipe)
    for component, penalty in penalties:
        if penalty.of_outputs:
            what = f"on_outputs() of penalty '{component.label}'"
            with _refused(f"{what} fails on {len(f)} raw outputs", _more(component)), _same_random_state():
                value: Any = penalty.on_outputs(r, f)
            _require_scalar(component, what, value, f"{len(f)} raw outputs")


def check_generator_penalties(
    penalties: list[tuple[Component, GeneratorPenalty]],
    component: Component,
    architecture: Architecture,
    data: DataSpec,
    recipe: Recipe,
) -> None:
    """Call the penalties on the generator of the networks that it joins: each is a scalar from which the generator can
    learn. Torch's random state stays as it is.

    Args:
        penalties: each with the component that it comes with.
        component, architecture: the networks.
        data: what they are trained on.
        recipe: how. Where it has a batch of one, the penalties get one sample (one group), else four.

    Raises:
        UsageError: one fails, returns something else, changes what it is given, or does not depend on the generator;
            names it and the networks.
    """
    if not penalties:
        return
    with _same_random_state():
        generator = architecture.networks(data.shape, recipe.latent_dim, data.classes).generator
        n = min(4, recipe.batch_size * recipe.g_batches) * architecture.pack
        given = "1 sample" if n == 1 else f"{n} samples"
        labels = _some_labels(architecture, n)
        z = torch.randn(n, recipe.latent_dim)
        for own, penalty in penalties:
            what = f"penalty '{own.label}' on {given} of the generator of architecture '{component.label}'"
            with _refused(f"{what} fails", _more(own)):
                rng = torch.Generator().manual_seed(0)
                fake = generate(generator, z, labels)
                given_z, given_fake = z.clone(), fake.detach().clone()
                value: Any = penalty(generator if labels is None else Labelled(generator, labels), z, fake, rng)
            _require_scalar(own, f"penalty '{own.label}'", value, given)
            if not (torch.equal(z, given_z) and torch.equal(fake, given_fake)):
                raise UsageError(
                    f"{what} changes the latent points or samples that it is given, of which the loss is made, too; "
                    f"change a copy; {_more(own)}"
                )
            with _refused(f"{what} cannot be differentiated", _more(own)):
                weights = [*generator.parameters()]
                slopes = torch.autograd.grad(value, weights, allow_unused=True) if value.requires_grad else ()
            # One that counts its updates may have no term in the first of them.
            later = bool(penalty.state_dict()) and not value.any()
            if all(slope is None for slope in slopes) and not later:
                raise UsageError(
                    f"{what} does not depend on the generator (a .detach(), .item() or no_grad?), so it would change "
                    f"nothing; {_more(own)}"
                )


def _outputs(recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Raw outputs on real and on fake samples, as many as training gives a loss at once, within reason."""
    rng = torch.Generator().manual_seed(0)
    r, f = torch.randn(2, min(recipe.batch_size, MOST), generator=rng).unbind()
    return r.requires_grad_(), f.requires_grad_()


def _require_scalar(component: Component, what: str, value: object, given: str) -> None:
    if not _has_shape(value, ()):
        raise UsageError(
            f"{what} returns {_described(value)} for {given}, not a scalar tensor; use .mean() to make one; "
            f"{_more(component)}"
        )


@contextmanager
def _refused(what: str, *then: str) -> Iterator[None]:
    """Refuse a component for whatever it raises: ``what`` fails, why, and what to do ``then``."""
    try:
        yield
    except Exception as error:
        raise UsageError("; ".join([f"{what}: {in_one_line(error)}", *then])) from error


@contextmanager
def _same_random_state() -> Iterator[None]:
    state = torch.random.get_rng_state()
    try:
        yield
    finally:
        torch.random.set_rng_state(state)


def _more(component: Component) -> str:
    return f"run `ganbench plugins check {component.plugin}` for details"


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
        with _refused(f"augmentation '{name}' cannot transform the images of dataset '{dataset}'"):
            found: object = augmentation(images, torch.Generator())
        if not _has_shape(found, images.shape):
            raise UsageError(
                f"augmentation '{name}' makes {_described(found)} of images of dataset '{dataset}', whose batches are "
                f"{tuple(images.shape)}; {_more(component)}"
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
    with _same_random_state():
        _try(component, architecture, data, recipe)
        if recipe.batch_size == 1:
            _try_alone(component, architecture, data, recipe.latent_dim)


def _try(component: Component, architecture: Architecture, data: DataSpec, recipe: Recipe) -> None:
    name, dataset, n = component.label, data.component.label, 2 * architecture.pack
    labels = _some_labels(architecture, n)
    with _refused(f"architecture '{name}' cannot be built for dataset '{dataset}'"):
        generator, discriminator = architecture.networks(data.shape, recipe.latent_dim, data.classes)
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
    if not _has_shape(fakes, (n, *data.shape)):
        raise UsageError(
            f"the generator of architecture '{name}' returns {_described(fakes)} for {n} samples of dataset "
            f"'{dataset}', not {(n, *data.shape)}; {_more(component)}"
        )
    with _refused(f"the discriminator of architecture '{name}' fails on {n} samples of '{dataset}'"), torch.no_grad():
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
                f"{returns} {_described(found)}, not raw outputs and class logits, as its conditioning 'classifier' "
                f"requires; {_more(component)}"
            )
        raw, logits = found
        if not _has_shape(logits, of_classes):
            n, classes = of_classes
            raise UsageError(
                f"{returns} class logits {_described(logits)} for {n} samples of {classes} classes, not {of_classes}; "
                f"{_more(component)}"
            )
    if not _has_shape(raw, (2,)):
        raise UsageError(
            f"{returns} {_described(raw)} for two {'groups of samples' if architecture.pack > 1 else 'samples'}, not "
            f"(2,): it must return one raw output for each, e.g. with `.flatten()` at its end; {_more(component)}"
        )


def _try_alone(component: Component, architecture: Architecture, data: DataSpec, latent_dim: int) -> None:
    """Show the networks a batch of one in the mode that they train in; most of those with a batch norm need more."""
    networks = architecture.networks(data.shape, latent_dim, data.classes)
    labels = _some_labels(architecture, architecture.pack)
    try:
        with torch.no_grad():
            fakes = generate(networks.generator, torch.zeros(architecture.pack, latent_dim), labels)
            judge(networks.discriminator, fakes, labels, architecture.conditioning)
    except Exception as error:
        raise UsageError(
            f"architecture '{component.label}' cannot be trained with batch_size=1 on dataset "
            f"'{data.component.label}' ({in_one_line(error)}); use --batch-size 2 or more"
        ) from error


def _some_labels(architecture: Architecture, n: int) -> Tensor | None:
    return None if architecture.conditioning == "none" else torch.zeros(n, dtype=torch.int64)


def _has_shape(value: object, shape: tuple[int, ...]) -> bool:
    return isinstance(value, Tensor) and value.shape == shape


def _described(value: object) -> str:
    return f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
