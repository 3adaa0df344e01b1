"""SNGAN's residual networks: shapes, the paper's layouts, spectral norm, gradients."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrize import is_parametrized

from ganbench.architectures.resnet import (
    Discriminator,
    DownBlock,
    Generator,
    ResNet,
    UpBlock,
    discriminator_plan,
    generator_widths,
)
from tests.networks import require_gradients

SIZES = (16, 32, 64, 128)


@pytest.mark.parametrize(("side", "channels"), [*itertools.product(SIZES, (1, 3))])
def test_shapes_and_range(side: int, channels: int) -> None:
    torch.manual_seed(0)
    generator, discriminator = ResNet(width=4, max_width=16).build((channels, side, side), 8)
    fakes = generator(torch.randn(2, 8) * 100)
    assert fakes.shape == (2, channels, side, side)
    assert fakes.abs().max() <= 1
    assert discriminator(fakes).shape == (2,)
    assert discriminator(fakes[:1]).shape == (1,)


def test_layouts_are_the_papers() -> None:
    assert generator_widths(32, 256, 1024) == [256, 256, 256, 256]
    assert discriminator_plan(32, 128, 1024) == [(128, True), (128, True), (128, False), (128, False)]
    assert generator_widths(128, 64, 1024) == [1024, 1024, 512, 256, 128, 64]
    assert discriminator_plan(128, 64, 1024) == [
        (64, True),
        (128, True),
        (256, True),
        (512, True),
        (1024, True),
        (1024, False),
    ]


def test_parameter_counts_of_the_papers_cifar_networks() -> None:
    generator, discriminator = ResNet(width=256, width_d=128, spectral_norm=False).build((3, 32, 32), 128)
    assert 4.0e6 < sum(parameter.numel() for parameter in generator.parameters()) < 4.4e6
    assert 1.0e6 < sum(parameter.numel() for parameter in discriminator.parameters()) < 1.1e6


def test_the_commuted_shortcuts_are_the_papers_functions() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 8, 8)
    up = UpBlock(3, 5)
    doubled = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
    inner = nn.functional.interpolate(torch.relu(up.norm1(x)), scale_factor=2.0, mode="nearest")
    inner = up.conv2(torch.relu(up.norm2(up.conv1(inner))))
    torch.testing.assert_close(up(x), inner + up.shortcut(doubled))
    down = DownBlock(3, 5, down=True)
    inner = down.conv2(torch.relu(down.conv1(torch.relu(x))))
    torch.testing.assert_close(down(x), nn.functional.avg_pool2d(inner + down.shortcut(x), 2))


def test_pooling_is_a_sum() -> None:
    discriminator = ResNet(width=4, spectral_norm=False).build((1, 16, 16), 8).discriminator
    assert isinstance(discriminator, Discriminator)
    x = torch.randn(2, 1, 16, 16)
    features = torch.relu(discriminator.blocks(x))
    torch.testing.assert_close(discriminator(x), discriminator.output(features.sum(dim=(2, 3))).squeeze(1))


def test_declared_limits_are_those_that_hold() -> None:
    assert ResNet.sizes == (16, 128)
    assert ResNet.power_of_two
    for shape in [(1, 8, 8), (1, 256, 256), (1, 48, 48), (1, 16, 32), (2,)]:
        with pytest.raises(ValueError, match="resnet makes"):
            ResNet().build(shape, 8)


def test_spectral_norm_is_on_every_layer_and_bounds_it() -> None:
    torch.manual_seed(0)
    discriminator = ResNet(width=8).build((1, 16, 16), 8).discriminator
    layers = [module for module in discriminator.modules() if type(module).__name__.endswith(("Conv2d", "Linear"))]
    assert len(layers) == 4 * 2 + 2 + 1
    assert all(is_parametrized(layer, "weight") for layer in layers)
    for _ in range(30):
        discriminator(torch.randn(1, 1, 16, 16))
    discriminator.eval()
    for layer in layers:
        assert isinstance(layer.weight, Tensor)
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, rel=0.03)
    plain = ResNet(width=8, spectral_norm=False).build((1, 16, 16), 8).discriminator
    assert not any(is_parametrized(module) for module in plain.modules())


def test_the_largest_singular_value_is_followed_by_one_power_iteration_per_training_pass() -> None:
    torch.manual_seed(0)
    discriminator: Any = ResNet(width=8).build((1, 16, 16), 8).discriminator
    layers = [module for module in discriminator.modules() if is_parametrized(module, "weight")]
    estimates = [layer.parametrizations.weight[0] for layer in layers]
    before = [(estimate._u.clone(), estimate._v.clone()) for estimate in estimates]
    discriminator(torch.randn(3, 1, 16, 16))
    for layer, estimate, (_, v) in zip(layers, estimates, before, strict=True):
        matrix = layer.parametrizations.weight.original.flatten(1)
        u = functional.normalize(matrix @ v, dim=0)
        torch.testing.assert_close(estimate._u, u)
        torch.testing.assert_close(estimate._v, functional.normalize(matrix.T @ u, dim=0))
    discriminator.eval()
    now = [(estimate._u.clone(), estimate._v.clone()) for estimate in estimates]
    discriminator(torch.randn(3, 1, 16, 16))
    for estimate, (u, v) in zip(estimates, now, strict=True):
        assert torch.equal(estimate._u, u)
        assert torch.equal(estimate._v, v)


@pytest.mark.parametrize("spectral_norm", [True, False])
def test_samples_are_judged_alone_and_twice_differentiably(spectral_norm: bool) -> None:
    torch.manual_seed(0)
    architecture = ResNet(width=4, spectral_norm=spectral_norm)
    assert not architecture.batch_norm_in_discriminator
    discriminator = architecture.build((1, 16, 16), 8).discriminator
    x = torch.randn(4, 1, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    gradient.flatten(1).norm(dim=1).sub(1).square().mean().backward()
    weights = [value for value in discriminator.parameters() if value.ndim > 1]
    assert all(weight.grad is not None and weight.grad.abs().max() > 0 for weight in weights)
    discriminator.eval()
    torch.testing.assert_close(discriminator(x)[1:3], discriminator(x[1:3]))


@pytest.mark.parametrize(("side", "spectral_norm"), [*itertools.product((32, 64), (True, False))])
def test_a_gradient_reaches_every_parameter(side: int, spectral_norm: bool) -> None:
    torch.manual_seed(0)
    networks = ResNet(width=4, max_width=16, spectral_norm=spectral_norm).build((3, side, side), 8)
    networks.discriminator(networks.generator(torch.randn(8, 8))).sub(1).square().mean().backward()
    require_gradients(networks)


@pytest.mark.parametrize("spectral_norm", [True, False])
def test_the_global_seed_decides_and_the_state_dict_restores(spectral_norm: bool) -> None:
    def build(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return ResNet(width=4, spectral_norm=spectral_norm).build((1, 16, 16), 8).discriminator

    first, second, other = build(1), build(1), build(2)
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())
    x = torch.randn(5, 1, 16, 16)
    first(x)
    other.load_state_dict(first.state_dict())
    assert torch.equal(first(x), other(x))  # also the estimate that spectral norm refines
    assert torch.equal(first.eval()(x), other.eval()(x))


def test_initial_weights_are_the_papers() -> None:
    torch.manual_seed(0)
    generator = ResNet(width=64).build((3, 32, 32), 128).generator
    assert isinstance(generator, Generator)
    for block in generator.blocks:
        assert isinstance(block, UpBlock)
        fans = 9 * (64 + 64)
        assert block.conv1.weight.abs().max().item() == pytest.approx((2 * 6 / fans) ** 0.5, rel=0.01)
        assert block.shortcut.weight.abs().max().item() == pytest.approx((6 / 128) ** 0.5, rel=0.01)
    assert generator.input.bias.eq(0).all()


def test_export() -> None:
    generator, discriminator = ResNet(width=4).build((1, 16, 16), 8)
    z = torch.randn(4, 8)
    fakes = generator.eval()(z).detach()
    torch.testing.assert_close(torch.export.export(generator, (z,)).module()(z), fakes)
    exported = torch.export.export(discriminator.eval(), (fakes,)).module()
    torch.testing.assert_close(exported(fakes), discriminator(fakes))


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"width": 0}, "width"),
        ({"width_d": -1}, "width_d"),
        ({"max_width": 8}, "max_width"),
        ({"spectral_norm": 1}, "spectral_norm"),
    ],
)
def test_nonsense_is_named(parameters: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be"):
        ResNet(**parameters)


def test_latent_dim_is_checked() -> None:
    with pytest.raises(ValueError, match="latent_dim"):
        ResNet().build((1, 16, 16), 0)
