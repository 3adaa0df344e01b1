"""The training loop on tiny networks: what it does in which order, and that stopping it changes nothing."""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench import seeds
from ganbench.api import Loss, Penalty
from ganbench.errors import Diverged
from ganbench.evaluation.sampling import sample
from ganbench.losses.lsgan import LSGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGAN, WGANGP, Wasserstein
from ganbench.penalties.gradient import GradientPenalty
from ganbench.penalties.zero_centred import R1
from ganbench.spec import Recipe
from ganbench.training import checkpoint
from ganbench.training.loop import Objective, discriminator_update, frozen, generator_update, train
from ganbench.training.state import State

Make = Callable[..., State]


class Notes:
    """An observer that writes down what it is told, and stops where it is asked to."""

    def __init__(
        self,
        stop_after: int = 0,
        on_step: Callable[[State], object] = lambda state: None,
        on_evaluate: Callable[[State], object] = lambda state: None,
    ) -> None:
        self.reports: list[tuple[int, float, float]] = []
        self.evaluations: list[int] = []
        self.steps: list[int] = []
        self._stop_after = stop_after
        self._on_step = on_step
        self._on_evaluate = on_evaluate

    def report(self, state: State, discriminator_loss: float, generator_loss: float) -> None:
        self.reports.append((state.step, discriminator_loss, generator_loss))

    def evaluate(self, state: State) -> None:
        self.evaluations.append(state.step)
        self._on_evaluate(state)

    def after_step(self, state: State) -> bool:
        self.steps.append(state.step)
        self._on_step(state)
        return state.step == self._stop_after


def objective(loss: Loss, *penalties: Penalty) -> Objective:
    own = (loss.penalty,) if loss.penalty is not None else ()
    return Objective(loss=loss, penalties=(*own, *penalties))


def recipe(**settings: Any) -> Recipe:
    return Recipe(**({"steps": 20, "batch_size": 8, "latent_dim": 4} | settings))


def run(state: State, settings: Recipe, goal: Objective, notes: Notes | None = None, every: int = 0) -> bool:
    return train(state, goal, settings, notes or Notes(), evaluate_every=every)


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Every leaf of nested dictionaries and lists, by its path."""
    if isinstance(value, dict):
        return {key: leaf for k, v in value.items() for key, leaf in flat(v, f"{name}/{k}").items()}
    if isinstance(value, list | tuple):
        return {key: leaf for k, v in enumerate(value) for key, leaf in flat(v, f"{name}/{k}").items()}
    return {name: value.clone() if isinstance(value, Tensor) else value}


def assert_bit_equal(first: State, second: State) -> None:
    """Torch's own stream is the process's, not a state's: whoever asks about it does so when training has ended."""
    a, b = flat(first.state_dict()), flat(second.state_dict())
    assert a.keys() == b.keys()
    for name, value in a.items():
        same = torch.equal(value, b[name]) if isinstance(value, Tensor) else value == b[name]
        assert same, f"{name} differs"


def weights(network: nn.Module) -> list[Tensor]:
    return [value.detach().clone() for value in network.state_dict().values()]


def differ(first: list[Tensor], second: list[Tensor]) -> bool:
    return not all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


class Recording(Loss):
    """Least squares that notes its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.outputs: list[Tensor] = []

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        self.calls.append("D")
        self.outputs += [real.detach(), fake.detach()]
        return 0.5 * (real - 1).square().mean() + 0.5 * fake.square().mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        self.calls.append("G")
        assert real is None
        return 0.5 * (fake - 1).square().mean()


@pytest.mark.parametrize("n_critic", [1, 3])
def test_a_step_is_one_generator_update_after_n_critic_discriminator_updates(make_state: Make, n_critic: int) -> None:
    loss, settings = Recording(), recipe(steps=4, n_critic=n_critic)
    state, notes = make_state(settings), Notes()
    assert run(state, settings, objective(loss), notes) is True
    assert loss.calls == (["D"] * n_critic + ["G"]) * 4
    assert notes.steps == [1, 2, 3, 4]
    assert state.step == 4
    assert state.real_images == 4 * n_critic * 8


def test_every_discriminator_update_sees_fresh_real_samples(make_state: Make) -> None:
    settings = recipe(steps=1, n_critic=5)
    state = make_state(settings)
    seen: list[Tensor] = []
    draw = state.batches.next

    def note() -> Tensor:
        seen.append(draw())
        return seen[-1]

    state.batches.next = note  # type: ignore[method-assign]
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
    fixed = state.discriminator[0].bias  # a weight that its author keeps fixed
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


class Paired(Loss):
    """Looks at real samples in the generator's objective, as relativistic losses do."""

    needs_real = True

    def __init__(self) -> None:
        self.real: list[Tensor | None] = []

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (fake - real).exp().mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        assert real is not None
        self.real.append(real)
        return (real - fake).exp().mean()


