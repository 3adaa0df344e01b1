"""Losses at logits whose values and gradients are worked out by hand."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench import plugins
from ganbench.api import Loss
from ganbench.losses.hinge import Hinge, SoftplusMargin
from ganbench.losses.lsgan import LSGAN, SigmoidLSGAN
from ganbench.losses.vanilla import DRAGAN, Minimax, Vanilla
from ganbench.losses.wgan import WGAN, WGANGP, WGANLP
from ganbench.penalties.clip import WeightClip
from ganbench.penalties.dragan import PerturbedPenalty
from ganbench.penalties.gradient import GradientPenalty, LipschitzPenalty
from ganbench.spec import Recipe

ALL: list[type[Loss]] = [
    Vanilla, Minimax, DRAGAN, LSGAN, SigmoidLSGAN, WGAN, WGANGP, WGANLP, Hinge, SoftplusMargin
]  # fmt: skip
SMOOTHABLE: list[Any] = [Vanilla, Minimax, DRAGAN, LSGAN, SigmoidLSGAN]

# softplus(x) = log(1 + e^x), to ten digits
S_2, S_1, S0, S1, S2 = 0.1269280110, 0.3132616875, 0.6931471806, 1.3132616875, 2.1269280110
LN2 = math.log(2)


def t(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize(
    ("loss", "real", "fake", "value"),
    [
        (Vanilla(), [0, 0], [0, 0, 0], 2 * LN2),
        (Vanilla(), [1, -1], [2, 0], (S_1 + S1) / 2 + (S2 + S0) / 2),
        (Minimax(), [1, -1], [2, 0], (S_1 + S1) / 2 + (S2 + S0) / 2),
        (LSGAN(), [1, 3], [0, 2], 0.5 * 2 + 0.5 * 2),
        (LSGAN(), [1, 1], [0, 0], 0),
        (LSGAN(), [0], [0], 0.5),
        (LSGAN(), [1], [1], 0.5),
        (WGAN(), [3, 1], [1, 0], 0.5 - 2),
        (WGANGP(), [3, 1], [1, 0], 0.5 - 2),
        (Hinge(), [2, 0, -1], [-2, 0, 1], 1 + 1),
        (Hinge(), [1, 5], [-1, -7], 0),
        (DRAGAN(), [1, -1], [2, 0], (S_1 + S1) / 2 + (S2 + S0) / 2),
        (WGANLP(), [3, 1], [1, 0], 0.5 - 2),
        # sigmoid(ln 3) = 3/4, sigmoid(-ln 3) = 1/4
        (SigmoidLSGAN(), [math.log(3)], [-math.log(3)], 0.5 * (1 / 16) + 0.5 * (1 / 16)),
        (SigmoidLSGAN(), [0, math.log(3)], [0], 0.5 * (1 / 4 + 1 / 16) / 2 + 0.5 / 4),
        (SoftplusMargin(), [1, 0], [-1, 0], (S0 + S1) / 2 + (S0 + S1) / 2),
        (SoftplusMargin(margin=0), [1, -1], [2, 0], (S_1 + S1) / 2 + (S2 + S0) / 2),
        (SoftplusMargin(sharpness=2), [0.5], [0], S1 / 2 + S2 / 2),
    ],
)
def test_what_the_discriminator_minimises(loss: Loss, real: list[float], fake: list[float], value: float) -> None:
    found = loss.discriminator(t(*real), t(*fake))
    assert found.shape == ()
    assert found.item() == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    ("loss", "fake", "value"),
    [
        (Vanilla(), [0, 0, 0], LN2),
        (Vanilla(), [2, 0], (S_2 + S0) / 2),
        (Minimax(), [0], -LN2),
        (Minimax(), [2, 0], -(S2 + S0) / 2),
        (LSGAN(), [0, 2], 0.5),
        (LSGAN(), [1, 1], 0),
        (LSGAN(), [3], 2),
        (WGAN(), [1, 0], -0.5),
        (WGANGP(), [1, 0], -0.5),
        (Hinge(), [-2, 0, 1], 1 / 3),
        (DRAGAN(), [2, 0], (S_2 + S0) / 2),
        (WGANLP(), [1, 0], -0.5),
        (SigmoidLSGAN(), [math.log(3), -math.log(3)], 0.5 * (1 / 16 + 9 / 16) / 2),
        (SoftplusMargin(), [-2, 0, 1], 1 / 3),
    ],
)
def test_what_the_generator_minimises(loss: Loss, fake: list[float], value: float) -> None:
    found = loss.generator(t(*fake), None)
    assert found.shape == ()
    assert found.item() == pytest.approx(value, abs=1e-9)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize(
    ("loss", "real", "fake", "by_real", "by_fake"),
    [
        (Vanilla(), [0, 3], [0, 3], [-0.25, -sigmoid(-3) / 2], [0.25, sigmoid(3) / 2]),
        (LSGAN(), [3, 1], [3, 0], [1, 0], [1.5, 0]),
        (WGAN(), [3, 1], [3, 0], [-0.5, -0.5], [0.5, 0.5]),
        (Hinge(), [2, 0], [-2, 0], [0, -0.5], [0, 0.5]),
    ],
)
def test_the_discriminators_gradients(
    loss: Loss, real: list[float], fake: list[float], by_real: list[float], by_fake: list[float]
) -> None:
    r, f = t(*real), t(*fake)
    loss.discriminator(r, f).backward()
    assert r.grad is not None
    assert f.grad is not None
    assert r.grad.tolist() == pytest.approx(by_real)
    assert f.grad.tolist() == pytest.approx(by_fake)


@pytest.mark.parametrize(
    ("loss", "fake", "by_fake"),
    [
        (Vanilla(), [0, 3], [-0.25, -sigmoid(-3) / 2]),
        (Minimax(), [0, 3], [-0.25, -sigmoid(3) / 2]),
        (LSGAN(), [3, 0], [1, -0.5]),
        (WGAN(), [3, 0], [-0.5, -0.5]),
        (Hinge(), [-5, 5], [-0.5, -0.5]),
    ],
)
def test_the_generators_gradients(loss: Loss, fake: list[float], by_fake: list[float]) -> None:
    f = t(*fake)
    loss.generator(f, None).backward()
    assert f.grad is not None
    assert f.grad.tolist() == pytest.approx(by_fake)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_vanilla_does_not_saturate_and_minimax_does(dtype: torch.dtype) -> None:
    """At f = -30 the discriminator is sure. The gradient is -sigmoid(30) there, or -sigmoid(-30) = -9.36e-14."""
    gradients = {}
    for loss in (Vanilla(), Minimax()):
        f = torch.tensor([-30.0], dtype=dtype, requires_grad=True)
        loss.generator(f, None).backward()
        assert f.grad is not None
        gradients[type(loss)] = f.grad.item()
    assert gradients[Vanilla] == pytest.approx(-1, abs=1e-6)
    assert gradients[Minimax] == pytest.approx(-9.3576e-14, rel=1e-3)


@pytest.mark.parametrize("cls", ALL)
def test_gradients_agree_with_finite_differences(cls: type[Loss]) -> None:
    torch.manual_seed(1)
    r, f = (torch.randn(5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    with torch.no_grad():
        for outputs in (r, f):  # away from the hinge's corners
            outputs[(outputs.abs() - 1).abs() < 0.01] += 0.1
    loss = cls()
    assert torch.autograd.gradcheck(loss.discriminator, (r, f))
    assert torch.autograd.gradcheck(lambda x: loss.generator(x, None), (f,))
    assert torch.autograd.gradgradcheck(loss.discriminator, (r, f))


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("size", [30.0, 50.0, 1e3, 1e4])
def test_large_outputs_give_finite_losses_and_gradients(cls: type[Loss], size: float) -> None:
    loss = cls()
    for r_sign, f_sign in [(1, 1), (1, -1), (-1, 1), (-1, -1)]:
        r = torch.full((4,), r_sign * size, requires_grad=True)
        f = torch.full((4,), f_sign * size, requires_grad=True)
        for value in (loss.discriminator(r, f), loss.generator(f, None)):
            assert torch.isfinite(value)
        (loss.discriminator(r, f) + loss.generator(f, None)).backward()
        assert r.grad is not None
        assert f.grad is not None
        assert torch.isfinite(r.grad).all()
        assert torch.isfinite(f.grad).all()


def test_the_smooth_hinge_becomes_the_hinge() -> None:
    r, f = t(2, 0.3, -1), t(-2, 0.3, 1)
    sharp = SoftplusMargin(sharpness=1e4)
    assert sharp.discriminator(r, f).item() == pytest.approx(Hinge().discriminator(r, f).item(), abs=1e-6)
    assert sharp.generator(f, None).item() == Hinge().generator(f, None).item()
    with pytest.raises(ValueError, match="sharpness=0 must be positive"):
        SoftplusMargin(sharpness=0)


def test_least_squares_on_probabilities_is_bounded_and_saturates() -> None:
    """The generator's gradient at f is (p - 1) p (1 - p): -1/8 at 0, and nothing far out, where ``lsgan`` has f - 1."""
    f = t(0, -30)
    SigmoidLSGAN().generator(f, None).backward()
    assert f.grad is not None
    assert f.grad[0].item() == pytest.approx(-1 / 8 / 2)
    assert abs(f.grad[1].item()) < 1e-12
    assert SigmoidLSGAN().discriminator(t(-1e4), t(1e4)).item() == pytest.approx(1)


