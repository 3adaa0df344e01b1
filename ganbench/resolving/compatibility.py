"""Which components can work together, by what they declare. What cannot is refused by name, before anything trains."""

from collections.abc import Sequence

from ganbench.api import Architecture, GeneratorPenalty, Loss, Penalty
from ganbench.components import kinds_of, several
from ganbench.errors import TooFewSteps, UsageError
from ganbench.schedule import critic_updates, critic_updates_until, first_later_boost, steps_to_replay
from ganbench.spec import Component, DataSpec, Recipe
from ganbench.training.adversarial import lazy, undecided


def check_recipe(label: str, loss: Loss, architecture: Architecture, data: DataSpec, recipe: Recipe) -> None:
    """Refuse settings that have no use here, that contradict each other, or that these data are too few for.

    Raises:
        UsageError: names the setting, and what to give instead.
    """
    if (recipe.smoothing_real or recipe.smoothing_fake) and not loss.smoothable:
        raise UsageError(f"loss '{label}' has no labels to smooth; do not set smoothing_real or smoothing_fake for it")
    if recipe.ada_target and recipe.augment == "none":
        raise UsageError(
            f"ada_target={recipe.ada_target:g} adapts how often images are augmented, but augment is none; "
            "choose an augmentation, e.g. --set augment=translation"
        )
    if recipe.ada_target and undecided(loss, recipe) is None:
        raise UsageError(
            f"ada_target={recipe.ada_target:g} uses the sign of the discriminator's outputs on real images, "
            f"which means nothing for loss '{label}'; do not set ada_target for it"
        )
    if architecture.conditioning != "classifier":
        for name in ("classifier_d", "classifier_g"):
            if getattr(recipe, name) != Recipe.model_fields[name].default:
                raise UsageError(
                    f"{name}={getattr(recipe, name):g} is the weight of an auxiliary classifier, but not every "
                    f"architecture here has one; run those without one separately, without {name}"
                )
    if recipe.batch_size * architecture.pack > data.size:
        packed = f" in groups of {architecture.pack}" if architecture.pack > 1 else ""
        raise UsageError(
            f"batch_size={recipe.batch_size}{packed} is more than the {data.size} training samples of "
            f"'{data.component.label}'; use a smaller --batch-size"
        )
    if recipe.mirror and data.kind != "image":
        raise UsageError(
            f"mirror={recipe.mirror:g} mirrors images, but dataset '{data.component.label}' contains "
            f"{data.kind}s; do not set mirror for it"
        )
    _check_average(recipe)
    _check_decay(recipe)
    _check_strength(recipe)
    _check_boost(recipe)
    if recipe.replay:
        _check_history(recipe)


def _check_average(recipe: Recipe) -> None:
    """Refuse an average that would be a copy of the last weights, scored under the name of an average."""
    if recipe.ema_decay and recipe.ema_start >= recipe.steps:
        raise TooFewSteps(
            f"ema_start={recipe.ema_start} is not before the last step, {recipe.steps}, so nothing would be "
            f"averaged; use less than {recipe.steps}, or leave ema_decay out",
            recipe.ema_start + 1,
        )


def _check_decay(recipe: Recipe) -> None:
    """Refuse a learning rate that would not have fallen by the last step, or would be zero before it."""
    if recipe.lr_schedule == "constant":
        return
    if recipe.steps == 1:
        raise TooFewSteps(
            f"lr_schedule={recipe.lr_schedule} has no effect in a single step, which has the whole learning rate; use "
            "more steps, or lr_schedule=constant",
            2,
        )
    most, fallen = recipe.steps - 2, recipe.lr_decay_start + recipe.lr_decay_steps
    if recipe.lr_decay_start and recipe.lr_decay_start > most:
        mended = f"use at most {most}, or more steps" if most > 0 else "use more steps, or leave lr_decay_start out"
        raise TooFewSteps(
            f"lr_decay_start={recipe.lr_decay_start} keeps the whole learning rate to the last step, {recipe.steps}; "
            f"{mended}",
            recipe.lr_decay_start + 2,
        )
    if recipe.lr_decay_steps and not recipe.lr_final and fallen < recipe.steps:
        raise UsageError(
            f"lr_decay_steps={recipe.lr_decay_steps} would leave a learning rate of zero after step {fallen} of "
            f"{recipe.steps}; set lr_final to what should be left, or leave lr_decay_steps out"
        )


