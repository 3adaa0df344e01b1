"""Steps that are recorded on a CPU: which, that they stay the steps themselves, and what is not taken."""

from array import array
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Generator, GeneratorPenalty, Samples
from ganbench.architectures.dcgan import DCGAN
from ganbench.architectures.resnet import ResNet
from ganbench.architectures.upsample import Upsample
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGAN
from ganbench.penalties.feature_matching import FeatureMatching
from ganbench.penalties.mode_seeking import ModeSeeking
from ganbench.penalties.orthogonal import Orthogonal
from ganbench.penalties.path_length import PathLength
from ganbench.spec import Recipe
from ganbench.training import recordable
from ganbench.training.loop import plain_step, train, whole_step
from ganbench.training.objective import Objective
from ganbench.training.recorded import WARM_UP, Recorded
from ganbench.training.state import State
from ganbench.training.tape import capture_on_cpu
from tests.loops import Make, Notes, assert_bit_equal, objective, recipe, state_with


def recorded(state: State, goal: Objective, settings: Recipe) -> Recorded:
    step = whole_step(state, goal, settings, capture_on_cpu)
    assert isinstance(step, Recorded)
    return step


def on_images(architecture: Architecture, settings: Recipe) -> State:
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 1, 16, 16), generator=rng, dtype=torch.uint8)
    labels = torch.randint(0, 3, (40,), generator=rng)
    samples = Samples(data=images, labels=labels)
    return State(architecture=architecture, samples=samples, recipe=settings, seed=0, device=torch.device("cpu"))


TRIALS: dict[str, tuple[Callable[[], Architecture], dict[str, Any]]] = {
    "a projection": (lambda: ResNet(width=4, condition="projection", spectral_norm=True), {"n_critic": 2}),
    "a classifier": (lambda: ResNet(width=4, condition="classifier"), {"ema_decay": 0.9}),
    "a class beside the latents": (lambda: DCGAN(width=4, condition="projection"), {}),
    "bfloat16": (lambda: Upsample(width=4), {"precision": "bfloat16", "smoothing_real": 0.1}),
}


@pytest.mark.parametrize("architecture", [DCGAN(width=4), ResNet(width=4, condition="projection")])
def test_steps_with_penalties_on_the_generator_are_recorded(architecture: Architecture) -> None:
    def goal() -> Objective:
        return objective(Vanilla(), ModeSeeking(), Orthogonal())

    chosen = recipe()
    plain, state = on_images(architecture, chosen), on_images(architecture, chosen)
    train(plain, goal(), chosen, Notes(), evaluate_every=0)
    step = recorded(state, goal(), chosen)
    train(state, goal(), chosen, Notes(), evaluate_every=0, one_step=step)
    assert step.given_up == ""
    assert_bit_equal(plain, state)


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        (DCGAN(width=4), {"g_batches": 2, "n_generator": 2}),
        (ResNet(width=4, condition="projection", spectral_norm=True), {"mirror": 0.5}),
        (Upsample(width=4), {"precision": "bfloat16"}),
    ],
)
def test_steps_that_compare_features_are_recorded(architecture: Architecture, settings: dict[str, Any]) -> None:
    chosen = recipe(**settings)
    plain, state = on_images(architecture, chosen), on_images(architecture, chosen)
    train(plain, objective(Vanilla(), FeatureMatching()), chosen, Notes(), evaluate_every=0)
    goal = objective(Vanilla(), FeatureMatching())
    step = recorded(state, goal, chosen)
    train(state, goal, chosen, Notes(), evaluate_every=0, one_step=step)
    assert step.given_up == ""
    assert_bit_equal(plain, state)


def test_steps_with_a_penalty_on_the_generator_that_remembers_are_not() -> None:
    chosen = recipe(steps=6)
    state, goal = on_images(DCGAN(width=4), chosen), objective(Vanilla(), PathLength())
    step = recorded(state, goal, chosen)
    train(state, goal, chosen, Notes(), evaluate_every=0, one_step=step)
    assert step.given_up == "a penalty that remembers earlier updates"