def test_a_loss_that_needs_real_samples_gets_fresh_ones(make_state: Make) -> None:
    loss, settings = Paired(), recipe(steps=2)
    state = make_state(settings)
    seen: list[Tensor] = []
    draw = state.batches.next

    def note() -> Tensor:
        seen.append(draw())
        return seen[-1]

    state.batches.next = note  # type: ignore[method-assign]
    run(state, settings, objective(loss))
    assert [tuple(real.shape) for real in loss.real if real is not None] == [(8,), (8,)]
    assert len({tuple(point) for batch in seen for point in batch.tolist()}) == 4 * 8


class Counting(Penalty):
    """Notes what it is given."""

    def __init__(self, differentiable: bool) -> None:
        self.differentiable = differentiable  # type: ignore[misc]
        self.called: list[tuple[bool, bool]] = []
        self.projected = 0

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        self.called.append((real.requires_grad, fake.requires_grad))
        assert rng.initial_seed() == seeds.stream_seed(0, seeds.PENALTY)
        return 100.0 + 0 * discriminator(real).sum()

    def project(self, discriminator: nn.Module) -> None:
        self.projected += 1


def test_penalties_are_added_and_projected_at_every_discriminator_update(make_state: Make) -> None:
    term, projection = Counting(True), Counting(False)
    settings, notes = recipe(steps=3, n_critic=2), Notes()
    plain = Notes()
    run(make_state(settings), settings, objective(LSGAN()), plain)
    run(make_state(settings), settings, objective(LSGAN(), term, projection), notes)
    assert term.called == [(False, False)] * 6
    assert projection.called == []
    assert (term.projected, projection.projected) == (6, 6)
    assert notes.reports[0][1] == pytest.approx(plain.reports[0][1] + 100)


def test_weights_are_clipped_when_a_step_ends(make_state: Make) -> None:
    settings = recipe(steps=3, optimizer="rmsprop", d_lr=0.1)
    state = make_state(settings)
    run(state, settings, objective(WGAN(clip=0.05)))
    assert max(parameter.abs().max().item() for parameter in state.discriminator.parameters()) <= 0.05 + 1e-9
    assert max(parameter.abs().max().item() for parameter in state.generator.parameters()) > 0.05


def first_discriminator_loss(make_state: Make, batch_norm: bool, mode: Any) -> float:
    settings = recipe(discriminator_batch=mode)
    return discriminator_update(make_state(settings, batch_norm=batch_norm), objective(Vanilla()), settings).item()


def test_separate_and_joint_batches_are_one_algorithm_without_batch_norm_and_two_with_it(make_state: Make) -> None:
    plain = [first_discriminator_loss(make_state, False, mode) for mode in ("separate", "joint")]
    assert plain[0] == pytest.approx(plain[1], abs=1e-6)
    normed = [first_discriminator_loss(make_state, True, mode) for mode in ("separate", "joint")]
    assert abs(normed[0] - normed[1]) > 1e-3


def test_replay_brings_earlier_fakes_before_the_discriminator(make_state: Make) -> None:
    settings = recipe(steps=10, replay=8, replay_share=0.5)
    state = make_state(settings)
    made: list[Tensor] = []
    judged: list[Tensor] = []
    state.generator.register_forward_hook(lambda module, inputs, output: made.append(output.detach().clone()))
    state.discriminator.register_forward_pre_hook(lambda module, inputs: judged.append(inputs[0].detach().clone()))
    run(state, settings, objective(Recording()))
    # Per step: real, fake, and the generator's fake. Per step two batches are made, of which the first is for D.
    shown, new = judged[1::3], made[0::2]
    assert len(shown) == len(new) == 10
    assert [torch.equal(a, b) for a, b in zip(shown, new, strict=True)] == [True, True] + [False] * 8
    for step in range(2, 10):
        assert torch.equal(shown[step][:4], new[step][:4])
        earlier = {tuple(point) for batch in new[:step] for point in batch.tolist()}
        assert {tuple(point) for point in shown[step][4:].tolist()} <= earlier
    # The generator is judged by what it makes now.
    assert all(torch.equal(a, b) for a, b in zip(judged[2::3], made[1::2], strict=True))


