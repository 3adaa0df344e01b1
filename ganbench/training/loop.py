"""The training loop. A step is ``n_critic`` discriminator updates (more where it is boosted), then ``n_generator``
generator updates.

Read it top to bottom: everything a recipe can change happens here, and for penalties in
:mod:`ganbench.training.terms`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from ganbench import seeds
from ganbench.api import Loss
from ganbench.evaluation.sampling import draw_latents
from ganbench.schedule import critic_updates, penalty_strength
from ganbench.spec import Recipe
from ganbench.training.adversarial import adversarial_loss, undecided
from ganbench.training.arithmetic import precision, widened
from ganbench.training.capture import Capture
from ganbench.training.conditional import Critic, Labelled, classification, generate, judge, judge_both
from ganbench.training.objective import Objective
from ganbench.training.optimisers import set_rate
from ganbench.training.recordable import capture_for, with_recording
from ganbench.training.state import State
from ganbench.training.terms import (
    Judged,
    Made,
    add_generator_penalties,
    add_penalties,
    compared_layer,
    with_real_features,
)


class Observer(Protocol):
    """Is told of a trial's steps and asked whether to stop, on the schedule of :func:`notify`."""

    def report(self, state: State, discriminator_loss: float, generator_loss: float) -> None:
        """Called about a hundred times in a trial, and after the last step."""

    def evaluate(self, state: State) -> None:
        """Called every ``evaluate_every`` steps, and after the last one."""

    def after_step(self, state: State) -> bool:
        """Called after every step, when the state can be saved; return whether to stop here."""


def train(
    state: State,
    objective: Objective,
    recipe: Recipe,
    observer: Observer,
    *,
    evaluate_every: int,
    one_step: Callable[[], Tensor] | None = None,
) -> bool:
    """Train from the state's step to the recipe's last one, by ``one_step`` where an earlier call has begun with it.

    Returns:
        Whether the last step was reached; false where the observer asked to stop earlier.

    Raises:
        Diverged: a loss was not finite or beyond the recipe's limit.
    """
    centre_adaptation(state, objective.loss, recipe)
    one_step = one_step or whole_step(state, objective, recipe)
    while state.step < recipe.steps:
        step = state.step + 1
        set_rate(state.d_optimiser, recipe.d_lr, recipe, step)
        set_rate(state.g_optimiser, recipe.g_lr, recipe, step)
        set_strength(state, recipe, step)
        losses = one_step().unbind()
        state.watch.look(step, *losses)
        if state.average is not None:
            state.average.update(state.generator, step)
        state.step = step
        if notify(observer, state, recipe, losses[-1 - recipe.n_generator], losses[-1], evaluate_every=evaluate_every):
            state.watch.check()
            return False
    return True


