"""The f-GAN family against the definitions it comes from: conjugates and divergences computed anew, by brute force."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ganbench.losses.fgan import KL, Divergence, JensenShannon, Pearson, ReverseKL, SquaredHellinger
from ganbench.losses.vanilla import Minimax, Vanilla

Convex = Callable[[Tensor], Tensor]
D = torch.float64

# f of table 1, each with f(1) = 0
GENERATORS: dict[type[Divergence], Convex] = {
    KL: lambda u: u * u.log(),
    ReverseKL: lambda u: -u.log(),
    Pearson: lambda u: (u - 1).square(),
    SquaredHellinger: lambda u: (u.sqrt() - 1).square(),
    JensenShannon: lambda u: u * u.log() - (u + 1) * ((u + 1) / 2).log(),
}
MEMBERS = list(GENERATORS)


def t(*values: float) -> Tensor:
    return torch.tensor(values, dtype=D, requires_grad=True)


@pytest.mark.parametrize("cls", MEMBERS)
def test_the_conjugate_is_the_convex_conjugate_of_f(cls: type[Divergence]) -> None:
    """f*(t) = sup over u > 0 of u t - f(u), over a fine grid. Pearson's holds where u > 0 reaches it, t > -2."""
    u = torch.logspace(-6, 4, 200_001, dtype=D)
    for v in (-1.5, -0.5, 0.0, 0.5, 1.5):
        raw = torch.tensor(v, dtype=D)
        supremum = (u * cls().activation(raw) - GENERATORS[cls](u)).max().item()
        assert cls().conjugate(raw).item() == pytest.approx(supremum, abs=1e-5)


@pytest.mark.parametrize("cls", MEMBERS)
def test_the_best_discriminator_finds_the_divergence(cls: type[Divergence]) -> None:
    """On two points, P = (3/4, 1/4) and Q = (1/2, 1/2), each with a raw output of its own."""
    p, q = torch.tensor([0.75, 0.25], dtype=D), torch.tensor([0.5, 0.5], dtype=D)
    divergence = (q * GENERATORS[cls](p / q)).sum().item()
    v = torch.linspace(-6, 6, 120_001, dtype=D)
    loss = cls()
    bound = sum((p[i] * loss.activation(v) - q[i] * loss.conjugate(v)).max().item() for i in range(2))
    assert bound == pytest.approx(divergence, abs=1e-6)


@pytest.mark.parametrize(
    ("cls", "known"),
    [
        (KL, 0.75 * math.log(1.5) + 0.25 * math.log(0.5)),
        (ReverseKL, -0.5 * math.log(1.5) - 0.5 * math.log(0.5)),
        (Pearson, 0.25),
        (SquaredHellinger, (math.sqrt(0.75) - math.sqrt(0.5)) ** 2 + (0.5 - math.sqrt(0.5)) ** 2),
    ],
)
def test_divergences_by_hand(cls: type[Divergence], known: float) -> None:
    p, q = torch.tensor([0.75, 0.25], dtype=D), torch.tensor([0.5, 0.5], dtype=D)
    assert (q * GENERATORS[cls](p / q)).sum().item() == pytest.approx(known)


@pytest.mark.parametrize(
    ("loss", "real", "fake", "value"),
    [
        (KL(), [2, 0], [1, 1], 1 - 1),
        (ReverseKL(), [0, 0], [3, 1], 1 + 2 - 1),
        (Pearson(), [1, 3], [2, 0], (3 + 0) / 2 - 2),
        (SquaredHellinger(), [0], [0], 0),
        (SquaredHellinger(), [math.log(2)], [-math.log(4)], 1 / 2 + 1 / 4 - 2),
        (JensenShannon(), [0, 0], [0], 0),
    ],
)
def test_what_the_discriminator_minimises(loss: Divergence, real: list[float], fake: list[float], value: float) -> None:
    found = loss.discriminator(t(*real), t(*fake))
    assert found.shape == ()
    assert found.item() == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    ("cls", "fake", "value", "saturating"),
    [
        (KL, [2, 0], -1, -(math.e + math.exp(-1)) / 2),
        (ReverseKL, [0, math.log(2)], 0.75, -(math.log(2) - 2) / 2),
        (Pearson, [2, 0], -1, -3 / 2),
        (SquaredHellinger, [math.log(2)], -1 / 2, -1),
        (JensenShannon, [0], 0, 0),
    ],
)
def test_what_the_generator_minimises(
    cls: type[Divergence], fake: list[float], value: float, saturating: float
) -> None:
    assert cls().generator(t(*fake), None).item() == pytest.approx(value, abs=1e-12)
    assert cls(saturating=True).generator(t(*fake), None).item() == pytest.approx(saturating, abs=1e-12)


def test_jensen_shannon_has_the_gradients_of_the_original_game() -> None:
    for ours, original in ((JensenShannon(), Vanilla()), (JensenShannon(saturating=True), Minimax())):
        gradients = []
        for loss in (ours, original):
            r, f = t(1, -2, 0.3), t(0.5, 4, -1)
            loss.discriminator(r, f).backward()
            g = t(0.5, 4, -1)
            loss.generator(g, None).backward()
            assert r.grad is not None
            assert f.grad is not None
            assert g.grad is not None
            gradients.append(torch.cat([r.grad, f.grad, g.grad]))
        torch.testing.assert_close(gradients[0], gradients[1])


@pytest.mark.parametrize("saturating", [False, True])
@pytest.mark.parametrize("cls", MEMBERS)
def test_gradients_agree_with_finite_differences(cls: type[Divergence], saturating: bool) -> None:
    torch.manual_seed(1)
    r, f = (torch.randn(5, dtype=D, requires_grad=True) for _ in range(2))
    loss = cls(saturating=saturating)
    assert torch.autograd.gradcheck(loss.discriminator, (r, f))
    assert torch.autograd.gradcheck(lambda x: loss.generator(x, None), (f,))
    assert torch.autograd.gradgradcheck(loss.discriminator, (r, f))


@pytest.mark.parametrize("cls", MEMBERS)
def test_both_players_pull_the_right_way(cls: type[Divergence]) -> None:
    r, f, g = t(1, -1, 0), t(1, -1, 0), t(1, -1, 0)
    cls().discriminator(r, f).backward()
    cls().generator(g, None).backward()
    assert r.grad is not None
    assert f.grad is not None
    assert g.grad is not None
    assert (r.grad < 0).all()
    assert (f.grad > 0).all()
    assert (g.grad < 0).all()


@pytest.mark.parametrize("cls", MEMBERS)
def test_outputs_up_to_fifty_are_finite(cls: type[Divergence]) -> None:
    r, f = torch.linspace(-50, 50, 11, requires_grad=True), torch.linspace(-50, 50, 11, requires_grad=True)
    for loss in (cls(), cls(saturating=True)):
        total = loss.discriminator(r, f) + loss.generator(f, None)
        total.backward()
        assert torch.isfinite(total)
    assert r.grad is not None
    assert f.grad is not None
    assert torch.isfinite(r.grad).all()
    assert torch.isfinite(f.grad).all()