def test_the_average_follows_the_generator(make_state: Make) -> None:
    settings = recipe(steps=3, ema_decay=0.75, ema_start=1)
    state = make_state(settings)
    history: list[Tensor] = []
    notes = Notes(on_step=lambda state: history.append(state.generator[0].weight.detach().clone()))
    run(state, settings, objective(Vanilla()), notes)
    expected = history[0]
    for weight in history[1:]:
        expected = 0.75 * expected + 0.25 * weight
    torch.testing.assert_close(state.scored[0].weight, expected)


def test_the_linear_schedule_reaches_both_optimisers(make_state: Make) -> None:
    settings = recipe(steps=4, lr_schedule="linear", g_lr=0.4, d_lr=0.8)
    rates: list[tuple[float, float]] = []

    def note(state: State) -> None:
        rates.append((state.g_optimiser.param_groups[0]["lr"], state.d_optimiser.param_groups[0]["lr"]))

    run(make_state(settings), settings, objective(Vanilla()), Notes(on_step=note))
    assert rates == [pytest.approx(pair) for pair in [(0.4, 0.8), (0.3, 0.6), (0.2, 0.4), (0.1, 0.2)]]


def test_losses_are_computed_in_float32_also_where_the_networks_are_not(make_state: Make) -> None:
    loss, settings = Recording(), recipe(steps=3, precision="bfloat16")
    state = make_state(settings)
    run(state, settings, objective(loss, GradientPenalty()))
    assert {output.dtype for output in loss.outputs} == {torch.float32}
    # An output of bfloat16 has eight bits of precision left.
    assert all(torch.equal(output, output.bfloat16().float()) for output in loss.outputs)
    assert all(parameter.dtype == torch.float32 for parameter in state.generator.parameters())


# What the outside is told


def test_a_hundred_reports_and_the_last_step(make_state: Make) -> None:
    for steps, expected in [(7, list(range(1, 8))), (250, list(range(2, 251, 2))), (305, [*range(3, 305, 3), 305])]:
        settings, notes = recipe(steps=steps), Notes()
        run(make_state(settings), settings, objective(Vanilla()), notes)
        assert [step for step, _, _ in notes.reports] == expected


def test_the_reported_losses_are_those_of_the_step(make_state: Make) -> None:
    settings, notes = recipe(steps=1), Notes()
    run(make_state(settings), settings, objective(Vanilla()), notes)
    d_loss = discriminator_update(state := make_state(settings), objective(Vanilla()), settings).item()
    assert notes.reports == [(1, d_loss, generator_update(state, objective(Vanilla()), settings).item())]


@pytest.mark.parametrize(("every", "expected"), [(0, [20]), (5, [5, 10, 15, 20]), (7, [7, 14, 20]), (50, [20])])
def test_evaluations_come_on_schedule_and_at_the_end_once(make_state: Make, every: int, expected: list[int]) -> None:
    settings, notes = recipe(), Notes()
    run(make_state(settings), settings, objective(Vanilla()), notes, every)
    assert notes.evaluations == expected


def test_stopping_and_the_last_step(make_state: Make) -> None:
    settings = recipe()
    state = make_state(settings)
    assert run(state, settings, objective(Vanilla()), Notes(stop_after=6)) is False
    assert state.step == 6
    assert run(state, settings, objective(Vanilla()), Notes(stop_after=20)) is True
    assert state.step == 20
    assert run(state, settings, objective(Vanilla()), Notes()) is True
    assert state.step == 20


# Repeating, interrupting, evaluating


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(make_state: Make) -> None:
    settings = recipe(ema_decay=0.9, replay=16)
    states = []
    for seed in (0, 0, 1):
        torch.rand(7)  # whatever was drawn before has no part in it
        states.append(make_state(settings, seed=seed, dropout=True))
        run(states[-1], settings, objective(WGANGP()))
    assert_bit_equal(states[0], states[1])
    assert differ(weights(states[0].generator), weights(states[2].generator))


