"""The terms that penalties add to the two players' losses."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ganbench import seeds
from ganbench.api import Discriminator, FeaturePenalty, Generator
from ganbench.schedule import g_penalised, penalised
from ganbench.spec import Recipe
from ganbench.training.adversarial import lazy
from ganbench.training.arithmetic import precision, widened
from ganbench.training.conditional import Judgement, judge
from ganbench.training.objective import Objective
from ganbench.training.state import State


class Judged(NamedTuple):
    """What penalties on the discriminator get of its update.

    Attributes:
        critic: the discriminator as penalties call it.
        real, fake: samples (N, ...), as the discriminator sees them.
        r, f: its raw outputs on them (N,).
    """

    critic: Discriminator
    real: Tensor
    fake: Tensor
    r: Tensor
    f: Tensor


class Made(NamedTuple):
    """What penalties on the generator get of its update.

    Attributes:
        generator: as they call it.
        z: latent points (N, latent_dim).
        fake: what the generator made of them (N, ...), not augmented.
        features: those of real samples and of the fakes (N, F), where a penalty compares them.
    """

    generator: Generator
    z: Tensor
    fake: Tensor
    features: tuple[Tensor, Tensor] | None


def add_penalties(loss: Tensor, judged: Judged, state: State, objective: Objective, recipe: Recipe) -> Tensor:
    """The discriminator's loss, a scalar, with every penalty on it that is a term of the next step."""
    for penalty in objective.on_discriminator:
        scheduled = lazy(penalty)
        if scheduled and not penalised(recipe, state.step + 1):
            continue
        if penalty.of_outputs:
            loss = loss + penalty.on_outputs(judged.r, judged.f)
        elif penalty.differentiable:
            with precision(recipe, state.device):
                rng = state.streams[seeds.PENALTY]
                term = widened(penalty(judged.critic, judged.real, judged.fake, rng))
            if scheduled and recipe.penalty_every > 1:
                term = recipe.penalty_every * term
            if scheduled and state.penalty_strength is not None:
                term = state.penalty_strength * term
            loss = loss + term
    return loss


def add_generator_penalties(loss: Tensor, made: Made, state: State, objective: Objective, recipe: Recipe) -> Tensor:
    """The generator's loss, a scalar, with every penalty on it where the next step has them."""
    if not g_penalised(recipe, state.step + 1):
        return loss
    for penalty in objective.on_generator:
        if isinstance(penalty, FeaturePenalty):
            assert made.features is not None
            term = penalty.on_features(*made.features)
        else:
            with precision(recipe, state.device):
                rng = state.streams[seeds.GENERATOR_PENALTY]
                term = widened(penalty(made.generator, made.z, made.fake, rng))
        if recipe.g_penalty_every > 1:
            term = recipe.g_penalty_every * term
        loss = loss + term
    return loss


def compared_layer(state: State, objective: Objective, recipe: Recipe) -> nn.Module | None:
    """The layer of the discriminator whose input are features, where a penalty of the next step compares them."""
    return state.feature_layer if objective.compares and g_penalised(recipe, state.step + 1) else None


def with_real_features(of_fake: Judgement, layer: nn.Module, state: State, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Features (N, F) of as many fresh real samples, with labels of their own, and those of the fakes."""
    with torch.no_grad():
        real = state.laid_out(state.augment_compared(state.compared.next(recipe.g_batches)))
        of_real = judge(state.discriminator, real, state.compared.labels, state.conditioning, layer)
    assert of_real.features is not None
    assert of_fake.features is not None
    return widened(of_real.features), widened(of_fake.features)