def notify(
    observer: Observer, state: State, recipe: Recipe, d_loss: Tensor, g_loss: Tensor, *, evaluate_every: int
) -> bool:
    """Tell an observer of the step that was just done, on the schedule; return whether it asks to stop here.

    After the last step there is nothing to stop, whatever it asks.

    Raises:
        Diverged: it is time for a report or an evaluation, and a loss was not finite or beyond the recipe's limit.
    """
    report_every = max(1, recipe.steps // 100)
    last = state.step == recipe.steps
    if last or state.step % report_every == 0:
        state.watch.check()
        observer.report(state, float(d_loss), float(g_loss))
    if last or (evaluate_every and state.step % evaluate_every == 0):
        state.watch.check()
        observer.evaluate(state)
    return observer.after_step(state) and not last


def centre_adaptation(state: State, loss: Loss, recipe: Recipe) -> None:
    """Tell adaptive augmentation, if there is any, the output at which the discriminator is in doubt."""
    if state.adaptation is not None:
        state.adaptation.level = undecided(loss, recipe) or 0.0


def plain_step(state: State, objective: Objective, recipe: Recipe) -> Tensor:
    """Do the next step, its discriminator updates and then the generator's; return their losses, in order."""
    updates = critic_updates(recipe, state.step + 1)
    losses = [discriminator_update(state, objective, recipe) for _ in range(updates)]
    losses += [generator_update(state, objective, recipe) for _ in range(recipe.n_generator)]
    return torch.stack(losses)


def whole_step(
    state: State, objective: Objective, recipe: Recipe, capture: Capture | None = None
) -> Callable[[], Tensor]:
    """Return a function that does the next step at each call, by a recording of such steps where there is one.

    Args:
        state: the trial's.
        objective: what the players minimise.
        recipe: the trial's.
        capture: how to record; by default as the device has it, and on a CPU only if that saves time.
    """
    work = partial(plain_step, state, objective, recipe)
    capture = capture or capture_for(state, recipe.steps - state.step)
    return work if capture is None else with_recording(state, work, [objective], recipe, capture)


def discriminator_update(state: State, objective: Objective, recipe: Recipe) -> Tensor:
    """One update of the discriminator on fresh real and fresh fake samples; returns its loss with all penalties."""
    real = state.batches.next()
    labels = state.batches.labels
    state.real_images += len(real)
    with torch.no_grad(), precision(recipe, state.device):
        fake = generate(state.generator, latents(state, recipe), labels)
    fake = widened(fake)
    if state.replay is not None:
        fake = state.replay.mix(fake)
    # Penalties, too, see what the discriminator sees.
    real, fake = state.laid_out(state.augment(real)), state.laid_out(state.augment(fake))

    with precision(recipe, state.device):
        joint = recipe.discriminator_batch == "joint"
        of_real, of_fake = judge_both(state.discriminator, real, fake, labels, state.conditioning, joint=joint)
    r, f = widened(of_real.raw), widened(of_fake.raw)
    if state.adaptation is not None:
        state.adaptation.observe(r, len(real))
    loss = adversarial_loss(objective.loss, r, f, recipe)
    if state.conditioning == "classifier":
        loss = loss + recipe.classifier_d * (classification(of_real, labels) + classification(of_fake, labels))
    critic = state.discriminator if labels is None else Critic(state.discriminator, labels, state.conditioning)
    loss = add_penalties(loss, Judged(critic, real, fake, r, f), state, objective, recipe)

    state.d_optimiser.zero_grad(set_to_none=True)
    loss.backward()
    state.d_optimiser.step()
    for penalty in objective.on_discriminator:
        penalty.project(state.discriminator)
    return loss.detach()


def generator_update(state: State, objective: Objective, recipe: Recipe) -> Tensor:
    """One update of the generator, on as many batches as the recipe says; returns its loss with all penalties."""
    # Not counted as seen: the discriminator does not learn from these.
    real = state.batches.next(recipe.g_batches) if objective.loss.needs_real else None
    z = latents(state, recipe, recipe.g_batches)
    labels = state.draw_labels() if real is None else state.batches.labels
    layer = compared_layer(state, objective, recipe)
    # To the end of the backward pass, in which a discriminator that saves memory does parts of its forward pass again.
    with frozen(state.discriminator):
        with precision(recipe, state.device):
            fake = generate(state.generator, z, labels)
            of_fake = judge(state.discriminator, state.laid_out(state.augment(fake)), labels, state.conditioning, layer)
            r = None
            if real is not None:
                real = state.laid_out(state.augment(real))
                r = judge(state.discriminator, real, labels, state.conditioning).raw
            features = None if layer is None else with_real_features(of_fake, layer, state, recipe)
        loss = objective.loss.generator(widened(of_fake.raw), None if r is None else widened(r))
        if state.conditioning == "classifier":
            loss = loss + recipe.classifier_g * classification(of_fake, labels)
        if objective.on_generator:  # else there is no use for a copy of all fakes in full precision
            generator = state.generator if labels is None else Labelled(state.generator, labels)
            loss = add_generator_penalties(loss, Made(generator, z, widened(fake), features), state, objective, recipe)

        state.g_optimiser.zero_grad(set_to_none=True)
        loss.backward()
    state.g_optimiser.step()
    return loss.detach()


def set_strength(state: State, recipe: Recipe, step: int) -> None:
    """Set what penalties on gradients are multiplied by in ``step``, where the recipe changes it."""
    if state.penalty_strength is not None:
        state.penalty_strength.fill_(penalty_strength(recipe, step))


def latents(state: State, recipe: Recipe, batches: int = 1) -> Tensor:
    """A fresh batch of z on the device, or several as one."""
    return draw_latents(
        batches * state.samples_per_update, recipe.latent_dim, recipe.latent, state.streams[seeds.NOISE]
    )


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Leave out a network's weight gradients: the generator needs only the gradient that passes through it."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