RESUMED: dict[str, tuple[dict[str, Any], Loss, dict[str, bool]]] = {
    "adam": ({}, Vanilla(), {}),
    "rmsprop and clipped weights": ({"optimizer": "rmsprop", "beta1": 0.3, "n_critic": 3}, WGAN(), {}),
    "sgd": ({"optimizer": "sgd", "beta1": 0.9, "d_lr": 0.01}, LSGAN(), {}),
    "sgd without momentum": ({"optimizer": "sgd", "beta1": 0.0}, LSGAN(), {}),
    "average": ({"ema_decay": 0.9, "ema_start": 5}, Vanilla(), {}),
    "replay": ({"replay": 20, "replay_share": 0.4}, Vanilla(), {}),
    "replay not yet full": ({"replay": 100}, Vanilla(), {}),
    "gradient penalty": ({"n_critic": 2, "beta1": 0.0, "beta2": 0.9}, WGANGP(), {}),
    "linear rates": ({"lr_schedule": "linear"}, Vanilla(), {}),
    "batch norm": ({"discriminator_batch": "joint"}, Vanilla(), {"batch_norm": True}),
    "dropout": ({}, Vanilla(), {"dropout": True}),
    "bfloat16": ({"precision": "bfloat16"}, Vanilla(), {}),
    "needs real samples": ({}, Paired(), {}),
    "a batch that does not divide the data": ({"batch_size": 7}, Vanilla(), {}),
}


@pytest.mark.parametrize(("settings", "loss", "options"), RESUMED.values(), ids=RESUMED.keys())
def test_stopping_and_going_on_changes_no_bit(
    make_state: Make, tmp_path: Path, settings: dict[str, Any], loss: Loss, options: dict[str, bool]
) -> None:
    chosen = recipe(**settings)
    whole = make_state(chosen, **options)
    assert run(whole, chosen, objective(loss)) is True

    # Five batches are an epoch: after nine steps of one to three updates, none of them ends with one.
    first = make_state(chosen, **options)
    assert run(first, chosen, objective(loss), Notes(stop_after=9)) is False
    checkpoint.save(tmp_path / "checkpoint.pt", "t", {"state": first.state_dict()})

    second = make_state(chosen, seed=9, **options)
    torch.rand(17)
    second.load_state_dict(checkpoint.load(tmp_path / "checkpoint.pt", "t")["state"])
    assert second.step == 9
    assert run(second, chosen, objective(loss)) is True
    assert_bit_equal(whole, second)


def test_going_on_draws_on_from_torchs_own_stream(make_state: Make, tmp_path: Path) -> None:
    chosen = recipe()
    run(make_state(chosen, dropout=True), chosen, objective(Vanilla()))
    wanted = torch.rand(3)
    first = make_state(chosen, dropout=True)
    run(first, chosen, objective(Vanilla()), Notes(stop_after=9))
    kept = copy.deepcopy(first.state_dict())
    second = make_state(chosen, seed=9, dropout=True)
    second.load_state_dict(kept)
    run(second, chosen, objective(Vanilla()))
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize("options", [{}, {"batch_norm": True, "dropout": True}])
def test_evaluating_on_the_way_changes_no_bit(make_state: Make, options: dict[str, bool]) -> None:
    def score(state: State) -> None:
        sample(
            state.scored, n=30, latent_dim=4, latent="normal", rng=seeds.stream(0, seeds.EVALUATION),
            device=state.device, batch_size=7,
        )  # fmt: skip

    chosen = recipe(ema_decay=0.9, replay=16)
    plain = make_state(chosen, **options)
    run(plain, chosen, objective(WGANGP()))
    own = torch.get_rng_state()
    for every in (1, 7):
        watched = make_state(chosen, **options)
        run(watched, chosen, objective(WGANGP()), Notes(on_evaluate=score), every)
        assert torch.equal(torch.get_rng_state(), own)
        assert_bit_equal(plain, watched)


# Divergence


class Bursting(Loss):
    """The Wasserstein loss with one bad value, at one call of one player."""

    def __init__(self, value: float, *, discriminator_call: int = 0, generator_call: int = 0) -> None:
        self._value = value
        self._at = (discriminator_call, generator_call)
        self.calls = [0, 0]

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        self.calls[0] += 1
        return fake.mean() * 0 + real.mean() * 0 + (self._value if self.calls[0] == self._at[0] else 1.0)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        self.calls[1] += 1
        return fake.mean() * 0 + (self._value if self.calls[1] == self._at[1] else 1.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.1e6, -1.1e6])
