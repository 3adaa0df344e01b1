"""What components do when they are called. What would fail in training is refused by name, before anything trains."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ganbench.api import Architecture, Augmentation, Loss, Penalty
from ganbench.errors import UsageError, in_one_line
from ganbench.spec import Component, DataSpec, Recipe
from ganbench.training.adversarial import adversarial_loss
from ganbench.training.conditional import generate, judge
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
        with _refused(component, f"{what} fails on {len(f)} raw outputs{given}"), _same_random_state():
            value = objective()
        _require_scalar(component, what, value, len(f))
        with _refused(component, f"{what} cannot be differentiated"):
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
            with _refused(component, f"{what} fails on {len(f)} raw outputs"), _same_random_state():
                value: Any = penalty.on_outputs(r, f)
            _require_scalar(component, what, value, len(f))


def _outputs(recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Raw outputs on real and on fake samples, as many as training gives a loss at once, within reason."""
    rng = torch.Generator().manual_seed(0)
    r, f = torch.randn(2, min(recipe.batch_size, MOST), generator=rng).unbind()
    return r.requires_grad_(), f.requires_grad_()


def _require_scalar(component: Component, what: str, value: object, n: int) -> None:
    if not isinstance(value, Tensor) or value.shape != ():
        raise UsageError(
            f"{what} returns {_described(value)} for {n} raw outputs, not a scalar tensor; use .mean() to make "
            f"one; {_more(component)}"
        )


@contextmanager
def _refused(component: Component, what: str) -> Iterator[None]:
    """Refuse a component for whatever it raises."""
    try:
        yield
    except Exception as error:
        raise UsageError(f"{what}: {in_one_line(error)}; {_more(component)}") from error


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
        images = torch.zeros(2, *data.shape)
        try:
            found = augmentation(images, torch.Generator())
        except Exception as error:
            reason = in_one_line(error)
            raise UsageError(
                f"augmentation '{component.label}' cannot transform the images of dataset '{dataset}': {reason}"
            ) from error
        if not isinstance(found, torch.Tensor) or found.shape != images.shape:
            raise UsageError(
                f"augmentation '{component.label}' makes {_described(found)} of images of dataset '{dataset}', whose "
                f"batches are {tuple(images.shape)}; {_more(component)}"
            )


def check_networks(
    component: Component,
    architecture: Architecture,
    data: DataSpec,
    latent_dim: int,
    *,
    alone: bool = False,
    init: str = "architecture",
    standing: bool = False,
) -> None:
    """Build the networks and show them two samples (two groups, where they are packed): what comes out of them has
    the shapes that a loss and the evaluation count on. Torch's random state stays as it is.

    Args:
        component, architecture: the networks.
        data: what they are trained on.
        latent_dim: dimension of z.
        alone: they are trained on batches of one sample (one group); show them one as well.
        init: the scheme by which their weights are drawn.
        standing: the generator is scored with standing statistics of its batch norms.

    Raises:
        UsageError: they cannot be built, fail on samples, or return something else; names the architecture.
    """
    with _same_random_state():
        _try(component, architecture, data, latent_dim, init, standing)
        if alone:
            _try_alone(component, architecture, data, latent_dim)


def _try(
    component: Component, architecture: Architecture, data: DataSpec, latent_dim: int, init: str, standing: bool
) -> None:
    name, dataset = component.label, data.component.label
    try:
        generator, discriminator = architecture.networks(data.shape, latent_dim, data.classes)
        n = 2 * architecture.pack
        labels = None if architecture.conditioning == "none" else torch.zeros(n, dtype=torch.int64)
        with torch.no_grad():
            fakes = generate(generator, torch.zeros(n, latent_dim), labels)
    except Exception as error:
        reason = in_one_line(error)
        raise UsageError(f"architecture '{name}' cannot be built for dataset '{dataset}': {reason}") from error
    if standing and not has_statistics(generator):
        raise UsageError(
            f"standing_batches is about batch norm in the generator, but that of architecture '{name}' has none; run "
            "it separately, without standing_batches"
        )
    for network in (generator, discriminator):
        try:
            initialise(network, init, 1.0)
        except UsageError as error:
            raise UsageError(f"architecture '{name}': {error}") from error
    check = _more(component)
    if not isinstance(fakes, torch.Tensor) or fakes.shape != (n, *data.shape):
        raise UsageError(
            f"the generator of architecture '{name}' returns {_described(fakes)} for {n} samples of dataset "
            f"'{dataset}', not {(n, *data.shape)}; {check}"
        )
    try:
        with torch.no_grad():
            found = discriminator(fakes, labels) if architecture.conditioning == "labels" else discriminator(fakes)
    except Exception as error:
        reason = in_one_line(error)
        raise UsageError(
            f"the discriminator of architecture '{name}' fails on {n} samples of '{dataset}': {reason}"
        ) from error
    raw, classes = found, None
    if architecture.conditioning == "classifier":
        if not isinstance(found, tuple) or len(found) != 2:
            raise UsageError(
                f"the discriminator of architecture '{name}' returns {_described(found)}, not raw outputs and "
                f"class logits, as its conditioning 'classifier' requires; {check}"
            )
        raw, classes = found
    if not isinstance(raw, torch.Tensor) or raw.shape != (2,):
        raise UsageError(
            f"the discriminator of architecture '{name}' returns {_described(raw)} for two "
            f"{'groups of samples' if architecture.pack > 1 else 'samples'}, not (2,): it must return one raw "
            f"output for each, e.g. with `.flatten()` at its end; {check}"
        )
    if architecture.conditioning == "classifier" and (
        not isinstance(classes, torch.Tensor) or classes.shape != (n, data.classes)
    ):
        raise UsageError(
            f"the discriminator of architecture '{name}' returns class logits {_described(classes)} for {n} samples of "
            f"{data.classes} classes, not {(n, data.classes)}; {check}"
        )


def _try_alone(component: Component, architecture: Architecture, data: DataSpec, latent_dim: int) -> None:
    """Show the networks a batch of one in the mode that they train in; most of those with a batch norm need more."""
    networks = architecture.networks(data.shape, latent_dim, data.classes)
    labels = None if architecture.conditioning == "none" else torch.zeros(architecture.pack, dtype=torch.int64)
    try:
        with torch.no_grad():
            fakes = generate(networks.generator, torch.zeros(architecture.pack, latent_dim), labels)
            judge(networks.discriminator, fakes, labels, architecture.conditioning)
    except Exception as error:
        reason = in_one_line(error)
        raise UsageError(
            f"architecture '{component.label}' cannot be trained with batch_size=1 on dataset "
            f"'{data.component.label}' ({reason}); use --batch-size 2 or more"
        ) from error


def _described(value: object) -> str:
    return f"shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else f"a {type(value).__name__}"
