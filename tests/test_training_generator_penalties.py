"""Penalties on the generator in the training loop: what they are given, when, and that a trial with them resumes."""

from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench import seeds
from ganbench.api import GeneratorPenalty, Samples
from ganbench.architectures.resnet import ResNet
from ganbench.losses.lsgan import LSGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGANGP
from ganbench.penalties.mode_seeking import ModeSeeking
from ganbench.penalties.path_length import PathLength
from ganbench.penalties.zero_centred import R1
from ganbench.training import loop
from ganbench.training.loop import generator_update, train
from ganbench.training.state import State
from tests.batches import members, together
from tests.loops import Make, Notes, Recording, assert_bit_equal, differ, objective, recipe, run, weights


class Counting(GeneratorPenalty):
    """Notes what it is given."""

    def __init__(self) -> None:
        self.given: list[tuple[Any, Tensor, Tensor]] = []
        self.autocast: list[bool] = []

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        self.given.append((generator, z, fake))
        self.autocast.append(torch.is_autocast_enabled("cpu"))
        assert rng.initial_seed() == seeds.stream_seed(0, seeds.GENERATOR_PENALTY)
        return 100.0 + 0 * fake.sum()


def test_they_are_terms_of_every_update_of_the_generator_and_of_no_other(make_state: Make) -> None:
    term, calls = Counting(), Recording()
    settings, notes, plain = recipe(steps=3, n_critic=2, n_generator=2), Notes(), Notes()
    run(make_state(settings), settings, objective(LSGAN()), plain)
    run(make_state(settings), settings, objective(LSGAN(), term), notes)
    assert len(term.given) == 6
    assert [with_it[2] - without[2] for with_it, without in zip(notes.reports, plain.reports, strict=True)] == (
        pytest.approx([100] * 3)
    )
    assert [report[1] for report in notes.reports] == [report[1] for report in plain.reports]
    run(make_state(settings), settings, objective(calls, term), Notes())
    assert calls.calls == ["D", "D", "G", "G"] * 3


@pytest.mark.parametrize(("every", "penalised"), [(2, [1, 3, 5]), (4, [1, 5])])
def test_they_may_be_terms_of_one_step_in_so_many(make_state: Make, every: int, penalised: list[int]) -> None:
    """Path length in StyleGAN2 is, and so much stronger there; penalties on the discriminator stay what they are."""
    term, other = Counting(), Counting()
    settings, notes, plain = recipe(steps=5, n_generator=2, g_penalty_every=every), Notes(), Notes()
    run(make_state(settings), settings, objective(WGANGP()), plain)
    run(make_state(settings), settings, objective(WGANGP(), term, other), notes)
    assert len(term.given) == len(other.given) == 2 * len(penalised)  # in both updates of such a step
    more = [with_it[2] - without[2] for with_it, without in zip(notes.reports, plain.reports, strict=True)]
    assert more == pytest.approx([200 * every if step in penalised else 0 for step in range(1, 6)])
    assert [report[1] for report in notes.reports] == [report[1] for report in plain.reports]


def test_penalties_on_the_discriminator_that_are_seldom_leave_them_in_each_step(make_state: Make) -> None:
    term, settings = Counting(), recipe(steps=4, penalty_every=4)
    run(make_state(settings), settings, objective(WGANGP(), term))
    assert len(term.given) == 4


def test_they_get_the_points_and_samples_of_the_update(make_state: Make) -> None:
    term, settings = Counting(), recipe(g_batches=3)
    state = make_state(settings)
    generator_update(state, objective(LSGAN(), term), settings)
    ((generator, z, fake),) = term.given
    assert generator is state.generator
    assert z.shape == (24, 4)
    assert not z.requires_grad
    drawn = torch.randn(24, 4, generator=seeds.stream(0, seeds.NOISE))
    assert torch.equal(z, drawn)
    assert fake.requires_grad
    assert torch.equal(fake, make_state(settings).generator(z))


def test_adding_one_changes_neither_data_nor_noise_nor_other_penalties(make_state: Make) -> None:
    settings = recipe(steps=10)
    plain, state = make_state(settings), make_state(settings)
    run(plain, settings, objective(WGANGP()))
    run(state, settings, objective(WGANGP(), Counting()))
    assert not differ(weights(plain.generator), weights(state.generator))
    assert not differ(weights(plain.discriminator), weights(state.discriminator))


