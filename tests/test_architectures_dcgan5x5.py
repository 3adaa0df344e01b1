"""dcgan5x5: its padding against TensorFlow's formula, its layout, its packs, what is refused."""

import itertools
import math
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from ganbench.architectures.dcgan5x5 import DCGAN5x5, Discriminator, Down, Up, halved, same_padding, truncated_normal
from ganbench.errors import UsageError
from ganbench.penalties.zero_centred import R1
from ganbench.resolving.compatibility import check_pair
from ganbench.spec import Component, DataSpec, Recipe
from tests.networks import require_gradients, require_the_same_in_channels_last

SIDES = (16, 17, 28, 31, 32, 100, 128)


def same(x: Tensor, weight: Tensor) -> Tensor:
    """TensorFlow's ``conv2d(x, weight, strides=2, padding="SAME")`` by its definition, output by output."""
    sides = x.shape[2:]
    out = [math.ceil(side / 2) for side in sides]
    before = [max((large - 1) * 2 + 5 - side, 0) // 2 for large, side in zip(out, sides, strict=True)]
    rows = []
    for i, j in itertools.product(*map(range, out)):
        total = torch.zeros(len(x), len(weight), dtype=x.dtype)
        for a, b in itertools.product(range(5), repeat=2):
            row, column = i * 2 + a - before[0], j * 2 + b - before[1]
            if 0 <= row < sides[0] and 0 <= column < sides[1]:
                total = total + x[:, :, row, column] @ weight[:, :, a, b].t()
        rows.append(total)
    return torch.stack(rows, dim=2).view(len(x), len(weight), *out)


def test_an_even_side_has_the_odd_zero_behind() -> None:
    assert [same_padding(side) for side in (28, 14, 7, 4, 2, 1)] == [(1, 2), (1, 2), (2, 2), (1, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize("size", [(4, 4), (7, 7), (2, 2), (1, 1), (6, 5), (3, 8)])
def test_both_convolutions_are_tensorflows(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    down, up = Down(2, 3, size).double(), Up(3, 2, size).double()
    nn.init.zeros_(up.convolution.bias)  # type: ignore[arg-type]
    x = torch.randn(2, 2, *size, dtype=torch.float64, requires_grad=True)
    weight, bias = down.parameters()
    expected = same(x, weight)
    torch.testing.assert_close(down(x), expected + bias[:, None, None])
    # The transposed one is the gradient of a convolution whose input has the size that is wanted.
    small = torch.randn_like(expected)
    (gradient,) = torch.autograd.grad(same(x, up.convolution.weight), x, small)
    torch.testing.assert_close(up(small), gradient)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_range(side: int, channels: int) -> None:
    torch.manual_seed(0)
    generator, discriminator = DCGAN5x5(width=2).build((channels, side, side), 8)
    fakes = generator(torch.randn(3, 8) * 100)
    assert fakes.shape == (3, channels, side, side)
    assert fakes.abs().max() <= 1
    assert discriminator(fakes).shape == (3,)
    assert discriminator.eval()(generator.eval()(torch.randn(1, 8))).shape == (1,)


def test_sides_may_differ() -> None:
    generator, discriminator = DCGAN5x5(width=2).build((3, 28, 45), 8)
    fakes = generator(torch.randn(4, 8))
    assert fakes.shape == (4, 3, 28, 45)
    assert discriminator(fakes).shape == (4,)


@pytest.mark.parametrize(("side", "maps"), [(28, [14, 7, 4, 2]), (32, [16, 8, 4, 2])])
def test_the_layout_is_the_codes(side: int, maps: list[int]) -> None:
    assert [side := halved(side) for _ in range(4)] == maps
    generator, discriminator = DCGAN5x5().build((3, maps[0] * 2, maps[0] * 2), 100)
    ups = [module for module in generator.modules() if isinstance(module, Up)]
    downs = [module for module in discriminator.modules() if isinstance(module, Down)]
    assert [up.size[0] for up in ups] == [*maps[2::-1], maps[0] * 2]
    for layers, channels in ((ups, [512, 256, 128, 64, 3]), (downs, [3, 64, 128, 256, 512])):
        kinds = (nn.Conv2d, nn.ConvTranspose2d)
        found = [module for layer in layers for module in layer.modules() if isinstance(module, kinds)]
        assert [(layer.in_channels, layer.out_channels) for layer in found] == [*itertools.pairwise(channels)]
        assert {layer.kernel_size for layer in found} == {(5, 5)}
    # The code has biases before norms too: 2,048 of the projection and 448 of convolutions in the generator, 896 in the
    # discriminator, all of which the norms subtract.
    convolutions = sum(25 * a * b for a, b in itertools.pairwise([3, 64, 128, 256, 512]))
    norms = 2 * (512 + 256 + 128)
    counts = [sum(parameter.numel() for parameter in network.parameters()) for network in (generator, discriminator)]
    assert counts == [100 * 2048 + convolutions + norms + 2 * 64 + 3, convolutions + norms + 64 + 2048 + 1]


def test_norms_are_where_the_code_has_them_and_as_it_has_them() -> None:
    generator, discriminator = DCGAN5x5(width=4).build((3, 28, 28), 8)
    assert isinstance(discriminator, Discriminator)
    norms = [module for network in (generator, discriminator) for module in network.modules()
             if isinstance(module, nn.BatchNorm2d)]  # fmt: skip
    assert [norm.num_features for norm in norms] == [32, 16, 8, 4, 8, 16, 32]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-5, 0.1)}
    assert not any(isinstance(module, nn.BatchNorm2d) for module in discriminator.input.modules())
    x = torch.tensor([-1.0, 1.0])
    assert [layer(x).tolist() for layer in discriminator.modules() if isinstance(layer, nn.LeakyReLU)] == [
        pytest.approx([-0.2, 1.0])
    ] * 4


def test_the_truncated_normal_is_scipys() -> None:
    torch.manual_seed(0)
    weight = torch.empty(200_000)
    truncated_normal(weight)
    assert stats.kstest(weight.numpy() / 0.02, stats.truncnorm(-2, 2).cdf).pvalue > 0.01


def test_initial_weights_are_the_codes() -> None:
    torch.manual_seed(0)
    networks = DCGAN5x5().build((3, 28, 28), 100)
    for module in (module for network in networks for module in network.modules()):
        if isinstance(module, nn.BatchNorm2d):
            assert module.weight.eq(1).all()
            assert module.bias.eq(0).all()
        elif isinstance(module, nn.Conv2d):  # N(0, 0.02²) within two deviations has 0.88 of the deviation
            assert module.weight.abs().max() <= 0.04
            assert module.weight.std().item() == pytest.approx(0.0176, rel=0.03)
        elif isinstance(module, nn.ConvTranspose2d | nn.Linear):
            assert module.weight.abs().max() > 0.04
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.04)
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) and module.bias is not None:
            assert module.bias.eq(0).all()