class Fading(GeneratorPenalty):
    """Counts its updates on the host, and says nothing of it."""

    def __init__(self) -> None:
        self.updates = 0

    def __call__(self, generator: Generator, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        self.updates += 1
        return fake.square().mean() / self.updates


def test_steps_with_a_penalty_on_the_generator_that_counts_on_the_host_are_not() -> None:
    chosen = recipe(steps=6)
    plain, state = on_images(DCGAN(width=4), chosen), on_images(DCGAN(width=4), chosen)
    train(plain, objective(Vanilla(), Fading()), chosen, Notes(), evaluate_every=0)
    goal = objective(Vanilla(), Fading())
    step = recorded(state, goal, chosen)
    train(state, goal, chosen, Notes(), evaluate_every=0, one_step=step)
    assert "updates" in step.given_up
    assert_bit_equal(plain, state)


@pytest.mark.parametrize(("architecture", "settings"), TRIALS.values(), ids=TRIALS.keys())
def test_steps_with_labels_and_in_other_precision_are_recorded(
    architecture: Callable[[], Architecture], settings: dict[str, Any]
) -> None:
    chosen = recipe(**settings)
    plain, state = on_images(architecture(), chosen), on_images(architecture(), chosen)
    torch.manual_seed(0)
    train(plain, objective(Vanilla()), chosen, Notes(), evaluate_every=0)
    torch.manual_seed(0)
    step = recorded(state, objective(Vanilla()), chosen)
    train(state, objective(Vanilla()), chosen, Notes(), evaluate_every=0, one_step=step)
    assert step.given_up == ""
    assert_bit_equal(plain, state)


class OnTheHost(torch.autograd.Function):
    """A layer that numpy computes, of which torch's operators see nothing."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = torch.from_numpy(np.tanh(x.detach().numpy()))
        ctx.save_for_backward(y)
        return y.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        of_x: Tensor = gradients[0] * (1 - y * y)
        return of_x


class OfReal(WGAN):
    """Weighs real samples by what numpy makes of their outputs."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        weight = float(np.exp(-real.detach().numpy()).mean())
        return weight * super().discriminator(real, fake)


@pytest.mark.parametrize("read", [Tensor.numpy, np.asarray, Tensor.tolist, np.from_dlpack])
def test_who_looks_at_numbers_only_to_decide_is_not_recorded(
    make_state: Make, read: Callable[[Tensor], object]
) -> None:
    class Rarely(WGAN):
        """Does what it does in every step, for all that a few of them show."""

        def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
            halve = float(np.max(read(real.detach()))) > 1e9  # type: ignore[call-overload]
            return (0.5 if halve else 1.0) * super().discriminator(real, fake)

    step = recorded(make_state(recipe()), objective(Rarely()), recipe())
    for _ in range(WARM_UP + 1):
        step()
    assert step.given_up.startswith("a number is read from a tensor")


@pytest.mark.parametrize("where", ["network", "loss"])
def test_what_is_computed_without_torch_is_not_recorded(make_state: Make, where: str) -> None:
    def trial() -> tuple[State, Objective]:
        if where == "loss":
            return make_state(recipe()), objective(OfReal())
        layers = nn.Sequential(nn.Linear(2, 8), Layer(), nn.Linear(8, 1), nn.Flatten(0))
        return state_with(layers, recipe()), objective(Vanilla())

    class Layer(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = OnTheHost.apply(x)
            return y

    (plain, goal), (state, own) = trial(), trial()
    torch.manual_seed(0)
    for one in (plain, state):
        for weight in one.discriminator.parameters():
            nn.init.constant_(weight, 0.3)
    work = partial(plain_step, plain, goal, recipe())
    step = recorded(state, own, recipe())
    for _ in range(WARM_UP + 4):
        assert torch.equal(step(), work())
    assert step.given_up == "a number is read from a tensor (numpy)"


HIDDEN = array("d", [0.0])


class Growing(WGAN):
    """Weighs samples by how often it was asked, and keeps that where nobody looks."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        HIDDEN[0] += 1
        return (1 + 1e-4 * HIDDEN[0]) * super().discriminator(real, fake)


def test_a_step_that_does_not_come_out_twice_the_same_is_not_recorded(make_state: Make) -> None:
    step = recorded(make_state(recipe()), objective(Growing()), recipe())
    for _ in range(WARM_UP + 1):
        step()
    assert step.given_up == "two runs of a step from the same state do not come out the same"


class Averaging(nn.Module):
    """A discriminator that keeps an average in a dictionary, and the one before as an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)
        self.kept, self.before = {"mean": torch.zeros(())}, torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x).squeeze(1)
        self.before, self.kept["mean"] = self.kept["mean"], 0.9 * self.kept["mean"] + 0.1 * y.detach().mean()
        return y * (1 + self.kept["mean"] + self.before)


def test_a_try_leaves_the_tensors_that_a_network_keeps_as_they_were() -> None:
    plain, state = (state_with(Averaging(), recipe()) for _ in range(2))
    work = partial(plain_step, plain, objective(Vanilla()), recipe())
    step = recorded(state, objective(Vanilla()), recipe())
    for _ in range(WARM_UP + 4):
        assert torch.equal(step(), work())
    assert step.given_up


def test_on_a_cpu_only_what_pays_is_recorded(make_state: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(state: State, **settings: Any) -> bool:
        return isinstance(whole_step(state, objective(Vanilla()), recipe(**settings)), Recorded)

    state = make_state(recipe(steps=150))
    assert chosen(state, steps=100)
    assert not chosen(state, steps=99)
    state.step = 51
    assert not chosen(state, steps=150)
    state.step = 0
    count = sum(weight.numel() for weight in [*state.generator.parameters(), *state.discriminator.parameters()])
    monkeypatch.setattr(recordable, "MANY_WEIGHTS", count)
    assert chosen(state, steps=100)
    monkeypatch.setattr(recordable, "MANY_WEIGHTS", count - 1)
    assert not chosen(state, steps=100)
    monkeypatch.setattr(recordable, "MANY_WEIGHTS", count)
    state.device = torch.device("mps")
    assert not chosen(state, steps=100)