def _check_strength(recipe: Recipe) -> None:
    """Refuse penalties whose strength would change after the last step that has them."""
    if recipe.penalty_final != 1 and recipe.steps <= recipe.penalty_every:
        raise TooFewSteps(
            f"penalty_final={recipe.penalty_final:g} has no effect in the first step, and penalties are terms of no "
            f"other (steps={recipe.steps}, penalty_every={recipe.penalty_every}); use more steps, or leave "
            "penalty_final out",
            recipe.penalty_every + 1,
        )


def _check_boost(recipe: Recipe) -> None:
    """Refuse boosted steps that are like the others, and a recipe where no step is boosted or each is."""
    boost, first, every, steps = recipe.n_critic_boost, recipe.boost_first, recipe.boost_every, recipe.steps
    if not boost:
        return
    if boost <= recipe.n_critic:
        raise UsageError(
            f"n_critic_boost={boost} is not more than n_critic={recipe.n_critic}; use more, or leave n_critic_boost out"
        )
    if not first and not every:
        raise UsageError(
            f"n_critic_boost={boost} has no effect without boosted steps; set boost_first or boost_every, as in "
            f"--set n_critic_boost={boost},boost_first=25,boost_every=500"
        )
    if critic_updates_until(recipe, steps) == steps * boost:
        message = (
            f"boost_first={first} and boost_every={every} boost every step of {steps}, so n_critic={recipe.n_critic} "
            f"would have no effect; boost fewer steps, or use n_critic={boost} without n_critic_boost"
        )
        if every == 1:
            raise UsageError(message)
        # One of the two steps after the first ones is like most, since no two in a row are boosted there.
        raise TooFewSteps(message, first + (1 if critic_updates(recipe, first + 1) < boost else 2))
    if every and (later := first_later_boost(recipe)) > steps:
        raise TooFewSteps(
            f"boost_every={every} has no effect before step {later}, and there are {steps}; use more steps, or leave "
            "boost_every out",
            later,
        )


def _check_history(recipe: Recipe) -> None:
    """Refuse a history of fakes that nothing, or less than the recipe says, would be drawn from.

    All in what the discriminator judges at once, single samples or groups: :class:`ganbench.training.replay.Replay`.
    """
    replay, share, batch = recipe.replay, recipe.replay_share, recipe.batch_size
    drawn = round(share * batch)
    if drawn == 0:
        raise UsageError(
            f"replay_share={share:g} of batch_size={batch} rounds to 0 samples, so no earlier fakes would be "
            f"used; use more than {0.5 / batch:g}, or leave replay out"
        )
    if replay < drawn:
        raise UsageError(
            f"replay={replay} keeps fewer fakes than the {drawn} that replay_share={share:g} of "
            f"batch_size={batch} draws; use at least {drawn}, or a smaller replay_share"
        )
    # It is full before the last update of the discriminator, or nothing is ever drawn.
    before_last = drawn * (critic_updates_until(recipe, recipe.steps) - 1)
    if replay > before_last:
        mended = f"use at most {before_last}, or more steps" if before_last else "use more steps, or leave replay out"
        raise TooFewSteps(
            f"replay={replay} has no effect before it is full, and only {before_last} fakes are added before "
            f"the last update (steps={recipe.steps}, n_critic={recipe.n_critic}, {drawn} of each batch); "
            f"{mended}",
            steps_to_replay(recipe),
        )


