"""DCGAN: shapes at every size, norms, initial weights, gradients, what is refused."""

import itertools
from typing import Any

import pytest
import torch
from torch import nn

from ganbench.architectures.dcgan import DCGAN, Discriminator, widths
from tests.networks import require_gradients, require_the_same_in_channels_last

SIZES = (16, 32, 64, 128)


@pytest.mark.parametrize(("side", "channels"), [*itertools.product(SIZES, (1, 3, 5))])
def test_shapes_and_range(side: int, channels: int) -> None:
    torch.manual_seed(0)
    generator, discriminator = DCGAN(width=4).build((channels, side, side), 8)
    fakes = generator(torch.randn(3, 8) * 100)
    assert fakes.shape == (3, channels, side, side)
    assert fakes.abs().max() <= 1
    assert discriminator(fakes).shape == (3,)
    assert discriminator(fakes[:1].expand(2, -1, -1, -1)).shape == (2,)


def test_one_sample_has_one_output() -> None:
    generator, discriminator = DCGAN(width=4).build((1, 16, 16), 8)
    assert discriminator.eval()(generator.eval()(torch.randn(1, 8))).shape == (1,)


def test_the_width_doubles_up_to_the_cap() -> None:
    assert widths(16, 32, 512) == [32, 64]
    assert widths(64, 128, 1024) == [128, 256, 512, 1024]  # the paper's generator
    assert widths(128, 64, 256) == [64, 128, 256, 256, 256]


def test_declared_limits_are_those_that_hold() -> None:
    assert DCGAN.sizes == (16, 128)
    assert DCGAN.power_of_two
    for shape in [(1, 8, 8), (1, 256, 256), (1, 48, 48), (1, 16, 32), (2,)]:
        with pytest.raises(ValueError, match="dcgan makes"):
            DCGAN().build(shape, 8)
    with pytest.raises(ValueError, match="latent_dim"):
        DCGAN().build((1, 16, 16), 0)


@pytest.mark.parametrize("norm_d", ["layer", "spectral", "none", "batch"])
def test_samples_are_judged_alone_unless_the_norm_is_over_the_batch(norm_d: str) -> None:
    torch.manual_seed(0)
    architecture = DCGAN(width=4, norm_d=norm_d)
    discriminator = architecture.build((1, 16, 16), 8).discriminator
    x = torch.randn(6, 1, 16, 16)
    if norm_d == "spectral":
        discriminator.eval()  # in training, each pass refines the estimate of the norm
    alone = torch.allclose(discriminator(x)[2:4], discriminator(x[2:4]), atol=1e-6)
    assert alone is not architecture.batch_norm_in_discriminator
    discriminator.eval()
    torch.testing.assert_close(discriminator(x)[2:4], discriminator(x[2:4]))


@pytest.mark.parametrize("norm_d", ["layer", "spectral", "none"])
def test_the_discriminator_can_be_differentiated_twice(norm_d: str) -> None:
    discriminator = DCGAN(width=4, norm_d=norm_d).build((1, 16, 16), 8).discriminator
    x = torch.randn(4, 1, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    gradient.flatten(1).norm(dim=1).sub(1).square().mean().backward()
    weights = [value for name, value in discriminator.named_parameters() if "bias" not in name and value.ndim > 1]
    assert weights
    assert all(weight.grad is not None and weight.grad.abs().max() > 0 for weight in weights)


def test_second_derivatives_are_right() -> None:
    torch.manual_seed(0)
    discriminator = DCGAN(width=1, norm_d="layer").build((1, 16, 16), 2).discriminator.double()
    for parameter in discriminator.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(1, 1, 16, 16, dtype=torch.float64)
    direction = torch.randn_like(x)

    def along(t: torch.Tensor) -> torch.Tensor:
        raw: torch.Tensor = discriminator(x + t * direction)
        return raw

    t = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(along, (t,))


@pytest.mark.parametrize(
    ("norm_g", "norm_d"), [*itertools.product(("batch", "none"), ("batch", "layer", "spectral", "none"))]
)
def test_a_gradient_reaches_every_parameter(norm_g: str, norm_d: str) -> None:
    torch.manual_seed(0)
    networks = DCGAN(width=4, norm_g=norm_g, norm_d=norm_d).build((2, 32, 32), 8)
    networks.discriminator(networks.generator(torch.randn(8, 8))).sub(1).square().mean().backward()
    require_gradients(networks)


def test_initial_weights_are_the_papers() -> None:
    torch.manual_seed(0)
    networks = DCGAN(norm_d="batch").build((3, 64, 64), 100)
    for network in networks:
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) and module.weight.numel() > 10_000:
                assert module.weight.std().item() == pytest.approx(0.02, rel=0.03)
                assert abs(module.weight.mean().item()) < 1e-3
            if isinstance(module, nn.BatchNorm2d):
                assert module.weight.mean().item() == pytest.approx(1, abs=0.02)
                assert 0.005 < module.weight.std().item() < 0.04
                assert module.bias.eq(0).all()


