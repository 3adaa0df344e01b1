"""Fully connected networks: shapes, ranges, initial weights, gradients."""

from typing import Any

import pytest
import torch

from ganbench.architectures.mlp import MLP, Discriminator, Generator
from tests.networks import require_gradients

SMALL: dict[str, Any] = {"hidden": 16, "layers": 2}


@pytest.mark.parametrize("shape", [(1,), (2,), (1, 8, 8), (3, 16, 16), (1, 28, 28), (2, 4, 6)])
def test_shapes(shape: tuple[int, ...]) -> None:
    generator, discriminator = MLP(**SMALL).build(shape, 5)
    fakes = generator(torch.randn(7, 5))
    assert fakes.shape == (7, *shape)
    assert discriminator(fakes).shape == (7,)


def test_images_are_bounded_and_vectors_are_not() -> None:
    torch.manual_seed(0)
    z = torch.randn(64, 5) * 10
    images = MLP(init="kaiming", norm_g="none", **SMALL).build((1, 8, 8), 5).generator(z)
    assert images.abs().max() <= 1
    points = MLP(init="kaiming", norm_g="none", **SMALL).build((2,), 5).generator(z)
    assert points.abs().max() > 1


def test_the_defaults_are_pacgans_generator() -> None:
    generator = MLP().build((2,), 2).generator
    shapes = {name: tuple(value.shape) for name, value in generator.named_parameters()}
    linear = [shape for name, shape in shapes.items() if name.endswith("weight") and len(shape) == 2]
    assert linear == [(400, 2), (400, 400), (400, 400), (400, 400), (2, 400)]
    assert sum(isinstance(module, torch.nn.BatchNorm1d) for module in generator.modules()) == 4
    assert isinstance(generator, Generator)
    assert not any(module.bias is not None for module in generator.hidden if isinstance(module, torch.nn.Linear))
    assert generator.output.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert generator.output.bias.eq(0).all()


def test_std_and_kaiming_set_the_scale() -> None:
    torch.manual_seed(0)
    wide = MLP(hidden=400, std=0.5).build((2,), 2).discriminator
    assert wide.get_parameter("hidden.2.weight").std().item() == pytest.approx(0.5, rel=0.02)
    kaiming = MLP(hidden=400, init="kaiming").build((2,), 2).discriminator
    assert kaiming.get_parameter("hidden.2.weight").std().item() == pytest.approx((2 / (1.04 * 400)) ** 0.5, rel=0.02)


@pytest.mark.parametrize("norm_g", ["batch", "none"])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_a_gradient_reaches_every_parameter(norm_g: str, activation: str) -> None:
    torch.manual_seed(0)
    networks = MLP(norm_g=norm_g, activation=activation, init="kaiming", **SMALL).build((1, 8, 8), 5)
    networks.discriminator(networks.generator(torch.randn(16, 5))).square().mean().backward()
    require_gradients(networks)


def test_the_discriminator_judges_each_sample_alone_and_twice_differentiably() -> None:
    architecture = MLP(init="kaiming", **SMALL)
    assert architecture.double_backward
    assert not architecture.batch_norm_in_discriminator
    discriminator = architecture.build((2,), 5).discriminator
    assert isinstance(discriminator, Discriminator)
    x = torch.randn(6, 2, requires_grad=True)
    torch.testing.assert_close(discriminator(x)[2:4], discriminator(x[2:4]))
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    gradient.square().sum().backward()
    assert discriminator.output.weight.grad is not None
    assert discriminator.output.weight.grad.abs().max() > 0


def test_the_global_seed_decides_the_weights() -> None:
    def weights() -> dict[str, torch.Tensor]:
        torch.manual_seed(3)
        return MLP(**SMALL).build((2,), 5).generator.state_dict()

    first, second = weights(), weights()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_state_dict_round_trip() -> None:
    one, other = (MLP(**SMALL).build((2,), 5).generator for _ in range(2))
    one(torch.randn(16, 5))
    other.load_state_dict(one.state_dict())
    z = torch.randn(4, 5)
    assert torch.equal(one.eval()(z), other.eval()(z))


def test_export() -> None:
    generator = MLP(**SMALL).build((1, 8, 8), 5).generator.eval()
    z = torch.randn(4, 5)
    torch.testing.assert_close(torch.export.export(generator, (z,)).module()(z), generator(z))


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"hidden": 0}, "hidden"),
        ({"layers": 0}, "layers"),
        ({"norm_g": "layer"}, "norm_g"),
        ({"activation": "tanh"}, "activation"),
        ({"init": "zero"}, "init"),
        ({"std": 0.0}, "std"),
        ({"hidden": 2.5}, "hidden"),
    ],
)
def test_nonsense_is_named(parameters: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be") as caught:
        MLP(**parameters)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(), (2, 2), (0,), (1, 2, 3, 4)])
def test_shapes_that_are_no_samples(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="mlp makes images"):
        MLP().build(shape, 5)


def test_latent_dim_is_checked() -> None:
    with pytest.raises(ValueError, match="latent_dim"):
        MLP().build((2,), 0)