def test_the_generator_goes_where_the_term_leads(make_state: Make) -> None:
    """Away from the origin, if that is rewarded."""

    class Outwards(GeneratorPenalty):
        def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
            return -fake.abs().mean()

    settings = recipe(steps=60, g_lr=1e-2)
    plain, state = make_state(settings), make_state(settings)
    run(plain, settings, objective(Vanilla()))
    run(state, settings, objective(Vanilla(), Outwards()))
    z = torch.randn(64, 4, generator=torch.Generator().manual_seed(9))
    assert state.generator(z).abs().mean() > 1.2 * plain.generator(z).abs().mean()


def conditional(settings: Any, **options: Any) -> State:
    images = torch.rand(40, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    labels = torch.arange(40) % 3
    return State(
        architecture=ResNet(width=4, condition="projection"),
        samples=Samples(data=images, labels=labels),
        recipe=settings,
        seed=0,
        device=torch.device("cpu"),
        **options,
    )


def test_a_conditional_generator_makes_samples_of_the_classes_of_the_update() -> None:
    class Again(Counting):
        def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
            super().__call__(generator, z, fake, rng)
            assert torch.allclose(generator(z), fake, atol=1e-6)
            twice = generator(torch.cat([z, z]))
            assert torch.allclose(twice, torch.cat([fake, fake]), atol=1e-5)  # in turn, each with the label of its fake
            names = [name for name, _ in state.generator.named_parameters()]
            assert [name for name, _ in generator.named_parameters()] == names
            assert len(list(generator.parameters())) == len(names)
            return 0 * fake.sum()

    settings = recipe()
    state, term = conditional(settings), Again()
    with torch.no_grad():  # classes begin alike
        for weight in state.generator.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(3)))
    generator_update(state, objective(Vanilla(), term), settings)
    assert len(term.given) == 1


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_they_train_in_either_precision(make_state: Make, precision: Any) -> None:
    settings, seen = recipe(steps=5, precision=precision), Counting()
    run(make_state(settings), settings, objective(Vanilla(), PathLength(), ModeSeeking(), seen))
    assert {fake.dtype for _, _, fake in seen.given} == {torch.float32}
    assert set(seen.autocast) == {precision == "bfloat16"}  # in which a penalty calls the generator


def test_seeds_of_one_batched_model_get_them_in_full_precision_too() -> None:
    seen: list[tuple[torch.dtype, bool]] = []

    class Seen(GeneratorPenalty):
        def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
            seen.append((fake.dtype, torch.is_autocast_enabled("cpu")))
            return fake.square().mean()

    settings = recipe(steps=1, precision="bfloat16")
    errors = together(members(settings, lambda: objective(Vanilla(), Seen())), settings)
    assert list(errors.values()) == [None] * 3
    assert seen == [(torch.float32, True)] * 3


def test_without_any_no_fakes_are_copied_to_full_precision(make_state: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    def noted(x: Tensor) -> Tensor:
        seen.append(tuple(x.shape))
        return x.float()

    monkeypatch.setattr(loop, "widened", noted)
    settings = recipe(precision="bfloat16")
    generator_update(make_state(settings), objective(Vanilla()), settings)
    assert seen == [(8,)]


@pytest.mark.parametrize("every", [1, 4])
def test_a_trial_goes_on_from_its_checkpoint_as_without_an_interruption(make_state: Make, every: int) -> None:
    def goal() -> Any:
        return objective(Vanilla(), R1(), PathLength(gamma_pl=0.1), ModeSeeking())

    settings = recipe(steps=12, g_penalty_every=every)
    whole = make_state(settings)
    run(whole, settings, goal())
    begun, first = make_state(settings), goal()
    assert not run(begun, settings, first, Notes(stop_after=5))
    resumed, second = make_state(settings), goal()
    resumed.load_state_dict(begun.state_dict())
    second.load_state_dict(first.state_dict())
    assert train(resumed, second, settings, Notes(), evaluate_every=0)
    assert_bit_equal(whole, resumed)


def test_a_checkpoint_from_before_there_were_any_can_be_resumed(make_state: Make) -> None:
    settings = recipe(steps=12)
    whole = make_state(settings)
    run(whole, settings, objective(WGANGP()))
    begun = make_state(settings)
    run(begun, settings, objective(WGANGP()), Notes(stop_after=5))
    old = begun.state_dict()
    del old["streams"][seeds.GENERATOR_PENALTY]
    resumed = make_state(settings)
    resumed.load_state_dict(old)
    run(resumed, settings, objective(WGANGP()))
    assert_bit_equal(whole, resumed)
