"""One-sided, perturbed, LeCam and consistency penalties on critics whose values and gradients are known."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Penalty
from ganbench.penalties.consistency import Consistency, move
from ganbench.penalties.dragan import PerturbedPenalty
from ganbench.penalties.gradient import GradientPenalty, LipschitzPenalty
from ganbench.penalties.lecam import LeCam
from ganbench.penalties.zero_centred import R1, R2
from tests.critics import Critic, D, draw, half_square, linear, rng


@pytest.mark.parametrize("n", [1, 2, 7, 64])
@pytest.mark.parametrize("shape", [(2,), (3, 5, 7)])
@pytest.mark.parametrize("cls", [LipschitzPenalty, PerturbedPenalty])
def test_a_steep_linear_critic_pays_the_squared_excess_of_its_slope(cls: Any, n: int, shape: tuple[int, ...]) -> None:
    weights = torch.zeros(shape, dtype=D)
    weights.view(-1)[0], weights.view(-1)[-1] = 3.0, 4.0
    penalty = cls()(linear(weights), draw(n, *shape), draw(n, *shape, seed=2), rng())
    assert penalty.shape == ()
    assert penalty.item() == pytest.approx(10 * (5 - 1) ** 2)


@pytest.mark.parametrize(
    ("slope", "one_sided", "two_sided"), [(0.25, 0.0, 10 * 0.75**2), (1.0, 0.0, 0.0), (2.0, 10.0, 10.0)]
)
def test_one_side_and_two(slope: float, one_sided: float, two_sided: float) -> None:
    weights = torch.tensor([slope, 0.0], dtype=D)
    arguments = linear(weights), draw(5, 2), draw(5, 2), rng()
    assert LipschitzPenalty()(*arguments).item() == pytest.approx(one_sided)
    assert PerturbedPenalty()(*arguments).item() == pytest.approx(two_sided)


def test_the_one_sided_penalty_looks_where_the_two_sided_does() -> None:
    """D = |x|²/2 on points far out, where every slope is above 1: both pay the same."""
    real, fake = 50 + draw(6, 2), 60 + draw(6, 2, seed=2)
    assert LipschitzPenalty()(half_square, real, fake, rng(3)).item() == pytest.approx(
        GradientPenalty()(half_square, real, fake, rng(3)).item()
    )


def test_perturbed_points_are_real_samples_plus_gaussian_noise() -> None:
    seen: list[Tensor] = []

    @Critic
    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach().clone())
        return half_square(x)

    real = draw(4000, 3)
    PerturbedPenalty(sigma=0.3)(critic, real, real + 1000, rng())
    noise = seen[0] - real
    assert noise.mean().item() == pytest.approx(0, abs=0.02)
    assert noise.std().item() == pytest.approx(0.3, rel=0.03)
    PerturbedPenalty(sigma=0)(critic, real, real, rng())
    assert torch.equal(seen[1], real)


@pytest.mark.parametrize("penalty", [LipschitzPenalty(), PerturbedPenalty(), Consistency(shift=2)])
def test_what_is_drawn_is_drawn_from_the_stream_that_is_given(penalty: Penalty) -> None:
    real, fake = draw(6, 1, 5, 5), draw(6, 1, 5, 5, seed=2)

    @Critic
    def critic(x: Tensor) -> Tensor:
        return (x * draw(5, 5, seed=3)).square().flatten(1).sum(1)

    before = torch.get_rng_state()
    one, again, other = (penalty(critic, real, fake, rng(seed)).item() for seed in (0, 0, 1))
    assert one == again != other
    assert torch.equal(torch.get_rng_state(), before), "and torch's own is left alone"


@pytest.mark.parametrize("penalty", [LipschitzPenalty(), PerturbedPenalty()])
def test_gradient_penalties_differentiate_twice_and_leave_the_samples_alone(penalty: Penalty) -> None:
    """d/dw λ(|w| - 1)² = 2·10·4·(0.6, 0.8) at w = (3, 4)."""
    weights = torch.tensor([3.0, 4.0], dtype=D, requires_grad=True)
    real, generator = draw(4, 2).requires_grad_(), nn.Linear(3, 2).double()
    penalty(linear(weights), real, generator(draw(4, 3)), rng()).backward()
    assert weights.grad is not None
    assert weights.grad.tolist() == pytest.approx([48.0, 64.0])
    assert real.grad is None
    assert generator.weight.grad is None


@pytest.mark.parametrize("penalty", [LipschitzPenalty(), PerturbedPenalty()])
def test_a_flat_critic_has_a_finite_penalty_and_gradient(penalty: Penalty) -> None:
    weights = torch.zeros(2, dtype=D, requires_grad=True)
    penalty(linear(weights), draw(4, 2), draw(4, 2), rng()).backward()
    assert weights.grad is not None
    assert torch.isfinite(weights.grad).all()


def test_lecam_by_hand() -> None:
    """Decay 1/2. First update against averages of 0, which leaves a_r = 2 / 2, a_f = -2 / 2 for the second."""
    penalty = LeCam(lambda_lc=0.1, decay=0.5)
    first = penalty.on_outputs(torch.tensor([1.0, 3.0]), torch.tensor([-3.0, -1.0]))
    assert first.item() == pytest.approx(0.1 * ((1 + 9) / 2 + (9 + 1) / 2))
    second = penalty.on_outputs(torch.tensor([4.0]), torch.tensor([-3.0]))
    assert second.item() == pytest.approx(0.1 * ((4 + 1) ** 2 + (-3 - 1) ** 2))


def test_lecam_pulls_outputs_to_the_other_sides_average() -> None:
    penalty = LeCam(lambda_lc=1.0, start=1)
    penalty.on_outputs(torch.tensor([2.0]), torch.tensor([-1.0]))
    r, f = torch.tensor([5.0], requires_grad=True), torch.tensor([-4.0], requires_grad=True)
    penalty.on_outputs(r, f).backward()
    assert r.grad is not None
    assert f.grad is not None
    assert (r.grad.item(), f.grad.item()) == (2 * (5 + 1), 2 * (-4 - 2))  # the averages themselves are constants


def test_lecam_waits_for_its_start() -> None:
    penalty = LeCam(lambda_lc=1.0, start=2)
    outputs = [(torch.tensor([float(k)]), torch.tensor([0.0])) for k in (1, 5, 7)]
    values = [penalty.on_outputs(*pair).item() for pair in outputs]
    assert values[:2] == [0.0, 0.0]
    assert values[2] == pytest.approx(7**2 + 5**2)  # until the start the latest means stand


def test_until_its_start_lecam_is_nothing_whatever_the_outputs() -> None:
    outputs = torch.tensor([1.0, -1.0], requires_grad=True)
    value = LeCam(start=1).on_outputs(outputs, torch.tensor([2.0, -2.0]))
    assert value.item() == 0.0
    value.backward()
    assert outputs.grad is not None
    assert outputs.grad.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("start", [0, 4])
def test_lecam_resumes_exactly(start: int) -> None:
    def outputs(k: int) -> tuple[Tensor, Tensor]:
        return torch.randn(8, generator=rng(k)), torch.randn(8, generator=rng(100 + k))

    whole, first, second = LeCam(start=start), LeCam(start=start), LeCam(start=start)
    expected = [whole.on_outputs(*outputs(k)).item() for k in range(6)]
    for k in range(3):
        first.on_outputs(*outputs(k))
    second.load_state_dict(first.state_dict())
    assert [second.on_outputs(*outputs(k)).item() for k in range(3, 6)] == expected[3:]
    fresh = LeCam(start=start)
    fresh.load_state_dict(LeCam().state_dict())
    assert fresh.on_outputs(*outputs(0)).item() == expected[0]


def test_lecam_called_with_samples_is_lecam_of_their_outputs() -> None:
    real, fake = draw(4, 2), draw(4, 2, seed=2)
    one = LeCam()(half_square, real, fake, rng())
    assert one.item() == LeCam().on_outputs(half_square(real), half_square(fake)).item()


def ramp(size: int) -> Tensor:
    """One image whose pixel (i, j) is i + 100 j."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return (rows + 100 * columns).double().view(1, 1, size, size)