def doubts(label: str, penalties: list[Penalty], component: Component, architecture: Architecture) -> list[str]:
    """What works, and is not what its paper means, in a line each."""
    lines = []
    penalised = any(penalty.double_backward for penalty in penalties)
    if architecture.batch_norm_in_discriminator and penalised:
        line = f"'{label}' penalises the gradients of single samples, but '{component.label}' has batch norm in its "
        lines.append(line + "discriminator, which mixes the samples")
    if architecture.spectral_norm_in_discriminator:
        twice = f"the critic is constrained twice: by spectral norm in '{component.label}' and by "
        if penalised:
            lines.append(f"{twice}the gradient penalty of '{label}'")
        if any(penalty.constrains == "weights" for penalty in penalties):
            lines.append(
                f"{twice}the weight clipping of '{label}', which clips other weights than those the network "
                "computes with"
            )
    return lines


def check_pair(
    label: str,
    penalties: list[Penalty],
    component: Component,
    architecture: Architecture,
    data: DataSpec,
    recipe: Recipe,
    on_generator: Sequence[GeneratorPenalty] = (),
) -> None:
    """Refuse an architecture that is not for this data, or cannot serve this loss, by what they declare.

    Args:
        label: the loss with its penalties.
        penalties: those on the discriminator.
        component, architecture: the networks.
        data: what they are trained on.
        recipe: how.
        on_generator: the penalties on the generator.

    Raises:
        UsageError: names what does not fit.
    """
    name = component.label
    _check_shape(name, architecture, data)
    if architecture.conditioning != "none":
        _check_labels(name, data, recipe)
    for key in ("penalty_every", "penalty_final"):
        if getattr(recipe, key) != 1 and not any(lazy(penalty) for penalty in penalties):
            raise UsageError(
                f"{key}={getattr(recipe, key):g} is about penalties on the discriminator's gradients, but loss "
                f"'{label}' has none; add one, as in 'hinge+r1', or run it separately, without {key}"
            )
    if recipe.g_penalty_every != 1 and not on_generator:
        raise UsageError(
            f"g_penalty_every={recipe.g_penalty_every} is about penalties on the generator, but loss '{label}' has "
            "none; add one, as in 'hinge+path-length', or run it separately, without g_penalty_every"
        )
    if any(penalty.double_backward for penalty in penalties) and not architecture.double_backward:
        raise UsageError(
            f"loss '{label}' differentiates the discriminator twice, which architecture '{name}' does not "
            "support; choose another loss or architecture"
        )
    if architecture.pack > 1 and any(p.differentiable and p.constrains == "gradient" for p in penalties):
        raise UsageError(
            f"loss '{label}' penalises the gradients of single samples, but the discriminator of architecture "
            f"'{name}' judges {architecture.pack} samples at once; use pack=1 or a loss without a gradient "
            "penalty"
        )


def _check_shape(name: str, architecture: Architecture, data: DataSpec) -> None:
    """Refuse an architecture that makes other samples than these, or images of other sizes."""
    dataset = data.component.label
    if data.kind not in (kinds := kinds_of(f"architecture '{name}'", architecture.kinds)):
        raise UsageError(
            f"architecture '{name}' makes {several(kinds)}, but dataset '{dataset}' contains {data.kind}s; choose "
            "another architecture ('ganbench list architectures')"
        )
    if data.kind != "image":
        return
    _, height, width = data.shape
    low, high = architecture.sizes
    power = architecture.power_of_two
    bad_power = power and (height != width or height & (height - 1))
    if bad_power or not (low <= height <= high and low <= width <= high):
        wanted = f"{'square images with a power-of-two side' if power else 'images with sides'} from {low} to {high}"
        raise UsageError(
            f"architecture '{name}' makes {wanted}, but dataset '{dataset}' is {height}x{width}; choose another "
            "architecture or image size"
        )


def _check_labels(name: str, data: DataSpec, recipe: Recipe) -> None:
    """Refuse a conditional architecture where there are no labels, or where they would be lost on the way."""
    if data.classes == 0:
        raise UsageError(
            f"architecture '{name}' is conditional, but dataset '{data.component.label}' has no labels; leave "
            "its condition out, or choose a dataset with labels"
        )
    if recipe.replay:
        raise UsageError(f"architecture '{name}' is conditional, but replay keeps no labels; do not set replay for it")