@pytest.mark.parametrize("pack", [2, 3])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_an_output_is_that_of_consecutive_images_one_after_the_other_in_channels(pack: int, layout: Any) -> None:
    torch.manual_seed(0)
    discriminator = DCGAN5x5(pack=pack, width=4, norm_d="layer").build((3, 20, 20), 8).discriminator
    assert isinstance(discriminator, Discriminator)
    x = torch.randn(4 * pack, 3, 20, 20)
    stacked = torch.stack([torch.cat(list(x[i * pack : (i + 1) * pack])) for i in range(4)])
    expected = discriminator.output(discriminator.blocks(discriminator.input(stacked)).flatten(1)).squeeze(1)
    torch.testing.assert_close(discriminator(x.to(memory_format=layout)), expected)
    for sample in range(len(x)):
        changed = x.clone()
        changed[sample] += 1
        moved = (discriminator(changed) - expected).abs() > 1e-6
        assert moved.nonzero().flatten().tolist() == [sample // pack]
    with pytest.raises(ValueError, match=f"7 samples cannot be packed in groups of {pack}"):
        discriminator(torch.zeros(7, 3, 20, 20))


def test_only_the_first_layer_of_the_discriminator_grows_with_the_pack() -> None:
    plain, packed = (DCGAN5x5(pack=pack, width=4).build((3, 28, 28), 8) for pack in (1, 4))
    shapes = [{name: value.shape for name, value in network.state_dict().items()} for network in (*plain, *packed)]
    assert shapes[0] == shapes[2]
    assert {name for name in shapes[1] if shapes[1][name] != shapes[3][name]} == {"input.0.1.weight"}
    assert shapes[3]["input.0.1.weight"] == (4, 12, 5, 5)


@pytest.mark.parametrize("norm_d", ["batch", "layer", "spectral", "none"])
@pytest.mark.parametrize("side", [16, 28])
def test_a_gradient_reaches_every_parameter(norm_d: str, side: int) -> None:
    torch.manual_seed(0)
    networks = DCGAN5x5(width=4, norm_d=norm_d).build((2, side, side), 8)
    networks.discriminator(networks.generator(torch.randn(8, 8))).sub(1).square().mean().backward()
    require_gradients(networks)


def test_channels_last_gives_the_same_numbers() -> None:
    torch.manual_seed(0)
    networks = DCGAN5x5(width=4).build((3, 28, 28), 8)
    require_the_same_in_channels_last(networks, torch.randn(4, 8))


def test_the_norm_is_settled_by_the_penalty_and_a_packed_gradient_is_refused() -> None:
    given = {"width": 4, "norm_d": "auto"}
    for penalty, norm in ((True, "layer"), (False, "batch")):
        assert DCGAN5x5.settle(given, gradient_penalty=penalty, weight_clipping=False) == {"width": 4, "norm_d": norm}
    assert [DCGAN5x5(norm_d=norm).batch_norm_in_discriminator for norm in ("auto", "batch", "layer")] == [
        True,
        True,
        False,
    ]
    own = Component(name="dcgan5x5", label="dcgan5x5", plugin="ganbench", version="0", source="0")
    digits = own.model_copy(update={"name": "digits", "label": "digits"})
    data = DataSpec(component=digits, kind="image", shape=(1, 16, 16), size=100, fingerprint="f")
    with pytest.raises(UsageError, match="judges 2 samples at once"):
        check_pair("vanilla+r1", [R1()], own, DCGAN5x5(pack=2), data, Recipe())
    check_pair("vanilla+r1", [R1()], own, DCGAN5x5(), data, Recipe())


def test_shapes_that_it_does_not_make_are_refused() -> None:
    for shape in ((2,), (1, 15, 15), (1, 129, 129), (1, 28, 129), (0, 28, 28)):
        with pytest.raises(ValueError, match="dcgan5x5 makes images with sides from 16 to 128, not"):
            DCGAN5x5().build(shape, 8)
    with pytest.raises(ValueError, match="latent_dim"):
        DCGAN5x5().build((1, 28, 28), 0)


@pytest.mark.parametrize("parameters", [{"pack": 0}, {"pack": 65}, {"width": 0}, {"width_d": -1}, {"norm_d": "group"}])
def test_parameters_out_of_range_are_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(parameters))} must be"):
        DCGAN5x5(**parameters)
