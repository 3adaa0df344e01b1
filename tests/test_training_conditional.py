"""Conditional training: which labels go where, and AC-GAN's term."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganbench import seeds
from ganbench.api import Loss, Penalty, Samples
from ganbench.architectures.mlp import MLP
from ganbench.evaluation.sampling import sample
from ganbench.losses.vanilla import Vanilla
from ganbench.penalties.gradient import GradientPenalty
from ganbench.penalties.zero_centred import R1
from ganbench.spec import Recipe
from ganbench.training.conditional import Critic, Judgement, classification, judge_both
from ganbench.training.loop import discriminator_update, generator_update, train
from ganbench.training.objective import Objective
from ganbench.training.state import State
from tests.loops import Notes, Orthogonal

MEANS = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 2.0]])


def samples() -> Samples:
    rng = torch.Generator().manual_seed(3)
    labels = torch.randint(3, (60,), generator=rng)
    return Samples(data=MEANS[labels] + 0.1 * torch.randn(60, 2, generator=rng), labels=labels)


def recipe(**settings: Any) -> Recipe:
    return Recipe(**({"steps": 12, "batch_size": 10, "latent_dim": 4} | settings))


def make(condition: str, settings: Recipe) -> State:
    architecture = MLP(hidden=16, layers=2, init="kaiming", condition=condition)
    return State(architecture=architecture, samples=samples(), recipe=settings, seed=0, device=torch.device("cpu"))


class Zero(Loss):
    """Nothing but what is added to it."""

    needs_real = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return 0.0 * (real.sum() + fake.sum())

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return 0.0 * fake.sum()


class Spy(nn.Module):
    """Notes the inputs of a module it stands before."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.calls: list[tuple[Tensor, ...]] = []

    def forward(self, *inputs: Tensor) -> Any:
        self.calls.append(inputs)
        return self.module(*inputs)


def test_fakes_carry_the_labels_of_the_real_batch_beside_them() -> None:
    settings = recipe()
    state = make("projection", settings)
    state.generator, state.discriminator = Spy(state.generator), Spy(state.discriminator)
    discriminator_update(state, Objective(loss=Vanilla(), penalties=()), settings)
    ((_, asked),) = state.generator.calls
    (real, of_real), (_, of_fake) = state.discriminator.calls
    assert (torch.cdist(real, MEANS).argmin(1) == of_real).all()  # the real samples' own labels
    assert torch.equal(asked, of_real)
    assert torch.equal(of_fake, of_real)


def test_the_generators_labels_have_the_datas_shares_from_their_own_stream() -> None:
    settings = recipe(batch_size=20)
    state = make("projection", settings)
    drawn = torch.cat([label for _ in range(200) if (label := state.draw_labels()) is not None])
    shares = torch.bincount(drawn, minlength=3) / len(drawn)
    data = samples().labels
    assert data is not None
    torch.testing.assert_close(shares, torch.bincount(data, minlength=3) / 60, atol=0.03, rtol=0)
    other = make("projection", settings)
    before = {name: rng.get_state().clone() for name, rng in other.streams.items()}
    other.draw_labels()
    changed = [name for name, rng in other.streams.items() if not torch.equal(rng.get_state(), before[name])]
    assert changed == [seeds.LABELS]


class Paired(Zero):
    """Looks at real samples in the generator's update."""

    needs_real = True


@pytest.mark.parametrize("batches", [1, 3])
def test_a_loss_that_compares_with_real_samples_compares_within_a_class(batches: int) -> None:
    settings = recipe(g_batches=batches)
    state = make("projection", settings)
    state.generator, state.discriminator = Spy(state.generator), Spy(state.discriminator)
    generator_update(state, Objective(loss=Paired(), penalties=()), settings)
    (_, of_fake), (real, of_real) = state.discriminator.calls
    assert len(of_fake) == batches * settings.batch_size
    assert torch.equal(of_fake, of_real)
    assert (torch.cdist(real, MEANS).argmin(1) == of_real).all()


