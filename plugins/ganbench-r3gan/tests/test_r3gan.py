"""R3GAN's loss and networks, held by the kit and against the paper."""

import pytest
import torch
from ganbench_r3gan.loss import R1R2, R3GAN
from ganbench_r3gan.networks import Block, R3GANNetworks

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


def test_half_gamma_for_each_of_the_two_penalties():
    """A critic whose slope is 3 on real and 1 on fake samples."""

    def critic(x):
        return torch.where(x > 0, 3 * x, x).sum(1)

    real, fake = torch.ones(5, 1), -torch.ones(5, 1)
    assert R1R2(gamma=2.0)(critic, real, fake, torch.Generator()).item() == pytest.approx(9 + 1)


def test_gamma_reaches_the_penalty():
    assert R3GAN(gamma=0.05).penalty.gamma == 0.05
    with pytest.raises(ValueError, match="gamma=-1"):
        R3GAN(gamma=-1.0)


def test_a_block_starts_as_the_identity():
    torch.manual_seed(0)
    x = torch.randn(2, 8, 4, 4)
    assert torch.equal(Block(8, 4, 2, depth=6)(x), x)


def test_no_layer_normalises():
    for network in R3GANNetworks(width=8).build((3, 32, 32), 16):
        assert not any("norm" in type(layer).__name__.lower() for layer in network.modules())


def test_the_papers_cifar_networks_have_its_number_of_blocks_and_groups():
    """768 channels at every side, two blocks per stage, 96 groups in the paper's configuration E."""
    with torch.device("meta"):
        generator, discriminator = R3GANNetworks(width=768, max_width=768, blocks=2, group_size=16).build(
            (3, 32, 32), 64
        )
    for network in (generator, discriminator):
        blocks = [layer for layer in network.modules() if isinstance(layer, Block)]
        assert len(blocks) == 2 * 4
        assert {block.mix.groups for block in blocks} == {96}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"width": 0}, "width=0"), ({"blocks": 0}, "blocks=0"), ({"group_size": 7}, "group_size=7")],
)
def test_nonsense_is_named(parameters, words):
    with pytest.raises(ValueError, match=words):
        R3GANNetworks(**parameters)


def test_they_are_registered():
    registry = plugins.load().registry
    assert registry.find("loss", "ganbench-r3gan:r3gan").load() is R3GAN
    assert registry.find("architecture", "ganbench-r3gan:r3gan").load() is R3GANNetworks
