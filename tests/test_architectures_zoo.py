"""sagan, upsample, vgg, sndcgan and infogan: layouts and parameter counts of their papers, conditions, limits."""

import itertools
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from ganbench.api import Architecture
from ganbench.architectures.dcgan import DCGAN
from ganbench.architectures.infogan import InfoGAN
from ganbench.architectures.mlp import MLP
from ganbench.architectures.resnet import ResNet
from ganbench.architectures.sagan import SAGAN, Discriminator, Generator, SelfAttention
from ganbench.architectures.sndcgan import SNDCGAN
from ganbench.architectures.upsample import Upsample
from ganbench.architectures.vgg import VGG


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def conv(inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> int:
    return inputs * outputs * kernel * kernel + (outputs if bias else 0)


def test_sndcgan_is_the_large_scale_studys() -> None:
    """Generator: dense 4×4×512, then 4×4 transposed to 256, 128, 64, 3×3 to RGB, batch norms between, as in SNGAN's
    table 3. Discriminator: 3×3 64, 4×4 128, 3×3 128, 4×4 256, 3×3 256, 4×4 512, 3×3 512, dense."""
    generator, discriminator = SNDCGAN(width=64, spectral_norm=False).build((3, 32, 32), 128)
    ups = sum(conv(i, o, 4, bias=False) for i, o in ((512, 256), (256, 128), (128, 64)))
    norms = 2 * (512 + 256 + 128 + 64)
    assert count(generator) == 128 * 8192 + ups + norms + conv(64, 3, 3)
    downs = conv(3, 64, 3) + sum(conv(i, o, 4) + conv(o, o, 3) for i, o in ((64, 128), (128, 256), (256, 512)))
    assert count(discriminator) == downs + 512 * 16 + 1
    kernels = [
        (layer.kernel_size[0], layer.stride[0]) for layer in discriminator.modules() if isinstance(layer, nn.Conv2d)
    ]
    assert kernels == [(3, 1), (4, 2), (3, 1), (4, 2), (3, 1), (4, 2), (3, 1)]
    assert all(layer.negative_slope == 0.1 for layer in discriminator.modules() if isinstance(layer, nn.LeakyReLU))


def test_sndcgans_plan_of_the_paper_is_table_3_of_sngan() -> None:
    """3×3 64, 4×4 64, 3×3 128, 4×4 128, 3×3 256, 4×4 256, 3×3 512, dense; the generator is the same."""
    study, paper = (SNDCGAN(width=64, plan=plan).build((3, 32, 32), 128) for plan in ("study", "paper"))
    layers = [layer for layer in paper.discriminator.modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in layers] == [64, 64, 128, 128, 256, 256, 512]
    assert [(layer.kernel_size[0], layer.stride[0]) for layer in layers] == [(3, 1), (4, 2)] * 3 + [(3, 1)]
    ups = sum(conv(i, i, 4) + conv(i, o, 3) for i, o in ((64, 128), (128, 256), (256, 512)))
    assert count(paper.discriminator) == conv(3, 64, 3) + ups + 512 * 16 + 1
    assert count(paper.generator) == count(study.generator)


def test_vggs_eight_convolutions_are_srgans() -> None:
    """Figure 4 of SRGAN: k3n64s1, k3n64s2, k3n128s1, ..., k3n512s2, dense 1024, dense 1; batch norm but after the
    first."""
    discriminator = VGG(width_d=64).build((3, 64, 64), 8).discriminator
    layers = [layer for layer in discriminator.modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in layers] == [64, 64, 128, 128, 256, 256, 512, 512]
    assert [layer.stride[0] for layer in layers] == [1, 2] * 4
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in discriminator.modules()) == 7
    pairs = itertools.pairwise([64, 64, 128, 128, 256, 256, 512, 512])
    convolutions = conv(3, 64, 3) + sum(conv(i, o, 3, bias=False) + 2 * o for i, o in pairs)
    assert count(discriminator) == convolutions + (512 * 16 * 1024 + 1024) + (1024 + 1)


def test_infogan_is_the_large_scale_studys_network_for_mnist() -> None:
    generator, discriminator = InfoGAN().build((1, 28, 28), 64)
    dense = 64 * 1024 + 2 * 1024 + 1024 * 128 * 49 + 2 * 128 * 49
    assert count(generator) == dense + conv(128, 64, 4, bias=False) + 2 * 64 + conv(64, 1, 4)
    dense = 128 * 49 * 1024 + 2 * 1024 + 1024 + 1
    assert count(discriminator) == conv(1, 64, 4) + conv(64, 128, 4, bias=False) + 2 * 128 + dense
    fakes = generator(torch.randn(3, 64))
    assert fakes.shape == (3, 1, 28, 28)
    assert discriminator(fakes).shape == (3,)