@pytest.mark.parametrize("joint", [False, True])
def test_the_classification_term_is_acgans(joint: bool) -> None:
    settings = recipe(classifier_d=0.5, classifier_g=2.0, discriminator_batch="joint" if joint else "separate")
    state = make("classifier", settings)
    state.generator, state.discriminator = Spy(state.generator), Spy(state.discriminator)
    outputs: list[Tensor] = []
    state.discriminator.module.register_forward_hook(lambda module, args, out: outputs.append(out[1].detach()))
    found = discriminator_update(state, Objective(loss=Zero(), penalties=()), settings)
    ((_, labels),) = state.generator.calls
    of_real, of_fake = outputs[0].chunk(2) if joint else outputs
    expected = 0.5 * (cross_entropy(of_real, labels) + cross_entropy(of_fake, labels))
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    outputs.clear()
    found = generator_update(state, Objective(loss=Zero(), penalties=()), settings)
    labels = state.generator.calls[-1][1]
    assert found.item() == pytest.approx(2 * cross_entropy(outputs[0], labels).item(), rel=1e-6)


def test_classification_by_hand() -> None:
    """Logits (0, ln 3) give the second class 3/4."""
    logits = torch.tensor([[0.0, math.log(3)], [0.0, math.log(3)]])
    value = classification(Judgement(torch.zeros(2), logits), torch.tensor([1, 0]))
    assert value.item() == pytest.approx((math.log(4 / 3) + math.log(4)) / 2)


class ByLabel(nn.Module):
    """D(x, y) = w_y · x, whose gradient is the class's w."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([[3.0, 4.0], [0.0, 1.0]]))

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        return (self.weights[labels] * x).sum(1)


@pytest.mark.parametrize(
    ("penalty", "value"),
    [(GradientPenalty(), 10 * (16 + 0) / 2), (R1(gamma=2), (25 + 1) / 2)],
)
def test_penalties_judge_each_point_by_the_label_of_its_pair(penalty: Penalty, value: float) -> None:
    critic = Critic(ByLabel(), torch.tensor([0, 1]), "labels")
    real, fake = torch.randn(2, 2), torch.randn(2, 2)
    assert penalty(critic, real, fake, torch.Generator()).item() == pytest.approx(value, rel=1e-5)


def test_a_penalty_on_the_weights_is_that_of_the_network_and_its_gradient_reaches_them() -> None:
    network = make("projection", recipe()).discriminator
    critic = Critic(network, torch.tensor([0, 1]), "labels")
    x, rng = torch.randn(2, 2), torch.Generator()
    value = Orthogonal()(critic, x, x, rng)
    torch.testing.assert_close(value, Orthogonal()(network, x, x, rng))
    value.backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_a_critic_repeats_its_labels_for_batches_in_a_row() -> None:
    network, labels = ByLabel(), torch.tensor([0, 1])
    x = torch.randn(4, 2)
    torch.testing.assert_close(Critic(network, labels, "labels")(x), network(x, torch.tensor([0, 1, 0, 1])))


def test_joint_and_separate_passes_agree_without_batch_norm() -> None:
    network, labels = ByLabel(), torch.tensor([0, 1, 1])
    real, fake = torch.randn(3, 2), torch.randn(3, 2)
    for one, other in zip(
        judge_both(network, real, fake, labels, "labels", joint=True),
        judge_both(network, real, fake, labels, "labels", joint=False),
        strict=True,
    ):
        torch.testing.assert_close(one.raw, other.raw)


@pytest.mark.parametrize("condition", ["projection", "classifier"])
def test_classes_are_learnt(condition: str) -> None:
    """Three blobs: after training, what is asked for as class k is nearest to the k-th mean."""
    settings = recipe(steps=600, batch_size=30, g_lr=1e-3, d_lr=1e-3)
    state = make(condition, settings)
    labels = torch.arange(3).repeat(100)

    def hits() -> float:
        fakes = sample(
            state.generator, n=300, latent_dim=4, latent="normal", rng=torch.Generator().manual_seed(0),
            device=torch.device("cpu"), labels=labels,
        )  # fmt: skip
        return (torch.cdist(fakes, MEANS).argmin(1) == labels).double().mean().item()

    assert hits() < 0.7
    train(state, Objective(loss=Vanilla(), penalties=(R1(gamma=0.1),)), settings, Notes(), evaluate_every=0)
    assert hits() > 0.95
