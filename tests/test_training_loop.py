"""The training loop on tiny networks: what it does in which order."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ganbench import seeds
from ganbench.api import Loss
from ganbench.evaluation.sampling import sample
from ganbench.losses.lsgan import LSGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGAN, WGANGP, Wasserstein
from ganbench.penalties.feature_matching import FeatureMatching
from ganbench.penalties.zero_centred import R1
from ganbench.training.loop import discriminator_update, frozen, generator_update, plain_step
from ganbench.training.objective import Objective
from ganbench.training.state import State
from tests.loops import Make, Notes, Paired, Recording, differ, objective, recipe, run, state_with, weights


@pytest.mark.parametrize("n_critic", [1, 3])
def test_a_step_is_one_generator_update_after_n_critic_discriminator_updates(make_state: Make, n_critic: int) -> None:
    loss, settings = Recording(), recipe(steps=4, n_critic=n_critic)
    state, notes = make_state(settings), Notes()
    assert run(state, settings, objective(loss), notes) is True
    assert loss.calls == (["D"] * n_critic + ["G"]) * 4
    assert notes.steps == [1, 2, 3, 4]
    assert state.step == 4
    assert state.real_images == 4 * n_critic * 8


def test_a_step_may_have_several_generator_updates(make_state: Make) -> None:
    loss, settings = Recording(), recipe(steps=4, n_critic=2, n_generator=3)
    state, notes = make_state(settings), Notes()
    averaged: list[int] = []
    assert run(state, settings, objective(loss), notes) is True
    assert loss.calls == ([*["D"] * 2, *["G"] * 3]) * 4
    assert notes.steps == [1, 2, 3, 4]
    assert state.real_images == 4 * 2 * 8
    # The average takes what a step ends with, once.
    chosen = recipe(steps=4, n_generator=3, ema_decay=0.9)
    state = make_state(chosen)
    assert state.average is not None
    update = state.average.update

    def noted(generator: nn.Module, step: int) -> None:
        averaged.append(step)
        update(generator, step)

    state.average.update = noted  # type: ignore[method-assign]
    run(state, chosen, objective(Vanilla()))
    assert averaged == [1, 2, 3, 4]


def test_the_losses_that_are_reported_are_those_of_the_last_updates(make_state: Make) -> None:
    settings, notes = recipe(steps=2, n_critic=2, n_generator=3), Notes()
    state = make_state(settings)
    losses = [plain_step(state, objective(Vanilla()), settings)]
    state.step = 1
    losses.append(plain_step(state, objective(Vanilla()), settings))
    run(make_state(settings), settings, objective(Vanilla()), notes)
    assert [len(each) for each in losses] == [5, 5]
    assert notes.reports == [(step + 1, float(each[1]), float(each[4])) for step, each in enumerate(losses)]


def test_every_generator_update_compares_with_real_samples_of_its_own(make_state: Make) -> None:
    settings = recipe(steps=1, n_generator=2, g_batches=2)
    state = make_state(settings)
    seen = real_batches(state)
    run(state, settings, objective(Paired()))
    assert [len(batch) for batch in seen] == [8, 16, 16]
    assert len({tuple(point) for batch in seen for point in batch.tolist()}) == 40


def test_a_boosted_step_has_more_discriminator_updates(make_state: Make) -> None:
    loss, settings = Recording(), recipe(steps=8, n_critic=2, n_critic_boost=5, boost_first=2, boost_every=3)
    state, notes = make_state(settings), Notes()
    assert run(state, settings, objective(loss), notes) is True
    usual, boosted = [*["D"] * 2, "G"], [*["D"] * 5, "G"]
    assert loss.calls == [*boosted * 2, *usual, *boosted, *usual * 2, *boosted, *usual]
    assert notes.steps == [1, 2, 3, 4, 5, 6, 7, 8]
    assert state.real_images == (4 * 5 + 4 * 2) * 8


def real_batches(state: State) -> list[Tensor]:
    """A list in which every real batch that is drawn from now on is noted."""
    seen: list[Tensor] = []
    draw = state.batches.next

    def note(count: int = 1) -> Tensor:
        seen.append(draw(count))
        return seen[-1]

    state.batches.next = note  # type: ignore[method-assign]
    return seen


def test_every_discriminator_update_sees_fresh_real_samples(make_state: Make) -> None:
    settings = recipe(steps=1, n_critic=5)
    state = make_state(settings)
    seen = real_batches(state)
    run(state, settings, objective(Recording()))
    assert len(seen) == 5  # the generator's update needs none
    assert len({tuple(point) for batch in seen for point in batch.tolist()}) == 40  # five batches of 8: one whole epoch


def test_every_update_sees_fresh_fakes(make_state: Make) -> None:
    settings = recipe(steps=2, n_critic=2)
    state = make_state(settings)
    latents: list[Tensor] = []
    state.generator.register_forward_pre_hook(lambda module, inputs: latents.append(inputs[0].clone()))
    run(state, settings, objective(Recording()))
    assert len(latents) == 6
    assert len({tuple(z) for batch in latents for z in batch.tolist()}) == 6 * 8


@pytest.mark.parametrize("latent", ["normal", "uniform"])
def test_the_latent_distribution(make_state: Make, latent: Any) -> None:
    settings = recipe(steps=40, latent=latent)
    state = make_state(settings)
    drawn: list[Tensor] = []
    state.generator.register_forward_pre_hook(lambda module, inputs: drawn.append(inputs[0].clone()))
    run(state, settings, objective(Recording()))
    z = torch.cat(drawn)
    assert z.mean().item() == pytest.approx(0, abs=0.06)
    if latent == "uniform":
        assert 0.99 < z.abs().max() <= 1
    else:
        assert z.std().item() == pytest.approx(1, abs=0.05)


def test_the_discriminators_update_changes_the_discriminator_only(make_state: Make) -> None:
    settings = recipe()
    state = make_state(settings)
    g = [parameter.detach().clone() for parameter in state.generator.parameters()]
    d = [parameter.detach().clone() for parameter in state.discriminator.parameters()]
    discriminator_update(state, objective(Vanilla()), settings)
    assert all(torch.equal(a, b) for a, b in zip(g, state.generator.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in state.generator.parameters())
    assert not any(torch.equal(a, b) for a, b in zip(d, state.discriminator.parameters(), strict=True))


def test_the_generators_update_leaves_no_gradients_in_the_discriminator(make_state: Make) -> None:
    settings = recipe()
    state = make_state(settings)
    fixed = state.discriminator.get_parameter("0.bias")  # a weight that its author keeps fixed
    fixed.requires_grad_(False)
    d = weights(state.discriminator)
    generator_update(state, objective(Vanilla()), settings)
    assert not differ(d, weights(state.discriminator))
    for parameter in state.discriminator.parameters():
        assert parameter.grad is None
        assert parameter.requires_grad is (parameter is not fixed)
    assert all(parameter.grad is not None for parameter in state.generator.parameters())


def test_freezing_is_undone_also_after_an_error() -> None:
    layer = nn.Linear(2, 1)
    inside: list[bool] = []

    def fail() -> None:
        with frozen(layer):
            inside.extend(parameter.requires_grad for parameter in layer.parameters())
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail()
    assert inside == [False, False]
    assert all(parameter.requires_grad for parameter in layer.parameters())


def test_one_step_of_gradient_descent_by_hand(make_state: Make) -> None:
    """The critic's weights move by -rate times the gradient of the whole objective, penalty included, in one step."""
    settings = recipe(optimizer="sgd", beta1=0.0, d_lr=0.1)
    state = make_state(settings)
    twin = copy.deepcopy(state.discriminator)
    real = make_state(settings).batches.next()
    z = torch.randn(8, 4, generator=seeds.stream(0, seeds.NOISE))
    fake = copy.deepcopy(state.generator)(z).detach()
    loss = 0.5 * (twin(real) - 1).square().mean() + 0.5 * twin(fake).square().mean()
    x = real.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(twin(x).sum(), x, create_graph=True)
    loss = loss + 0.5 * 3.0 * gradient.square().sum(1).mean()
    gradients = torch.autograd.grad(loss, list(twin.parameters()))

    found = discriminator_update(state, objective(LSGAN(), R1(gamma=3.0)), settings)
    assert found.item() == pytest.approx(loss.item(), rel=1e-5)
    for new, old, slope in zip(state.discriminator.parameters(), twin.parameters(), gradients, strict=True):
        torch.testing.assert_close(new, old - 0.1 * slope)