@pytest.mark.parametrize(
    ("where", "step"),
    [
        ({"discriminator_call": 1}, 1),
        ({"discriminator_call": 26}, 13),  # the second of two updates in step 13
        ({"discriminator_call": 25}, 13),  # the first of them
        ({"generator_call": 13}, 13),
        ({"generator_call": 300}, 300),
    ],
)
def test_the_first_bad_step_ends_the_trial(make_state: Make, value: float, where: dict[str, int], step: int) -> None:
    """Reports come every three steps; the step that is named is the exact one nevertheless."""
    settings, notes = recipe(steps=300, n_critic=2, batch_size=2), Notes()
    with pytest.raises(Diverged) as caught:
        run(make_state(settings), settings, objective(Bursting(value, **where)), notes)
    assert caught.value.step == step
    assert notes.reports[-1:] == [] or notes.reports[-1][0] < step
    assert notes.evaluations == []
    assert max(notes.steps, default=0) < step + 3


def test_a_divergence_is_noticed_before_an_evaluation_and_when_stopping(make_state: Make) -> None:
    settings = recipe(steps=500, batch_size=2)
    for notes, every in ((Notes(), 4), (Notes(stop_after=4), 0)):
        with pytest.raises(Diverged) as caught:
            run(make_state(settings), settings, objective(Bursting(math.nan, generator_call=3)), notes, every)
        assert caught.value.step == 3
        assert notes.evaluations == []


def test_the_limit_is_the_recipes(make_state: Make) -> None:
    settings = recipe(divergence_limit=50.0)
    with pytest.raises(Diverged, match="a loss of magnitude 51 beyond 50 at step 2"):
        run(make_state(settings), settings, objective(Bursting(51.0, discriminator_call=2)))
    run(make_state(settings), settings, objective(Bursting(50.0, discriminator_call=2)))


def test_a_trial_that_really_explodes(make_state: Make) -> None:
    settings = recipe(steps=200, optimizer="sgd", beta1=0.0, d_lr=1e3, g_lr=1e3)
    with pytest.raises(Diverged) as caught:
        run(make_state(settings), settings, objective(LSGAN()))
    assert caught.value.step < 20
    assert "beyond 1e+06" in str(caught.value)


def test_a_divergence_before_a_checkpoint_is_not_forgotten_by_going_on(make_state: Make) -> None:
    """The checkpoint of step 4 is taken before the report of step 5 looks at what step 3 did."""
    settings = recipe(steps=500, batch_size=2)
    kept: list[dict[str, Any]] = []

    def keep(state: State) -> None:
        if state.step == 4:
            kept.append(copy.deepcopy(state.state_dict()))

    with pytest.raises(Diverged) as whole:
        run(make_state(settings), settings, objective(Bursting(2e6, generator_call=3)), Notes(on_step=keep))
    state = make_state(settings)
    state.load_state_dict(kept[0])
    with pytest.raises(Diverged) as resumed:
        run(state, settings, objective(Bursting(2e6)))
    assert (resumed.value.step, str(resumed.value)) == (whole.value.step, str(whole.value))


# It trains


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
        return (found.mean(0) - torch.tensor([2.0, -1.0])).norm().item()

    assert distance() > 1.5
    run(state, chosen, goal)
    assert distance() < 0.75


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_stopping_and_going_on_on_a_gpu(make_state: Make, tmp_path: Path) -> None:
    chosen = recipe(ema_decay=0.9, replay=16)
    whole = make_state(chosen, device="cuda")
    run(whole, chosen, objective(WGANGP()))
    first = make_state(chosen, device="cuda")
    run(first, chosen, objective(WGANGP()), Notes(stop_after=9))
    checkpoint.save(tmp_path / "checkpoint.pt", "t", {"state": first.state_dict()})
    second = make_state(chosen, seed=9, device="cuda")
    second.load_state_dict(checkpoint.load(tmp_path / "checkpoint.pt", "t")["state"])
    run(second, chosen, objective(WGANGP()))
    for a, b in zip(weights(whole.generator), weights(second.generator), strict=True):
        torch.testing.assert_close(a, b)