def test_infogan_settles_its_norm_as_dcgan_does() -> None:
    for penalised in (True, False):
        context = {"gradient_penalty": penalised, "weight_clipping": False}
        settled = InfoGAN.settle({"norm_d": "auto"}, **context)
        assert settled == DCGAN.settle({"norm_d": "auto"}, **context)
    plain = InfoGAN(norm_d="layer", width=4, hidden=8).build((1, 8, 12), 4).discriminator
    assert not any(isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) for layer in plain.modules())
    assert plain(torch.randn(1, 1, 8, 12)).shape == (1,)


def test_upsample_differs_from_dcgan_in_the_generators_convolutions_alone() -> None:
    ours, theirs = Upsample(width=8).build((3, 32, 32), 16), DCGAN(width=8).build((3, 32, 32), 16)
    assert count(ours.discriminator) == count(theirs.discriminator)
    assert not any(isinstance(layer, nn.ConvTranspose2d) for layer in ours.generator.modules())
    transposed = [layer for layer in theirs.generator.modules() if isinstance(layer, nn.ConvTranspose2d)]
    kernels = sum(layer.in_channels * layer.out_channels for layer in transposed)
    assert count(theirs.generator) - count(ours.generator) == kernels * (16 - 9)


def test_upsample_paints_no_checkerboard() -> None:
    """With every weight equal, a constant input stays constant away from the border; by odd kernels transposed with
    stride 2 it would not."""
    generator = Upsample(width=4, norm_g="none").build((1, 16, 16), 4).generator
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.fill_(0.01)
    image = generator(torch.ones(1, 4))[0, 0]
    assert torch.allclose(image[6:10, 6:10], image[7, 7].expand(4, 4))


def test_self_attention_by_hand() -> None:
    """Queries and keys of zero look everywhere alike: every position gets the mean of the pooled values."""
    attention = SelfAttention(2)
    x = torch.arange(16.0).view(1, 1, 4, 4).repeat(1, 2, 1, 1)
    assert torch.equal(attention(x), x)  # gamma starts at 0
    with torch.no_grad():
        attention.gamma.fill_(2.0)
        attention.query.weight.zero_()
        attention.value.weight.copy_(torch.tensor([[1.0, 0.0]]).view(1, 2, 1, 1))
        attention.out.weight.copy_(torch.tensor([1.0, 3.0]).view(2, 1, 1, 1))
    mean = (5 + 7 + 13 + 15) / 4  # the largest of each 2×2
    torch.testing.assert_close(attention(x)[:, 0], x[:, 0] + 2 * mean)
    torch.testing.assert_close(attention(x)[:, 1], x[:, 1] + 2 * 3 * mean)


def test_self_attention_against_a_loop() -> None:
    torch.manual_seed(0)
    attention, x = SelfAttention(8), torch.randn(1, 8, 4, 4)
    with torch.no_grad():
        attention.gamma.fill_(1.0)
    keys = nn.functional.max_pool2d(attention.key(x), 2).flatten(2)[0].T
    values = nn.functional.max_pool2d(attention.value(x), 2).flatten(2)[0].T
    for row, column in ((0, 0), (2, 3)):
        query = attention.query(x)[0, :, row, column]
        weights = torch.stack([(query @ key).exp() for key in keys])
        mixed = (weights[:, None] * values).sum(0) / weights.sum()
        expected = x[0, :, row, column] + attention.out.weight[:, :, 0, 0] @ mixed
        torch.testing.assert_close(attention(x)[0, :, row, column], expected)


def test_sagans_layout_at_128_is_the_papers() -> None:
    """Attention on maps of 32×32: 256 channels in the generator, 128 in the discriminator; C²/8 twice, C²/2 twice."""
    generator, discriminator = SAGAN().build((3, 128, 128), 128)
    assert isinstance(generator, Generator)
    assert isinstance(discriminator, Discriminator)
    assert generator.attention.query.in_channels == 256
    assert discriminator.attention.query.in_channels == 128
    assert count(generator.attention) == 256 * 256 * 5 // 4 + 1
    assert [block.get_submodule("conv2").out_channels for block in generator.blocks] == [1024, 512, 256, 128, 64]
    widths = [block.get_submodule("conv2").out_channels for block in discriminator.blocks]
    assert widths == [64, 128, 256, 512, 1024, 1024]


@pytest.mark.parametrize(("side", "attention"), [(16, 8), (32, 16), (32, 8), (64, 32), (64, 16), (64, 8)])
def test_attention_is_where_it_is_asked_for(side: int, attention: int) -> None:
    networks = SAGAN(width=4, attention=attention).build((1, side, side), 8)
    seen: list[int] = []
    for network in networks:
        place = network.get_submodule("attention")
        place.register_forward_hook(lambda module, args, out: seen.append(args[0].shape[-1]))
    networks.discriminator(networks.generator(torch.randn(2, 8)))
    assert seen == [attention, attention]