def test_a_wrong_and_sure_discriminator_pays_in_proportion() -> None:
    """softplus(1e4) is 1e4: nothing is clamped away."""
    r, f = torch.full((2,), -1e4), torch.full((2,), 1e4)
    assert Vanilla().discriminator(r, f).item() == pytest.approx(2e4)
    assert Minimax().generator(f, None).item() == pytest.approx(-1e4)


@pytest.mark.parametrize("cls", [Vanilla, Minimax])
def test_label_smoothing_of_cross_entropy(cls: Any) -> None:
    loss = cls()
    one_sided = loss.discriminator(t(1), t(0), real_label=0.9, fake_label=0.0)
    assert one_sided.item() == pytest.approx(0.9 * S_1 + 0.1 * S1 + S0, abs=1e-9)
    two_sided = loss.discriminator(t(1), t(2), real_label=0.9, fake_label=0.1)
    assert two_sided.item() == pytest.approx(0.9 * S_1 + 0.1 * S1 + 0.1 * S_2 + 0.9 * S2, abs=1e-9)


def test_a_smoothed_label_is_reached_at_its_logit() -> None:
    r, f = t(math.log(9)), t(-math.log(9))
    Vanilla().discriminator(r, f, real_label=0.9, fake_label=0.1).backward()
    assert r.grad is not None
    assert f.grad is not None
    assert r.grad.item() == pytest.approx(0, abs=1e-12)
    assert f.grad.item() == pytest.approx(0, abs=1e-12)


