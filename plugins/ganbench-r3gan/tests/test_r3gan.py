"""R3GAN's loss and networks, held by the kit and against the paper."""

import pytest
import torch
from ganbench_r3gan.loss import R1R2, R3GAN
from ganbench_r3gan.networks import Block, Down, R3GANNetworks, Up
from torch import Tensor, nn

from ganbench import plugins
from ganbench.testing import Conformance


class TestLoss(Conformance):
    component, name = R3GAN, "r3gan"


class TestPenalty(Conformance):
    component, name = R1R2, "r1r2"
    parameters = {"gamma": 0.3}


class TestNetworks(Conformance):
    component, name = R3GANNetworks, "r3gan"
    parameters = {"width": 4, "max_width": 8, "group_size": 4}


def test_half_gamma_for_each_of_the_two_penalties() -> None:
    """A critic whose slope is 3 on real and 1 on fake samples."""

    class Critic(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.where(x > 0, 3 * x, x).sum(1)

    real, fake = torch.ones(5, 1), -torch.ones(5, 1)
    assert R1R2(gamma=2.0)(Critic(), real, fake, torch.Generator()).item() == pytest.approx(9 + 1)


def test_gamma_reaches_the_penalty() -> None:
    penalty = R3GAN(gamma=0.05).penalty
    assert isinstance(penalty, R1R2)
    assert penalty.gamma == 0.05
    with pytest.raises(ValueError, match="gamma=-1"):
        R3GAN(gamma=-1.0)


def test_a_block_starts_as_the_identity() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 8, 4, 4)
    assert torch.equal(Block(8, 4, 2, depth=6)(x), x)


def filtered(x: Tensor, side: int) -> Tensor:
    """Zeros around, [1, 3, 3, 1] / 8 along both sides, summed up term by term; (N, C, side, side)."""
    taps, padded = [1 / 8, 3 / 8, 3 / 8, 1 / 8], torch.nn.functional.pad(x, (1, 1, 1, 1))
    rows = torch.stack([tap * padded[:, :, k : k + 2 * side : 2] for k, tap in enumerate(taps)]).sum(0)
    return torch.stack([tap * rows[:, :, :, k : k + 2 * side : 2] for k, tap in enumerate(taps)]).sum(0)


def test_sides_are_halved_with_the_authors_filter() -> None:
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(Down(3, 3).double()(x), filtered(x, 4))
    constant = Down(1, 1)(torch.ones(1, 1, 8, 8))[0, 0]
    assert constant[1:-1, 1:-1].eq(1).all()
    assert constant[0].tolist() == [49 / 64, 7 / 8, 7 / 8, 49 / 64]  # an eighth of each side falls beyond the border


def test_sides_are_doubled_bilinearly_inside_and_towards_zero_at_the_border() -> None:
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    found = Up(3, 3).double()(x)
    bilinear = torch.nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear")
    torch.testing.assert_close(found[:, :, 1:-1, 1:-1], bilinear[:, :, 1:-1, 1:-1])
    torch.testing.assert_close(found[:, :, 0, 1:-1], 0.75 * bilinear[:, :, 0, 1:-1])
    torch.testing.assert_close(found[:, :, -1, -1], 0.75**2 * x[:, :, -1, -1])
    # Up is four times the transpose of Down.
    y = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    assert (found * y).sum().item() == pytest.approx(4 * (x * filtered(y, 4)).sum().item())


@pytest.mark.parametrize("layer", [Up(2, 3), Down(2, 3)])
def test_resampling_can_be_differentiated_twice_and_runs_in_bfloat16(layer: nn.Module) -> None:
    layer = layer.double()
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: layer(x).square(), (x,))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer.float()(x.float())
        (slope,) = torch.autograd.grad(y.float().square().sum(), x, create_graph=True)
    assert y.dtype == torch.bfloat16
    slope.square().sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_the_filter_is_no_weight() -> None:
    networks = R3GANNetworks(width=4, max_width=8, group_size=4).build((1, 16, 16), 4)
    for network in networks:
        assert any(isinstance(layer, Up | Down) for layer in network.modules())
        assert not any("kernel" in name and name != "kernel.weight" for name in network.state_dict())


def test_no_layer_normalises() -> None:
    for network in R3GANNetworks(width=8).build((3, 32, 32), 16):
        assert not any("norm" in type(layer).__name__.lower() for layer in network.modules())


def test_the_papers_cifar_networks_have_its_number_of_blocks_and_groups() -> None:
    """768 channels at every side, two blocks per stage, 96 groups in the paper's configuration E."""
    with torch.device("meta"):
        generator, discriminator = R3GANNetworks(width=768, max_width=768, blocks=2, group_size=16).build(
            (3, 32, 32), 64
        )
        assert discriminator(generator(torch.empty(2, 64))).shape == (2,)
    for network in (generator, discriminator):
        blocks = [layer for layer in network.modules() if isinstance(layer, Block)]
        assert len(blocks) == 2 * 4
        assert {block.mix.groups for block in blocks} == {96}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"width": 0}, "width=0"), ({"blocks": 0}, "blocks=0"), ({"group_size": 7}, "group_size=7")],
)
def test_nonsense_is_named(parameters: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        R3GANNetworks(**parameters)


def test_they_are_registered() -> None:
    registry = plugins.load().registry
    assert registry.find("loss", "ganbench-r3gan:r3gan").load() is R3GAN
    assert registry.find("architecture", "ganbench-r3gan:r3gan").load() is R3GANNetworks