class Labels(Loss):
    """Notes the labels it is given."""

    smoothable = True

    def __init__(self) -> None:
        self.labels: list[tuple[float, float]] = []

    def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 7.0, fake_label: float = 7.0) -> Tensor:
        self.labels.append((real_label, fake_label))
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -fake.mean()


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        ({}, (1.0, 0.0)),
        ({"smoothing_real": 0.1}, (0.9, 0.0)),
        ({"smoothing_fake": 0.2}, (1.0, 0.2)),
        ({"smoothing_real": 0.1, "smoothing_fake": 0.2}, (0.9, 0.2)),
    ],
)
def test_smoothed_labels_reach_the_loss(make_state: Make, settings: dict[str, Any], labels: Any) -> None:
    loss, chosen = Labels(), recipe(steps=2, **settings)
    run(make_state(chosen), chosen, objective(loss))
    assert loss.labels == [pytest.approx(labels)] * 2


def test_a_loss_that_needs_real_samples_gets_fresh_ones(make_state: Make) -> None:
    class Noting(Paired):
        def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
            given.append(real)
            return super().generator(fake, real)

    given: list[Tensor | None] = []
    loss, settings = Noting(), recipe(steps=2)
    state = make_state(settings)
    seen = real_batches(state)
    run(state, settings, objective(loss))
    assert [tuple(real.shape) for real in given if real is not None] == [(8,), (8,)]
    assert len({tuple(point) for batch in seen for point in batch.tolist()}) == 4 * 8