def test_norms_are_where_the_paper_has_them() -> None:
    _, discriminator = DCGAN(norm_d="batch").build((3, 32, 32), 8)
    assert isinstance(discriminator, Discriminator)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in discriminator.input)
    convolutions, norms, _ = zip(*(block.children() for block in discriminator.blocks), strict=True)
    assert [type(norm) for norm in norms] == [nn.BatchNorm2d] * 2
    assert [convolution.bias is None for convolution in convolutions] == [True] * 2
    _, layered = DCGAN(norm_d="layer").build((3, 32, 32), 8)
    assert [layered.get_submodule(f"blocks.{number}.1").num_groups for number in range(2)] == [1, 1]


def test_spectral_norm_bounds_every_layer() -> None:
    torch.manual_seed(0)
    discriminator = DCGAN(width=8, norm_d="spectral").build((1, 16, 16), 8).discriminator
    for _ in range(20):
        discriminator(torch.randn(2, 1, 16, 16))
    for module in discriminator.eval().modules():
        if isinstance(module, nn.Conv2d):
            assert torch.linalg.matrix_norm(module.weight.flatten(1), 2).item() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("norm_d", ["batch", "layer", "spectral", "none"])
def test_the_global_seed_decides_and_the_state_dict_restores(norm_d: str) -> None:
    def build(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return DCGAN(width=4, norm_d=norm_d).build((1, 16, 16), 8).discriminator

    first, second, other = build(1), build(1), build(2)
    assert list(first.state_dict()) == list(second.state_dict())
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())
    x = torch.randn(5, 1, 16, 16)
    first(x)
    other.load_state_dict(first.state_dict())
    assert torch.equal(first(x), other(x))
    assert torch.equal(first.eval()(x), other.eval()(x))


def test_auto_is_settled_by_the_penalty() -> None:
    given = {"width": 32, "norm_d": "auto"}
    for clipped in (True, False):  # WGAN's own critic has a batch norm
        under = DCGAN.settle(given, gradient_penalty=True, weight_clipping=clipped)
        assert under == {"width": 32, "norm_d": "layer"}
        otherwise = DCGAN.settle(given, gradient_penalty=False, weight_clipping=clipped)
        assert otherwise == {"width": 32, "norm_d": "batch"}
    assert given["norm_d"] == "auto"
    assert DCGAN.settle({}, gradient_penalty=True, weight_clipping=False) == {"norm_d": "layer"}
    asked = {"norm_d": "batch"}
    assert DCGAN.settle(asked, gradient_penalty=True, weight_clipping=False) == asked
    assert [DCGAN(norm_d=norm).batch_norm_in_discriminator for norm in ("auto", "batch", "layer", "spectral")] == [
        True,
        True,
        False,
        False,
    ]


def test_channels_last_gives_the_same_numbers() -> None:
    torch.manual_seed(0)
    networks = DCGAN(width=4, norm_d="layer").build((3, 16, 16), 8)
    require_the_same_in_channels_last(networks, torch.randn(4, 8))


def test_export() -> None:
    generator, discriminator = DCGAN(width=4, norm_d="layer").build((1, 16, 16), 8)
    z = torch.randn(4, 8)
    fakes = generator.eval()(z)
    torch.testing.assert_close(torch.export.export(generator, (z,)).module()(z), fakes)
    exported = torch.export.export(discriminator.eval(), (fakes.detach(),)).module()
    torch.testing.assert_close(exported(fakes), discriminator(fakes))


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"width": 0}, "width"),
        ({"width": 32.0}, "width"),
        ({"max_width": 16}, "max_width"),
        ({"norm_g": "layer"}, "norm_g"),
        ({"norm_d": "group"}, "norm_d"),
    ],
)
def test_nonsense_is_named(parameters: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be") as caught:
        DCGAN(**parameters)
    assert "\n" not in str(caught.value)
