"""Several seeds of one trial trained as one batched model: one call of each network for all of them.

Nothing is shared between the seeds but the calls. Each has its own state, with its own random streams, data order and
objective. Its networks' weights are views into stacks of all seeds' weights, (K, ...) for K seeds, so that whatever
looks at one seed's state sees what it would see if that seed were trained alone. No seed's loss depends on another's
weights, so the gradient of the sum of all losses is every seed's own gradient, and an optimiser that works element by
element gives every seed its own update.

The steps and updates are those of :mod:`ganbench.training.loop`, with a first dimension of K.
"""

import gc
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from ganbench.provenance import environment
from ganbench.schedule import critic_updates
from ganbench.spec import Recipe
from ganbench.training.adversarial import adversarial_loss
from ganbench.training.arithmetic import precision, widened
from ganbench.training.batched_model import BatchedModel, Member
from ganbench.training.capture import Capture
from ganbench.training.loop import centre_adaptation, latents, notify, set_strength
from ganbench.training.optimisers import set_rate
from ganbench.training.recordable import capture_for, with_recording
from ganbench.training.terms import Judged, Made, add_generator_penalties, add_penalties, compared_layer

End = Callable[[Member, Exception | None], None]
"""Called for each member that has reached its last step, or has ended with an error."""


def train_together(
    members: Sequence[Member], recipe: Recipe, *, evaluate_every: int, end: End, capture: Capture | None = None
) -> bool:
    """Train all members to the recipe's last step; ``capture`` is how steps are recorded, by default as for one trial.

    Members that resume from an earlier step than others catch up first. A member whose own code fails (its loss, its
    penalties, its augmentations or its observer) is ended with that error; the others go on as they would have.

    Returns:
        Whether every member has ended; false where an observer asked to stop earlier.

    Raises:
        Exception: what the shared networks and optimisers raised. It is no member's own, and ``end`` is not told.
    """
    for member in members:
        centre_adaptation(member.state, member.objective.loss, recipe)
    going = list(members)
    while going:
        start = min(member.state.step for member in going)
        group = [member for member in going if member.state.step == start]
        until = min([recipe.steps, *(member.state.step for member in going if member.state.step > start)])
        ended, stopped = _train_group(group, recipe, until, evaluate_every=evaluate_every, end=end, capture=capture)
        going = [member for member in going if member not in ended]
        if stopped:
            return not going
        environment.keep_peak(members[0].state.device)  # recording the next group's steps counts it anew
        gc.collect()  # an error's frames hold the group's model and recording, whose memory the next group needs
    return True


def _train_group(
    group: Sequence[Member], recipe: Recipe, until: int, *, evaluate_every: int, end: End, capture: Capture | None
) -> tuple[list[Member], bool]:
    """Train members at one step as one model; return those that have ended, and whether an observer asked to stop."""
    with BatchedModel(group, recipe) as model:
        stopped = advance(model, until, whole_steps(model, until, capture), evaluate_every=evaluate_every)
    ended = [member for member in group if member in model.errors or member.state.step == recipe.steps]
    for member in ended:
        end(member, model.errors.get(member))
    return ended, stopped


def advance(model: BatchedModel, until: int, one_step: Callable[[], Tensor], *, evaluate_every: int) -> bool:
    """Train by ``one_step`` to the step ``until``, or to the first at which a member fails or an observer asks to stop.

    Returns whether an observer asked to stop.
    """
    members, recipe = model.members, model.recipe
    stopped = False
    step = members[0].state.step
    while step < until and not model.errors and not stopped:
        step += 1
        for optimiser, rate in zip(model.optimisers, (recipe.g_lr, recipe.d_lr), strict=True):
            set_rate(optimiser, rate, recipe, step)
        for member in members:
            set_strength(member.state, recipe, step)
        losses = one_step().unbind(1)
        for member, own in zip(members, losses, strict=True):
            if member in model.errors:  # as alone: the step in which it failed is not done
                continue
            state, each = member.state, own.unbind()
            state.watch.look(step, *each)
            if state.average is not None:
                state.average.update(state.generator, step)
            state.step = step
            d_loss, g_loss = each[-1 - recipe.n_generator], each[-1]
            with model.own(member):
                stopped |= notify(member.observer, state, recipe, d_loss, g_loss, evaluate_every=evaluate_every)
    if stopped:
        for member in members:
            with model.own(member):
                member.state.watch.check()
    return stopped


def whole_steps(model: BatchedModel, until: int, capture: Capture | None = None) -> Callable[[], Tensor]:
    """Return a function that does the next step of all members at each call, by a recording where there is one.

    Args:
        model: of the members.
        until: the step to which it will be called.
        capture: how to record; by default as the device has it, and on a CPU only if that saves time.
    """
    work = partial(plain_steps, model)
    chosen = capture or capture_for(model, until - model.states[0].step)
    if chosen is None:
        return work
    return with_recording(model, work, [member.objective for member in model.members], model.recipe, chosen)


def plain_steps(model: BatchedModel) -> Tensor:
    """Do the next step of all members; return their losses, in order, one column for each member."""
    recipe = model.recipe
    updates = critic_updates(recipe, model.states[0].step + 1)
    losses = [discriminator_updates(model) for _ in range(updates)]
    losses += [generator_updates(model) for _ in range(recipe.n_generator)]
    return torch.stack(losses)