def test_moves_are_shifts_and_mirror_images_each_equally_often() -> None:
    images = ramp(8).expand(4000, 2, 8, 8)
    moved = move(images, 2, rng(), flip=True)
    assert moved.shape == images.shape
    assert torch.equal(moved[:, 0], moved[:, 1])  # all channels move together
    middle = moved[:, 0, 3:5, 3:5]  # no border within a shift of 2
    down = middle[:, 1, 0] - middle[:, 0, 0]
    across = middle[:, 0, 1] - middle[:, 0, 0]
    assert (down == 1).all()
    assert set(across.tolist()) == {100.0, -100.0}
    assert (across < 0).double().mean().item() == pytest.approx(0.5, abs=0.04)
    rows = moved[across > 0, 0, 3, 3] % 100 - 3
    counts = torch.bincount((rows + 2).long(), minlength=5).double()
    assert len(counts) == 5
    assert (counts / counts.sum() - 0.2).abs().max() < 0.05
    assert torch.equal(move(images, 0, rng(), flip=False), images)


def test_a_shift_down_says_nothing_of_the_shift_across() -> None:
    pixels = move(ramp(8).expand(5000, 1, 8, 8), 2, rng(), flip=False)[:, 0, 3, 3].long()
    counts = torch.bincount((pixels % 100 - 1) * 5 + pixels // 100 - 1, minlength=25)
    assert len(counts) == 25
    assert (counts - 200).abs().max() < 60, "each of the 25 shifts equally often, to about four standard errors"


def test_a_row_enters_as_the_reflection_of_the_image() -> None:
    for seed in range(20):
        moved = move(ramp(6), 1, rng(seed), flip=False)[0, 0] % 100
        top = moved[:, 0].tolist()
        assert top in ([1, 0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 4])


def test_consistency_by_hand() -> None:
    """D reads one pixel of a ramp, so what a move changes is known from the move."""
    real, fake = ramp(8).expand(3, 1, 8, 8), 2 * ramp(8).expand(3, 1, 8, 8)

    @Critic
    def critic(x: Tensor) -> Tensor:
        return x[:, 0, 4, 4]

    stream = rng(5)
    by_real = (critic(real) - critic(move(real, 2, stream, flip=True))).square().mean()
    by_fake = (critic(fake) - critic(move(fake, 2, stream, flip=True))).square().mean()
    found = Consistency(lambda_real=3, lambda_fake=0.5, shift=2)(critic, real, fake, rng(5))
    assert found.item() == pytest.approx((3 * by_real + 0.5 * by_fake).item())
    assert by_real > 0


def test_a_critic_that_moving_does_not_impress_pays_nothing() -> None:
    images = torch.ones(4, 1, 8, 8)
    assert Consistency(lambda_fake=10)(half_square, images, images, rng()).item() == 0
    assert Consistency(lambda_real=0)(half_square, draw(4, 1, 8, 8), draw(4, 1, 8, 8), rng()).item() == 0


def test_both_opinions_of_an_image_are_differentiated() -> None:
    weight = torch.tensor(2.0, dtype=D, requires_grad=True)
    images = draw(4, 1, 8, 8)

    def value(scale: float) -> Tensor:
        return Consistency()(Critic(lambda x: scale * weight * x[:, 0, 4, 4]), images, images, rng())

    values = [value(1.0), value(1.001)]
    values[0].backward()
    assert weight.grad is not None
    # The penalty is quadratic in w, so its derivative is twice its value over w.
    assert weight.grad.item() == pytest.approx(2 * values[0].item() / 2.0)
    assert values[1].item() == pytest.approx(values[0].item() * 1.001**2)


def test_what_they_declare() -> None:
    for penalty in (LipschitzPenalty(), PerturbedPenalty()):
        assert (penalty.constrains, penalty.double_backward, penalty.of_outputs) == ("gradient", True, False)
    for other in (LeCam(), Consistency()):
        assert (other.constrains, other.double_backward) == ("outputs", False)
    assert LeCam.of_outputs
    assert Consistency.kinds == ("image",)
    assert math.prod(bool(cls.formula) for cls in (LipschitzPenalty, PerturbedPenalty, LeCam, Consistency))


def test_what_they_start_from_are_the_papers_numbers() -> None:
    plain, around, averages = Consistency(), PerturbedPenalty(), LeCam()
    assert (plain.lambda_real, plain.lambda_fake, plain.shift, plain.flip) == (10.0, 0.0, 4, True)
    assert (around.lambda_dragan, around.sigma) == (10.0, 0.08)
    assert (averages.lambda_lc, averages.decay, averages.start) == (0.3, 0.99, 0)
    assert LeCam(decay=0).decay == 0, "the latest means are averages too"


@pytest.mark.parametrize(
    "penalty",
    [LipschitzPenalty(lambda_lp=0), PerturbedPenalty(lambda_dragan=0), LeCam(lambda_lc=0), R1(gamma=0), R2(gamma=0)],
)
def test_a_weight_of_nothing_is_a_weight(penalty: Penalty) -> None:
    assert penalty(half_square, draw(3, 1, 6, 6), draw(3, 1, 6, 6, seed=2), rng()).item() == 0


@pytest.mark.parametrize("shape", [(4, 9), (9, 4)])
def test_a_shift_is_less_than_the_shorter_side(shape: tuple[int, int]) -> None:
    images = draw(2, 1, *shape)
    with pytest.raises(ValueError, match="shift=4 must be less than the side of the images, 4"):
        Consistency(shift=4)(half_square, images, images, rng())
    assert Consistency(shift=3)(half_square, images, images, rng()).isfinite()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LipschitzPenalty(lambda_lp=-1), "lambda_lp=-1 must not be negative"),
        (lambda: PerturbedPenalty(lambda_dragan=-1), "lambda_dragan=-1 must not be negative"),
        (lambda: PerturbedPenalty(sigma=-1), "sigma=-1 must not be negative"),
        (lambda: LeCam(lambda_lc=-1), "lambda_lc=-1 must not be negative"),
        (lambda: LeCam(decay=1), r"decay=1 must be in \[0, 1\)"),
        (lambda: LeCam(start=-1), "start=-1 must not be negative"),
        (lambda: Consistency(lambda_real=-1), "lambda_real=-1 must not be negative"),
        (lambda: Consistency(lambda_fake=-1), "lambda_fake=-1 must not be negative"),
        (lambda: Consistency(shift=-1), "shift=-1 must not be negative"),
        (lambda: Consistency(shift=8)(half_square, draw(1, 1, 8, 8), draw(1, 1, 8, 8), rng()), "shift=8 must be less"),
    ],
)
def test_values_that_make_no_sense_are_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()