def test_weights_are_clipped_when_a_step_ends(make_state: Make) -> None:
    settings = recipe(steps=3, optimizer="rmsprop", d_lr=0.1)
    state = make_state(settings)
    run(state, settings, objective(WGAN(clip=0.05)))
    assert max(parameter.abs().max().item() for parameter in state.discriminator.parameters()) <= 0.05 + 1e-9
    assert max(parameter.abs().max().item() for parameter in state.generator.parameters()) > 0.05


@pytest.mark.parametrize(
    ("goal", "settings"),
    [
        (objective(Vanilla()), {}),
        (objective(LSGAN()), {"smoothing_real": 0.1}),
        (objective(WGANGP()), {"n_critic": 3}),
        (objective(Wasserstein(), R1(gamma=1.0)), {"ema_decay": 0.98}),
    ],
    ids=["vanilla", "lsgan", "wgan-gp", "wasserstein+r1"],
)
def test_samples_move_to_where_the_data_are(make_state: Make, goal: Objective, settings: dict[str, Any]) -> None:
    """The data lie around (2, -1); an untrained generator's samples around the origin."""
    chosen = recipe(steps=300, batch_size=20, g_lr=0.01, d_lr=0.01, beta1=0.0, beta2=0.9, **settings)
    state = make_state(chosen)

    def distance() -> float:
        rng = seeds.stream(0, seeds.EVALUATION)
        found = sample(state.scored, n=500, latent_dim=4, latent="normal", rng=rng, device=state.device)
        return float((found.mean(0) - torch.tensor([2.0, -1.0])).norm())

    assert distance() > 1.5
    run(state, chosen, goal)
    assert distance() < 0.75


class Again(nn.Module):
    """A discriminator of points that may make its features again in the backward pass, to save memory."""

    def __init__(self, again: bool) -> None:
        super().__init__()
        self.inner, self.output, self.again = nn.Linear(2, 8), nn.Linear(8, 1), again

    def hidden(self, x: Tensor) -> Tensor:
        return torch.tanh(self.inner(x))

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = checkpoint(self.hidden, x, use_reentrant=False) if self.again else self.hidden(x)
        raw: Tensor = self.output(features).squeeze(1)
        return raw


@pytest.mark.parametrize("penalties", [(), (FeatureMatching(),)])
def test_a_discriminator_may_do_its_forward_pass_again_in_the_backward_pass(penalties: Any) -> None:
    settings, found = recipe(), []
    for again in (False, True):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            state = state_with(Again(again), settings)
        run(state, settings, objective(Vanilla(), *penalties))
        found.append([weights(network) for network in (state.generator, state.discriminator)])
    assert not any(map(differ, *found))