def discriminator_updates(model: BatchedModel) -> Tensor:
    """One update of every member's discriminator on its own samples; returns their losses (K,)."""
    members, recipe = model.members, model.recipe
    real = torch.stack([member.state.batches.next() for member in members])
    for member in members:
        member.state.real_images += real.shape[1]
    with torch.no_grad(), precision(recipe, model.device):
        fake = model.generator(torch.stack([latents(member.state, recipe) for member in members]))
    fake = _mixed(members, widened(fake))
    real, fake = _augmented(model, real), _augmented(model, fake)

    with precision(recipe, model.device):
        r, f = model.judge(real, fake)
    r, f = widened(r), widened(f)
    for member, own in zip(members, r, strict=True):
        if member.state.adaptation is not None:
            member.state.adaptation.observe(own, real.shape[1])
    losses = _discriminator_losses(model, real, fake, r, f)
    model.d_optimiser.update(losses)
    for member in members:
        with model.own(member):
            for penalty in member.objective.on_discriminator:
                penalty.project(member.state.discriminator)
    return losses.detach()


def _discriminator_losses(model: BatchedModel, real: Tensor, fake: Tensor, r: Tensor, f: Tensor) -> Tensor:
    """Each member's loss with all its penalties, from samples (K, N, ...) and raw outputs (K, N)."""
    critics = model.discriminator.each()
    losses = []
    for member, judged in zip(model.members, map(Judged, critics, real, fake, r, f), strict=True):
        loss = None
        with model.own(member):
            bare = adversarial_loss(member.objective.loss, judged.r, judged.f, model.recipe)
            loss = add_penalties(bare, judged, member.state, member.objective, model.recipe)
        losses.append(_or_zero(loss, judged.f))
    return torch.stack(losses)


def generator_updates(model: BatchedModel) -> Tensor:
    """One update of every member's generator; returns their losses (K,)."""
    members, recipe = model.members, model.recipe
    needs_real, count = members[0].objective.loss.needs_real, recipe.g_batches
    real = torch.stack([member.state.batches.next(count) for member in members]) if needs_real else None
    z = torch.stack([latents(member.state, recipe, count) for member in members])
    layer = compared_layer(members[0].state, members[0].objective, recipe)
    features = None
    with precision(recipe, model.device):
        fake = model.generator(z)
        if layer is None:
            f = model.discriminator(_augmented(model, fake), frozen=True)
        else:
            f, of_fake = model.discriminator.with_features(_augmented(model, fake), layer)
        r = None
        if real is not None:
            r = widened(model.discriminator(_augmented(model, real), frozen=True))
        if layer is not None:
            features = widened(_compared_features(model, layer)), widened(of_fake)
    losses = _generator_losses(model, z, fake, widened(f), r, features)
    model.g_optimiser.update(losses)
    return losses.detach()


@torch.no_grad()
def _compared_features(model: BatchedModel, layer: nn.Module) -> Tensor:
    """Features (K, N, F) of each member's own fresh real samples: what a layer gets when its discriminator judges
    them."""
    real = torch.stack([member.state.compared.next(model.recipe.g_batches) for member in model.members])
    return model.discriminator.with_features(_augmented(model, real, compared=True), layer)[1]


def _generator_losses(
    model: BatchedModel,
    z: Tensor,
    fake: Tensor,
    f: Tensor,
    r: Tensor | None,
    features: tuple[Tensor, Tensor] | None,
) -> Tensor:
    """Each member's loss with all its penalties, from latents (K, N, latent_dim), fakes (K, N, ...), raw outputs (K, N)
    and features of real samples and of the fakes (K, N, F)."""
    members = model.members
    each_r: Sequence[Tensor | None] = [None] * len(members) if r is None else r.unbind()
    each_made: Sequence[Made | None] = [None] * len(members)
    if members[0].objective.on_generator:
        each_features = [None] * len(members) if features is None else zip(*features, strict=True)
        each_made = list(map(Made, model.generator.each(), z, widened(fake), each_features))
    losses = []
    for member, made, f_own, r_own in zip(members, each_made, f, each_r, strict=True):
        loss, goal = None, member.objective
        with model.own(member):
            bare = goal.loss.generator(f_own, r_own)
            loss = bare if made is None else add_generator_penalties(bare, made, member.state, goal, model.recipe)
        losses.append(_or_zero(loss, f_own))
    return torch.stack(losses)


def _or_zero(loss: Tensor | None, outputs: Tensor) -> Tensor:
    """The loss; for a member that has failed, a zero with zero gradients, so that all can be summed and minimised."""
    return 0.0 * outputs.sum() if loss is None else loss


def _augmented(model: BatchedModel, images: Tensor, *, compared: bool = False) -> Tensor:
    """Samples (K, N, ...) augmented by each member's own draws, those for real samples whose features are ``compared``
    or the usual ones; those of a member that fails stay as they are."""
    if not model.members[0].state.augment.transforms:
        return images
    each = []
    for member, own in zip(model.members, images, strict=True):
        augmented = own
        with model.own(member):
            augmented = (member.state.augment_compared if compared else member.state.augment)(own)
        each.append(augmented)
    return torch.stack(each)


def _mixed(members: Sequence[Member], fake: Tensor) -> Tensor:
    """Fakes (K, N, ...) with a part of each member's drawn from its own history, where the recipe has one."""
    replays = [member.state.replay for member in members]
    mixed = [replay.mix(own) for replay, own in zip(replays, fake, strict=True) if replay is not None]
    return torch.stack(mixed) if mixed else fake
