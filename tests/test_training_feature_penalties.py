"""Penalties on features in the training loop: of which samples they are, what one leaves as it was, and that a trial
with one resumes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench import seeds
from ganbench.api import Architecture, FeaturePenalty
from ganbench.architectures.dcgan import DCGAN
from ganbench.architectures.mlp import MLP
from ganbench.architectures.pacgan import PacGAN
from ganbench.augmentations.translation import Translation
from ganbench.losses.lsgan import LSGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.penalties.feature_matching import FeatureMatching
from ganbench.penalties.mode_seeking import ModeSeeking
from ganbench.penalties.path_length import PathLength
from ganbench.penalties.zero_centred import R1
from ganbench.spec import Recipe
from ganbench.training.loop import discriminator_update, generator_update, train
from ganbench.training.state import State
from tests.compared import LABELS, Seen, compared, made
from tests.loops import (
    Make,
    Notes,
    Paired,
    Recording,
    assert_bit_equal,
    differ,
    objective,
    recipe,
    run,
    state_with,
    weights,
)


def test_the_features_are_those_of_the_fakes_of_the_update_and_of_real_samples(make_state: Make) -> None:
    term, settings = Seen(), recipe(g_batches=2)
    state, data = make_state(settings), make_state(settings).batches._data
    generator_update(state, objective(LSGAN(), term), settings)
    ((real, fake),) = term.given
    untouched = make_state(settings)
    z = torch.randn(16, 4, generator=seeds.stream(0, seeds.NOISE))
    layers: Any = untouched.discriminator
    features = layers[:2]
    assert torch.equal(fake, features(untouched.generator(z)))
    assert torch.equal(real, features(data[compared(len(data), 16)]))
    assert fake.requires_grad
    assert not real.requires_grad


def test_they_are_compared_in_every_update_of_the_generator_and_in_no_other(make_state: Make) -> None:
    term, settings = Seen(), recipe(steps=3, n_critic=2, n_generator=2)
    run(make_state(settings), settings, objective(LSGAN(), term))
    assert len(term.given) == 6
    assert len({tuple(real[:, 0].tolist()) for real, _ in term.given}) == 6


def test_where_a_recipe_has_them_in_one_step_of_three_they_are_three_times_as_strong(make_state: Make) -> None:
    def loss(*penalties: FeaturePenalty, **settings: int) -> float:
        chosen = recipe(steps=1, **settings)
        return float(generator_update(make_state(chosen), objective(LSGAN(), *penalties), chosen))

    plain, weighted = loss(), loss(FeatureMatching(weight=3.0))
    assert plain < weighted
    assert loss(FeatureMatching(), g_penalty_every=3) == pytest.approx(weighted, rel=1e-6)


def test_steps_that_have_none_draw_none(make_state: Make) -> None:
    def drawn(**settings: int) -> tuple[State, int]:
        chosen, term = recipe(n_generator=2, **settings), Seen()
        state = make_state(chosen)
        run(state, chosen, objective(LSGAN(), term))
        return state, len(term.given)

    (rarely, seen), (always, expected) = drawn(steps=7, g_penalty_every=3), drawn(steps=3)
    assert seen == expected == 6, "in steps 1, 4 and 7"
    assert torch.equal(*(each.streams[seeds.COMPARED].get_state() for each in (rarely, always)))


@pytest.mark.parametrize("loss", [Vanilla, Paired])
def test_the_discriminator_judges_the_fakes_once(loss: Callable[[], Any], make_state: Make) -> None:
    def calls(*penalties: FeaturePenalty) -> list[int]:
        state, seen = make_state(recipe()), []
        state.discriminator.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
        generator_update(state, objective(loss(), *penalties), recipe())
        return seen

    assert calls(FeatureMatching()) == [*calls(), 8]


def test_adding_one_changes_neither_data_nor_noise_nor_augmentation_nor_other_penalties() -> None:
    settings = recipe(steps=8, augment="translation", ada_target=0.6, ada_images=50, mirror=0.5, n_critic=2)

    def trained(*penalties: FeaturePenalty) -> State:
        state = made(DCGAN(width=4, norm_d="layer"), settings, augmentations=[Translation()])
        run(state, settings, objective(Vanilla(), *penalties, R1(), PathLength(gamma_pl=0.1), ModeSeeking()))
        return state

    plain, state = trained(), trained(Seen())
    assert not differ(weights(plain.generator), weights(state.generator))
    assert not differ(weights(plain.discriminator), weights(state.discriminator))
    for name, stream in plain.streams.items():
        same = torch.equal(stream.get_state(), state.streams[name].get_state())
        assert same is (name not in (seeds.COMPARED, seeds.COMPARED_AUGMENT)), name


def test_real_samples_are_mirrored_and_augmented_as_the_discriminator_sees_them() -> None:
    def zeros(images: Tensor, rng: torch.Generator) -> Tensor:
        assert rng.initial_seed() in {seeds.stream_seed(0, name) for name in (seeds.AUGMENT, seeds.COMPARED_AUGMENT)}
        return torch.cat([torch.zeros_like(images[..., :8]), images[..., 8:]], dim=-1)

    settings, term = recipe(augment="translation", mirror=1.0), Seen()
    state = made(MLP(hidden=16), settings, augmentations=[zeros])
    generator_update(state, objective(Vanilla(), term), settings)
    shown = state.batches._data[compared(40)].flip(-1)
    shown[..., :8] = 0
    network: Any = state.discriminator
    assert torch.equal(term.given[0][0], network.features(shown))


def test_adaptive_augmentation_transforms_as_many_of_them() -> None:
    def ones(images: Tensor, rng: torch.Generator) -> Tensor:
        return torch.ones_like(images)

    settings = recipe(augment="translation", ada_target=0.6)
    for p in (0.0, 1.0):
        state, term = made(MLP(hidden=16), settings, augmentations=[ones]), Seen()
        assert state.adaptation is not None
        state.adaptation.p.fill_(p)
        generator_update(state, objective(Vanilla(), term), settings)
        real = term.given[0][0]
        assert bool((real == real[0]).all()) is (p == 1)


@pytest.mark.parametrize("needs_real", [False, True])
def test_under_a_conditional_discriminator_they_have_labels_of_their_own(needs_real: bool) -> None:
    settings, seen = recipe(), []
    data = LABELS[:, None].float().expand(40, 2).contiguous()
    state = made(MLP(hidden=16, condition="projection"), settings, data=data)
    state.discriminator.register_forward_pre_hook(lambda module, given: seen.append(given))
    generator_update(state, objective(Paired() if needs_real else Vanilla(), Seen()), settings)
    assert len(seen) == 2 + needs_real
    x, labels = seen[-1]
    assert torch.equal(labels, LABELS[compared(40)])
    assert torch.equal(x[:, 0], labels.float())


def test_the_discriminator_sees_them_in_its_training_mode_and_learns_nothing_from_them() -> None:
    """Its running statistics count the pass, as any."""
    counted = []
    for penalties in ((), (FeatureMatching(),)):
        state = made(DCGAN(width=4, norm_d="batch"), recipe())
        generator_update(state, objective(Vanilla(), *penalties), recipe())
        counted.append({int(value) for name, value in state.discriminator.state_dict().items() if "tracked" in name})
        assert all(weight.grad is None and weight.requires_grad for weight in state.discriminator.parameters())
    assert counted == [{1}, {2}]


def test_the_generator_goes_where_the_term_leads(make_state: Make) -> None:
    """To the mean of the data, with a loss that says nothing of it."""

    class Idle(Recording):
        def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
            return 0 * fake.sum()

    def distance(*penalties: FeaturePenalty) -> float:
        settings = recipe(steps=60, batch_size=32, g_lr=1e-2, d_lr=0.0001)
        state = make_state(settings)
        run(state, settings, objective(Idle(), *penalties))
        z = torch.randn(256, 4, generator=torch.Generator().manual_seed(9))
        with torch.no_grad():
            return float((state.generator(z).mean(0) - state.batches._data.mean(0)).norm())

    assert distance(FeatureMatching(weight=10.0)) < 0.5 * distance()


@pytest.mark.parametrize("architecture", [MLP(hidden=16), PacGAN(pack=2, hidden=16, hidden_d=8)])
def test_features_are_in_full_precision(architecture: Architecture) -> None:
    settings, term = recipe(steps=3, precision="bfloat16"), Seen()
    state = made(architecture, settings, (2,))
    run(state, settings, objective(Vanilla(), term, FeatureMatching()))
    assert {x.dtype for both in term.given for x in both} == {torch.float32}


def test_those_of_a_discriminator_in_float64_stay_so() -> None:
    class Doubled(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.double()

    settings, term = recipe(steps=1), Seen()
    network = nn.Sequential(Doubled(), nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0)).double()
    run(state_with(network, settings), settings, objective(Vanilla(), term))
    assert {x.dtype for both in term.given for x in both} == {torch.float64}


def goal() -> Any:
    return objective(Vanilla(), FeatureMatching(), R1())


def pictured(settings: Recipe) -> State:
    return made(DCGAN(width=4, norm_d="layer"), settings, augmentations=[Translation()])


def test_a_trial_goes_on_from_its_checkpoint_as_without_an_interruption() -> None:
    settings = recipe(steps=12, augment="translation", mirror=0.5)
    whole = pictured(settings)
    run(whole, settings, goal())
    begun = pictured(settings)
    assert not run(begun, settings, goal(), Notes(stop_after=7))
    resumed = pictured(settings)
    resumed.load_state_dict(begun.state_dict())
    assert train(resumed, goal(), settings, Notes(), evaluate_every=0)
    assert_bit_equal(whole, resumed)


def test_a_checkpoint_from_before_anything_was_compared_can_be_resumed() -> None:
    settings = recipe(steps=12, augment="translation")
    whole, begun, resumed = (pictured(settings) for _ in range(3))
    run(whole, settings, objective(Vanilla()))
    run(begun, settings, objective(Vanilla()), Notes(stop_after=5))
    old = begun.state_dict()
    del old["compared"], old["streams"][seeds.COMPARED], old["streams"][seeds.COMPARED_AUGMENT]
    resumed.load_state_dict(old)
    run(resumed, settings, objective(Vanilla()))
    assert_bit_equal(whole, resumed)


def test_a_discriminators_update_takes_none_of_it(make_state: Make) -> None:
    state = make_state(recipe())
    discriminator_update(state, goal(), recipe())
    fresh = seeds.stream(0, seeds.COMPARED)
    assert torch.equal(state.streams[seeds.COMPARED].get_state(), fresh.get_state())