def test_label_smoothing_of_least_squares() -> None:
    loss = LSGAN()
    assert loss.discriminator(t(0.9), t(0.1), real_label=0.9, fake_label=0.1).item() == pytest.approx(0)
    assert loss.discriminator(t(1), t(0), real_label=0.9, fake_label=0.0).item() == pytest.approx(0.005)
    assert loss.discriminator(t(1), t(0), real_label=1.0, fake_label=0.2).item() == pytest.approx(0.02)


def test_label_smoothing_of_least_squares_on_probabilities() -> None:
    """Probabilities of 3/4 for real and 1/4 for fake are what is asked for, or a quarter off."""
    r, f = t(math.log(3)), t(-math.log(3))
    found = [SigmoidLSGAN().discriminator(r, f, *labels).item() for labels in ((0.75, 0.25), (0.75, 0.0), (1.0, 0.25))]
    assert found == pytest.approx([0, 0.5 / 16, 0.5 / 16])


@pytest.mark.parametrize("cls", SMOOTHABLE)
def test_labels_of_one_and_zero_are_no_smoothing(cls: Any) -> None:
    r, f = t(0.3, -2), t(1, 0.2)
    plain = cls().discriminator(r, f)
    assert cls().discriminator(r, f, real_label=1.0, fake_label=0.0).item() == plain.item()


@pytest.mark.parametrize("cls", SMOOTHABLE)
def test_smoothing_varies_continuously(cls: Any) -> None:
    r, f = t(0.3, -2), t(1, 0.2)
    almost = cls().discriminator(r, f, real_label=1.0 - 1e-9, fake_label=1e-9)
    assert almost.item() == pytest.approx(cls().discriminator(r, f).item(), abs=1e-7)


def test_what_losses_declare() -> None:
    assert [cls for cls in ALL if cls.smoothable] == SMOOTHABLE
    assert not any(cls.needs_real for cls in ALL)
    assert all(all(cls.formula) for cls in ALL)
    assert [cls for cls in ALL if cls().penalty is not None] == [DRAGAN, WGAN, WGANGP, WGANLP]


def test_the_penalties_that_wasserstein_losses_carry() -> None:
    assert isinstance(WGAN().penalty, WeightClip)
    assert WGAN().penalty.clip == 0.01  # type: ignore[union-attr]
    assert WGAN(clip=0.1).penalty.clip == 0.1  # type: ignore[union-attr]
    assert isinstance(WGANGP().penalty, GradientPenalty)
    assert WGANGP().penalty.lambda_gp == 10.0  # type: ignore[union-attr]
    assert WGANGP(lambda_gp=1.0).penalty.lambda_gp == 1.0  # type: ignore[union-attr]
    one_sided = WGANLP(lambda_lp=5.0).penalty
    assert isinstance(one_sided, LipschitzPenalty)
    assert one_sided.lambda_lp == 5.0
    plain = DRAGAN().penalty
    assert isinstance(plain, PerturbedPenalty)
    assert (plain.lambda_dragan, plain.sigma) == (10.0, 0.08)
    around = DRAGAN(lambda_dragan=3.0, sigma=0.5).penalty
    assert isinstance(around, PerturbedPenalty)
    assert (around.lambda_dragan, around.sigma) == (3.0, 0.5)
    with pytest.raises(ValueError, match="clip=-1 must be positive"):
        WGAN(clip=-1)
    with pytest.raises(ValueError, match="lambda_gp=-1 must not be negative"):
        WGANGP(lambda_gp=-1)


def test_recommended_recipes_are_recipes() -> None:
    registry = plugins.load(environ={"GANBENCH_PLUGINS": ""}).registry
    for entry in registry.entries("loss"):
        Recipe(**entry.load().recommends)
    gp = Recipe(**WGANGP.recommends)
    assert (gp.n_critic, gp.optimizer, gp.g_lr, gp.d_lr, gp.beta1, gp.beta2) == (5, "adam", 1e-4, 1e-4, 0.0, 0.9)
    clipped = Recipe(**WGAN.recommends)
    assert (clipped.n_critic, clipped.optimizer, clipped.g_lr, clipped.d_lr) == (5, "rmsprop", 5e-5, 5e-5)
