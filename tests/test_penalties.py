"""Penalties on critics whose gradients are known: linear and quadratic ones."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Penalty
from ganbench.penalties.clip import WeightClip
from ganbench.penalties.gradient import GradientPenalty, input_gradients, interpolate
from ganbench.penalties.zero_centred import R1, R2
from tests.critics import Critic, D, draw, half_square, linear, rng


@pytest.mark.parametrize("n", [1, 2, 7, 64])
@pytest.mark.parametrize("shape", [(2,), (1, 4, 4), (3, 5, 7)])
def test_a_linear_critic_pays_lambda_times_the_squared_excess_of_its_slope(n: int, shape: tuple[int, ...]) -> None:
    weights = torch.zeros(shape, dtype=D)
    weights.view(-1)[0], weights.view(-1)[-1] = 3.0, 4.0  # |w| = 5, spread over the dimensions
    penalty = GradientPenalty()(linear(weights), draw(n, *shape), draw(n, *shape, seed=2), rng())
    assert penalty.shape == ()
    assert penalty.item() == pytest.approx(10 * (5 - 1) ** 2)


@pytest.mark.parametrize(("slope", "value"), [(0.25, 10 * 0.75**2), (1.0, 0.0), (2.0, 10.0)])
def test_the_penalty_has_two_sides(slope: float, value: float) -> None:
    weights = torch.tensor([slope, 0.0], dtype=D)
    assert GradientPenalty()(linear(weights), draw(5, 2), draw(5, 2), rng()).item() == pytest.approx(value)


def test_the_penalty_is_proportional_to_lambda() -> None:
    weights = torch.tensor([3.0, 4.0], dtype=D)
    assert GradientPenalty(lambda_gp=0.5)(linear(weights), draw(5, 2), draw(5, 2), rng()).item() == pytest.approx(8)
    assert GradientPenalty(lambda_gp=0)(linear(weights), draw(5, 2), draw(5, 2), rng()).item() == 0


def test_the_mean_is_over_samples_of_norms_over_all_dimensions() -> None:
    """Where real equals fake, the points are known: |(3, 4)| = 5 and |(0, 1)| = 1."""
    x = torch.tensor([[3.0, 4.0], [0.0, 1.0]], dtype=D)
    assert GradientPenalty(lambda_gp=1)(half_square, x, x, rng()).item() == pytest.approx((4**2 + 0) / 2)
    assert GradientPenalty(lambda_gp=1)(half_square, x.view(2, 2, 1, 1), x.view(2, 2, 1, 1), rng()).item() == (
        pytest.approx(8)
    )


def seen_by(penalty: Penalty, real: Tensor, fake: Tensor, seed: int = 0) -> Tensor:
    """The points at which a penalty asks the critic."""
    seen: list[Tensor] = []

    @Critic
    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach().clone())
        return half_square(x)

    penalty(critic, real, fake, rng(seed))
    assert len(seen) == 1
    return seen[0]


@pytest.mark.parametrize("shape", [(2,), (3, 4, 4)])
def test_points_lie_on_the_segments_with_one_position_per_sample(shape: tuple[int, ...]) -> None:
    real, fake = draw(500, *shape), draw(500, *shape, seed=2) + 5
    points = seen_by(GradientPenalty(), real, fake)
    positions = ((points - fake) / (real - fake)).flatten(1)
    torch.testing.assert_close(positions, positions[:, :1].expand_as(positions), rtol=0, atol=1e-6)
    position = positions[:, 0]
    assert (position > -1e-9).all()
    assert (position < 1 + 1e-9).all()
    assert len(position.unique()) == 500
    # Uniform on [0, 1]: mean 1/2 and variance 1/12, to about four standard errors.
    assert position.mean().item() == pytest.approx(0.5, abs=0.05)
    assert position.var().item() == pytest.approx(1 / 12, abs=0.015)
    assert not torch.equal(points, seen_by(GradientPenalty(), real, fake, seed=1))
    torch.testing.assert_close(points, seen_by(GradientPenalty(), real, fake), rtol=0, atol=0)


def test_a_quadratic_critic_pays_by_where_the_points_are() -> None:
    real, fake = draw(6, 2), draw(6, 2, seed=2)
    points = interpolate(real, fake, rng(3))
    expected = 10 * sum((point.norm().item() - 1) ** 2 for point in points) / 6
    assert GradientPenalty()(half_square, real, fake, rng(3)).item() == pytest.approx(expected)


def test_zero_centred_penalties_look_at_their_own_samples_only() -> None:
    real, fake = draw(4, 2), draw(4, 2, seed=2)
    assert torch.equal(seen_by(R1(), real, fake), real)
    assert torch.equal(seen_by(R2(), real, fake), fake)


@pytest.mark.parametrize("n", [1, 2, 7, 64])
@pytest.mark.parametrize("cls", [R1, R2])
def test_a_linear_critic_pays_half_gamma_times_its_squared_slope(cls: Any, n: int) -> None:
    weights = torch.tensor([3.0, 4.0], dtype=D)
    assert cls()(linear(weights), draw(n, 2), draw(n, 2), rng()).item() == pytest.approx(0.5 * 10 * 25)
    assert cls(gamma=0.2)(linear(weights), draw(n, 2), draw(n, 2), rng()).item() == pytest.approx(2.5)


def test_zero_centred_penalties_of_a_quadratic_critic_and_their_gradients() -> None:
    """D(x) = Σ a_j x_j² / 2 has the gradient (a_j x_j); the penalty's own gradient by a_j is γ a_j E[x_j²]."""

    def quadratic(a: Tensor) -> Critic:
        return Critic(lambda points: 0.5 * (a * points.square()).sum(1))

    x = torch.tensor([[1.0, 1.0], [2.0, 0.0]], dtype=D)
    nothing = torch.zeros_like(x)
    for penalty, real, fake in ((R1(gamma=10), x, nothing), (R2(gamma=10), nothing, x)):
        a = torch.tensor([1.0, 2.0], dtype=D, requires_grad=True)
        value = penalty(quadratic(a), real, fake, rng())
        assert value.item() == pytest.approx(5 * (5 + 4) / 2)
        value.backward()
        assert a.grad is not None
        assert a.grad.tolist() == pytest.approx([10 * 1 * 2.5, 10 * 2 * 0.5])