def test_sagan_normalises_both_players() -> None:
    for network in SAGAN(width=4).build((1, 16, 16), 8):
        layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
        assert layers
        assert all(is_parametrized(layer, "weight") for layer in layers)
    for network in SAGAN(width=4, spectral_norm=False).build((1, 16, 16), 8):
        assert not any(is_parametrized(layer) for layer in network.modules())
    generator, discriminator = SAGAN(width=4, spectral_norm="generator").build((1, 16, 16), 8)
    assert is_parametrized(generator.get_submodule("input"), "weight")
    assert not any(is_parametrized(layer) for layer in discriminator.modules())


SPECTRAL: list[tuple[Any, str]] = [(ResNet, "false"), (SNDCGAN, "false"), (SAGAN, "generator")]


@pytest.mark.parametrize(("cls", "otherwise"), SPECTRAL)
def test_spectral_norm_is_settled_by_what_else_bounds_the_discriminator(cls: Any, otherwise: str) -> None:
    def settled(value: str, gradient_penalty: bool, weight_clipping: bool) -> dict[str, Any]:
        given = {"width": 4, "spectral_norm": value}
        found: dict[str, Any] = cls.settle(given, gradient_penalty=gradient_penalty, weight_clipping=weight_clipping)
        assert given == {"width": 4, "spectral_norm": value}
        return found

    assert settled("auto", False, False) == {"width": 4, "spectral_norm": "true"}
    for bounded in ((True, False), (False, True), (True, True)):
        assert settled("auto", *bounded) == {"width": 4, "spectral_norm": otherwise}
        for asked in ("true", "false"):
            assert settled(asked, *bounded) == {"width": 4, "spectral_norm": asked}
    assert cls.settle({}, gradient_penalty=True, weight_clipping=False) == {"spectral_norm": otherwise}


@pytest.mark.parametrize(
    "architecture",
    [
        *(cls(width=4, **given) for cls, _ in SPECTRAL for given in ({}, {"spectral_norm": True})),
        *(cls(width=4, spectral_norm=value) for cls, value in SPECTRAL),
        *(cls(width=4, spectral_norm=False) for cls, _ in SPECTRAL),
        *(cls(width=4, norm_d=norm) for cls in (DCGAN, Upsample, VGG, InfoGAN) for norm in ("auto", "spectral")),
        MLP(hidden=4),
    ],
    ids=lambda architecture: f"{type(architecture).__name__}",
)
def test_spectral_norm_in_the_discriminator_is_declared(architecture: Architecture) -> None:
    discriminator = architecture.build((1, 16, 16), 8).discriminator
    found = any(is_parametrized(layer, "weight") for layer in discriminator.modules())
    assert architecture.spectral_norm_in_discriminator is found


ALL: list[Any] = [
    lambda **more: SAGAN(width=4, **more),
    lambda **more: Upsample(width=4, **more),
    lambda **more: VGG(width=4, hidden=8, **more),
    lambda **more: SNDCGAN(width=4, **more),
    lambda **more: InfoGAN(width=4, hidden=8, **more),
]


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("condition", ["projection", "classifier"])
def test_all_of_them_can_be_conditional(make: Any, condition: str) -> None:
    torch.manual_seed(0)
    architecture: Architecture = make(condition=condition)
    generator, discriminator = architecture.networks((3, 16, 16), 8, 5)
    labels = torch.arange(5)
    fakes = generator(torch.randn(5, 8), labels)
    assert fakes.shape == (5, 3, 16, 16)
    if condition == "projection":
        assert discriminator(fakes, labels).shape == (5,)
    else:
        raw, logits = discriminator(fakes)
        assert (raw.shape, logits.shape) == ((5,), (5, 5))
    with pytest.raises(ValueError, match="build_conditional"):
        architecture.build((3, 16, 16), 8)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SAGAN(width=0), "width must be"),
        (lambda: SAGAN(attention=24).build((1, 64, 64), 8), "attention must be the side .* one of 32, 16, 8, not 24"),
        (lambda: SAGAN(attention=8).build((1, 32, 16), 8), "sagan makes"),
        (lambda: Upsample().build((2,), 8), "upsample makes"),
        (lambda: VGG(hidden=0), "hidden must be"),
        (lambda: VGG().build((1, 24, 24), 8), "vgg makes"),
        (lambda: SNDCGAN(max_width=8), "max_width must be"),
        (lambda: SNDCGAN(plan="table"), "plan must be one of study, paper"),
        (lambda: SNDCGAN(spectral_norm="generator"), "spectral_norm must be one of auto, true, false, not"),
        (lambda: SNDCGAN().build((1, 8, 8), 8), "sndcgan makes"),
        (lambda: InfoGAN(norm_d="instance"), "norm_d must be one of"),
        (lambda: InfoGAN().build((1, 30, 30), 8), "multiples of 4 from 8 to 128, not 1x30x30"),
        (lambda: InfoGAN().build((2,), 8), "infogan makes"),
    ],
)
def test_nonsense_is_named(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()