@pytest.mark.parametrize("n", [1, 7])
def test_the_second_differentiation_of_the_gradient_penalty(n: int) -> None:
    """d/dw λ(|w| - 1)² = 2λ(|w| - 1) w/|w|, = 2·10·4·(0.6, 0.8) at w = (3, 4)."""
    weights = torch.tensor([3.0, 4.0], dtype=D, requires_grad=True)
    GradientPenalty()(linear(weights), draw(n, 2), draw(n, 2), rng()).backward()
    assert weights.grad is not None
    assert weights.grad.tolist() == pytest.approx([48.0, 64.0])


def test_the_second_differentiation_agrees_with_finite_differences() -> None:
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 1), nn.Flatten(0)).double()
    weights = [parameter.detach().clone().requires_grad_() for parameter in critic.parameters()]
    names = [name for name, _ in critic.named_parameters()]
    real, fake = draw(4, 3), draw(4, 3, seed=2)

    for penalty in (GradientPenalty(), R1(), R2()):

        def value(*values: Tensor, penalty: Penalty = penalty) -> Tensor:
            replaced = dict(zip(names, values, strict=True))
            return penalty(Critic(lambda x: torch.func.functional_call(critic, replaced, (x,))), real, fake, rng())

        assert torch.autograd.gradcheck(value, weights)


@pytest.mark.parametrize("penalty", [GradientPenalty(), R1(), R2()])
def test_a_flat_critic_has_a_finite_penalty_and_gradient(penalty: Penalty) -> None:
    weights = torch.zeros(2, dtype=D, requires_grad=True)
    value = penalty(linear(weights), draw(4, 2), draw(4, 2), rng())
    value.backward()
    assert value.item() == pytest.approx(10 if isinstance(penalty, GradientPenalty) else 0)
    assert weights.grad is not None
    assert torch.isfinite(weights.grad).all()


@pytest.mark.parametrize("penalty", [GradientPenalty(), R1(), R2()])
def test_a_samples_share_does_not_depend_on_its_neighbours(penalty: Penalty) -> None:
    @Critic
    def critic(x: Tensor) -> Tensor:
        return (x**3).flatten(1).sum(1)

    def value(x: Tensor) -> float:  # where real equals fake, so does every point between them
        return penalty(critic, x, x, rng()).item()

    a, b, c = (draw(1, 1, 3, 3, seed=seed) for seed in (1, 2, 3))
    assert value(torch.cat([a, b, c])) == pytest.approx((value(a) + value(b) + value(c)) / 3)
    assert value(torch.cat([a, a, a, a])) == pytest.approx(value(a))


@pytest.mark.parametrize("penalty", [GradientPenalty(), R1(), R2()])
def test_nothing_flows_back_into_the_samples(penalty: Penalty) -> None:
    generator = nn.Linear(3, 2).double()
    real = draw(4, 2).requires_grad_()
    weights = torch.tensor([3.0, 4.0], dtype=D, requires_grad=True)
    penalty(linear(weights), real, generator(draw(4, 3)), rng()).backward()
    assert weights.grad is not None
    assert real.grad is None
    assert all(parameter.grad is None for parameter in generator.parameters())


def test_input_gradients_are_those_of_each_sample() -> None:
    x = draw(5, 2, 3)
    gradients = input_gradients(Critic(lambda points: (points**3).flatten(1).sum(1)), x)
    torch.testing.assert_close(gradients, (3 * x**2).flatten(1))
    assert gradients.requires_grad
    assert not x.requires_grad


def test_penalties_leave_torchs_own_stream_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    GradientPenalty()(half_square, draw(4, 2), draw(4, 2), rng())
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_are_clipped_in_place_biases_too() -> None:
    critic = nn.Linear(2, 1)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([[0.5, -0.005]]))
        critic.bias.fill_(-3.0)
    held = critic.weight
    WeightClip().project(critic)
    assert critic.weight is held
    assert critic.weight.tolist() == [[pytest.approx(0.01), pytest.approx(-0.005)]]
    assert critic.bias.tolist() == [pytest.approx(-0.01)]
    assert critic.weight.requires_grad


def test_what_penalties_declare() -> None:
    for penalty in (GradientPenalty(), R1(), R2()):
        assert (penalty.constrains, penalty.differentiable, penalty.double_backward) == ("gradient", True, True)
        penalty.project(nn.Linear(1, 1))  # nothing to project, and no error
    clip = WeightClip()
    assert (clip.constrains, clip.differentiable, clip.double_backward) == ("weights", False, False)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: GradientPenalty(lambda_gp=-0.1), "lambda_gp=-0.1 must not be negative"),
        (lambda: R1(gamma=-1), "gamma=-1 must not be negative"),
        (lambda: R2(gamma=-1), "gamma=-1 must not be negative"),
        (lambda: WeightClip(clip=0), "clip=0 must be positive"),
    ],
)
def test_values_that_make_no_sense_are_refused(build: Callable[[], Penalty], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()
