"""Convolutions in other forms: the same values and derivatives, in the forms that are meant, where they apply."""

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from ganbench.api import Networks, Samples
from ganbench.architectures.dcgan import DCGAN
from ganbench.architectures.resampling import halved
from ganbench.architectures.resnet import ResNet
from ganbench.architectures.upsample import Upsample
from ganbench.spec import Recipe
from ganbench.training.convolutions import FasterConvolutions
from ganbench.training.layout import choose_layout
from ganbench.training.state import State

Network = Callable[[nn.Module, Tensor], Tensor]


def plainly(layer: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = layer(x)
    return y


def mean_after(layer: nn.Module, x: Tensor) -> Tensor:
    assert isinstance(layer, nn.Conv2d)
    return halved(layer, x)


def maps(*shape: int) -> Tensor:
    x = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return x.contiguous(memory_format=torch.channels_last)


class Kernels(TorchDispatchMode):
    """The kernels (outputs or inputs, inputs or outputs, k, k) of the convolutions that were computed as such, and how
    many channels they led to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, ...]] = []
        self.outputs: list[int] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.convolution.default:
            self.found.append(tuple(args[1].shape))
            self.outputs.append(args[1].shape[1 if args[6] else 0])
        return func(*args, **(kwargs or {}))


def derivatives(call: Network, layer: nn.Module, x: Tensor) -> list[Tensor]:
    """The output, the gradient of a function of it by x, and of a function of that gradient by all weights and x."""
    x = x.clone().requires_grad_()
    y = call(layer, x)
    (gradient,) = torch.autograd.grad(y.square().sum() / 2, x, create_graph=True)
    of_gradient = torch.autograd.grad(gradient.square().sum() + y.sum(), [x, *layer.parameters()])
    return [y, gradient, *of_gradient]


def upsampled(layer: nn.Module, **how: Any) -> nn.Module:
    return nn.Sequential(nn.Upsample(**(how or {"scale_factor": 2})), layer)


CASES: dict[str, tuple[Network, nn.Module, tuple[int, ...], list[tuple[int, ...]]]] = {
    "doubled": (plainly, upsampled(nn.Conv2d(5, 7, 3, padding=1)), (2, 5, 6, 4), [(5, 7, 4, 4)]),
    "doubled by size": (plainly, upsampled(nn.Conv2d(5, 7, 3, padding=1), size=(8, 8)), (2, 5, 4, 4), [(5, 7, 4, 4)]),
    "doubled to few": (plainly, upsampled(nn.Conv2d(16, 3, 3, padding=1)), (2, 16, 4, 4), []),
    "halved": (mean_after, nn.Conv2d(5, 7, 3, padding=1), (2, 5, 6, 4), [(7, 5, 4, 4)]),
    "halved, an odd side": (mean_after, nn.Conv2d(5, 7, 3, padding=1, bias=False), (2, 5, 7, 5), [(7, 5, 4, 4)]),
    "as large as its input": (plainly, nn.Conv2d(5, 7, (6, 4)), (3, 5, 6, 4), []),
    "from one pixel": (plainly, nn.ConvTranspose2d(5, 7, 4), (3, 5, 1, 1), []),
    "from one pixel, with a stride": (plainly, nn.ConvTranspose2d(5, 7, 4, stride=2), (3, 5, 1, 1), []),
    "to few, 3x3": (plainly, nn.Conv2d(16, 3, 3, padding=1), (2, 16, 6, 5), []),
    "to few, no padding": (plainly, nn.Conv2d(16, 1, 3, bias=False), (2, 16, 6, 5), []),
    "to few, transposed": (plainly, nn.ConvTranspose2d(16, 3, 4, stride=2, padding=1), (2, 16, 5, 4), []),
    "from few": (plainly, nn.Conv2d(3, 16, 4, stride=2, padding=1), (2, 3, 8, 6), [(16, 3, 4, 4)]),
    "from few, 3x3": (plainly, nn.Conv2d(1, 16, 3, padding=1, bias=False), (2, 1, 5, 6), [(16, 1, 3, 3)]),
    "from few, an uneven stride": (plainly, nn.Conv2d(1, 16, 3, stride=2), (2, 1, 6, 6), [(16, 1, 3, 3)]),
}


@pytest.mark.parametrize("case", CASES)
def test_values_and_derivatives_are_those_of_the_plain_form(case: str) -> None:
    call, layer, shape, kernels = CASES[case]
    layer = copy.deepcopy(layer).double().to(memory_format=torch.channels_last)
    expected = derivatives(call, layer, maps(*shape))
    with FasterConvolutions():
        found = derivatives(call, layer, maps(*shape))
        with Kernels() as seen, torch.no_grad():
            call(layer, maps(*shape))
    for wanted, value in zip(expected, found, strict=True):
        torch.testing.assert_close(value, wanted, rtol=1e-10, atol=1e-10)
    assert seen.found == kernels


def refusal(layer: nn.Module, x: Tensor) -> str:
    """What torch says where it cannot compute it."""
    try:
        layer(x)
    except RuntimeError as error:
        return str(error)
    return ""


@settings(deadline=None, max_examples=60)
@given(
    transposed=st.booleans(),
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
    channels=st.tuples(st.sampled_from([1, 3, 16, 18]), st.sampled_from([1, 2, 16, 17])),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    grouped=st.booleans(),
    tupled=st.booleans(),
)
def test_every_convolution_is_what_it_was(
    transposed: bool,
    sizes: tuple[int, int, int],
    channels: tuple[int, int],
    kernel: tuple[int, int],
    stride: int,
    padding: int,
    grouped: bool,
    tupled: bool,
) -> None:
    n, height, width = sizes
    groups = 2 if grouped and not any(count % 2 for count in channels) else 1
    kind = nn.ConvTranspose2d if transposed else nn.Conv2d
    how: Any = {"stride": (stride, stride) if tupled else stride, "padding": (padding, padding) if tupled else padding}
    layer = kind(*channels, kernel, groups=groups, **how).double()
    x = maps(n, channels[0], height, width)
    refused = refusal(layer, x)
    with FasterConvolutions():
        assert refusal(layer, x) == refused
    if refused:
        return
    expected = derivatives(plainly, layer, x)
    with FasterConvolutions():
        found = derivatives(plainly, layer, x)
    for wanted, value in zip(expected, found, strict=True):
        torch.testing.assert_close(value, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_torch_func_and_forward_derivatives_pass_through(case: str) -> None:
    """A penalty may take the gradient of each sample by itself, or a derivative in a direction."""
    call, layer, shape, _ = CASES[case]
    layer = copy.deepcopy(layer).double()
    x = maps(*shape)

    def one(sample: Tensor) -> Tensor:
        return call(layer, sample[None]).square().sum()

    def all_of_it() -> tuple[Tensor, ...]:
        each = torch.func.vmap(torch.func.grad(one))(x)
        _, along = torch.func.jvp(lambda samples: call(layer, samples), (x,), (x.cos(),))
        with forward_ad.dual_level():
            dual = call(layer, forward_ad.make_dual(x, x.sin()))
            tangent = forward_ad.unpack_dual(dual).tangent
        asked = x.clone().requires_grad_()
        output = call(layer, asked)
        directions = torch.stack([torch.ones_like(output), output.detach()])
        (batched,) = torch.autograd.grad(output, asked, directions, is_grads_batched=True)
        return each, along, tangent, batched

    expected = all_of_it()
    with FasterConvolutions():
        found = all_of_it()
    for wanted, value in zip(expected, found, strict=True):
        torch.testing.assert_close(value, wanted, rtol=1e-10, atol=1e-10)


def doubled_and_changed(layer: nn.Module, x: Tensor) -> Tensor:
    large = functional.interpolate(x, scale_factor=2.0)
    large.mul_(2)
    y: Tensor = layer(large)
    return y


def doubled_from_what_changed(layer: nn.Module, x: Tensor) -> Tensor:
    small = x * 1
    large = functional.interpolate(small, scale_factor=2.0)
    small.mul_(2)
    y: Tensor = layer(large)
    return y


def stopped(layer: nn.Module, x: Tensor) -> Tensor:
    """No gradient of the doubled map reaches x."""
    with torch.no_grad():
        large = functional.interpolate(x, scale_factor=2.0)
    y: Tensor = layer(large)
    return y + x.sum()


def detached(layer: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = layer(functional.interpolate(x * 1, scale_factor=2.0).detach_())
    return y + x.sum()


def asked_for(layer: nn.Module, x: Tensor) -> Tensor:
    """The gradient with respect to a doubled map that is a leaf."""
    with torch.no_grad():
        large = functional.interpolate(x, scale_factor=2.0)
    y = layer(large.requires_grad_())
    (gradient,) = torch.autograd.grad(y.square().sum(), large, create_graph=True)
    return gradient + x.sum()


def doubled_smoothly(layer: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = layer(functional.interpolate(x, scale_factor=2.0, mode="bilinear"))
    return y


def trebled(layer: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = layer(functional.interpolate(x, scale_factor=3.0))
    return y


@pytest.mark.parametrize(
    "call",
    [doubled_and_changed, doubled_from_what_changed, stopped, detached, asked_for, doubled_smoothly, trebled],
)
def test_what_is_no_doubling_stays_as_it_is(call: Network) -> None:
    layer = nn.Conv2d(5, 7, 3, padding=1).double()
    expected = derivatives(call, layer, maps(2, 5, 4, 4))
    with FasterConvolutions(), Kernels() as seen:
        found = derivatives(call, layer, maps(2, 5, 4, 4))
    for wanted, value in zip(expected, found, strict=True):
        torch.testing.assert_close(value, wanted)
    assert (7, 5, 3, 3) in seen.found
    assert (5, 7, 4, 4) not in seen.found


def test_a_doubled_image_of_one_network_is_any_image_to_another() -> None:
    networks = Networks(
        nn.Sequential(nn.Unflatten(1, (4, 1, 1)), nn.ConvTranspose2d(4, 3, 4), nn.Upsample(scale_factor=2)),
        nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.Flatten(), nn.Linear(16 * 64, 1), nn.Flatten(0)),
    )
    assert choose_layout(networks, "none", (3, 8, 8), 4) is torch.channels_last
    with torch.no_grad():
        images = networks.generator(torch.randn(2, 4))
    (gradient,) = torch.autograd.grad(networks.discriminator(images.requires_grad_()).sum(), images)
    assert gradient.shape == images.shape


def test_a_weight_is_asked_for_once() -> None:
    """Under spectral normalisation that is a step of its estimate."""
    layer = nn.utils.parametrizations.spectral_norm(nn.Conv2d(16, 16, 3, padding=1))
    asked: list[int] = []
    layer.parametrizations.weight.register_forward_hook(lambda *given: asked.append(1))  # type: ignore[union-attr]
    for dtype in (torch.float32, torch.bfloat16):
        asked.clear()
        with FasterConvolutions(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype is torch.bfloat16):
            halved(layer, torch.randn(2, 16, 4, 4, dtype=dtype))
        assert asked == [1]


@pytest.mark.parametrize("hooked", [False, True])
def test_a_gradient_that_somebody_waits_for_arrives(hooked: bool) -> None:
    layer = nn.Conv2d(5, 7, 3, padding=1).double()
    kept: list[Tensor] = []
    for mode in (contextlib.nullcontext(), FasterConvolutions()):
        with mode:
            large = functional.interpolate(maps(2, 5, 4, 4).requires_grad_(), scale_factor=2.0)
            if hooked:
                large.register_hook(kept.append)
            else:
                large.retain_grad()
            layer(large).square().sum().backward()
        if not hooked:
            assert large.grad is not None
            kept.append(large.grad)
    torch.testing.assert_close(*kept)


class Noted(nn.Conv2d):
    """A convolution that is computed in a way of its own."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def test_a_layer_of_its_own_kind_and_one_with_hooks_are_called_before_the_mean() -> None:
    x, layer = maps(2, 5, 6, 6), Noted(5, 7, 3, padding=1).double()
    hooked = nn.Conv2d(5, 7, 3, padding=1).double()
    hooked.register_forward_hook(lambda module, inputs, output: 3 * output)
    for each in (layer, hooked, nn.Conv2d(5, 7, 3, padding="same").double(), nn.Conv2d(5, 7, 1).double()):
        expected = halved(each, x)
        with FasterConvolutions():
            torch.testing.assert_close(halved(each, x), expected)


def test_numbers_of_numpy_and_a_forward_of_its_own_are_understood() -> None:
    x, layer = maps(2, 5, 6, 6), nn.Conv2d(5, 7, 3, padding=1).double()
    layer.forward = lambda given: 5 * nn.Conv2d.forward(layer, given)  # type: ignore[method-assign]
    one: Any = np.int64(1)
    for call in (lambda: functional.conv2d(x, layer.weight, None, one, one), lambda: halved(layer, x)):
        expected = call()
        with FasterConvolutions():
            torch.testing.assert_close(call(), expected)


def test_outside_of_a_mode_halved_is_what_it_says() -> None:
    x, layer = maps(2, 5, 6, 6), nn.Conv2d(5, 7, 3, padding=1).double()
    assert torch.equal(halved(layer, x), functional.avg_pool2d(layer(x), 2))


def test_nothing_is_remembered_of_an_inference() -> None:
    layer = nn.Conv2d(5, 7, 3, padding=1).double()
    with torch.inference_mode(), FasterConvolutions():
        found = layer(functional.interpolate(maps(2, 5, 4, 4), scale_factor=2.0))
    torch.testing.assert_close(found, layer(functional.interpolate(maps(2, 5, 4, 4), scale_factor=2.0)))


def test_bfloat16_by_autocast_is_close() -> None:
    for call, layer, shape, kernels in CASES.values():
        with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
            layer = copy.deepcopy(layer).float()
            for x in (maps(*shape).float(), maps(*shape).bfloat16()):  # the first map, and those after it
                expected = call(layer, x)
                with FasterConvolutions(), Kernels() as seen:
                    found = call(layer, x)
                assert found.dtype == expected.dtype == torch.bfloat16
                torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05)
                assert seen.found == kernels or kernels == []


@pytest.mark.parametrize("architecture", [ResNet(width=16), DCGAN(width=16), Upsample(width=16)])
def test_the_networks_of_a_trial_run_in_these_forms(architecture: ResNet) -> None:
    state = State(
        architecture=architecture,
        samples=Samples(data=torch.randint(0, 256, (8, 3, 32, 32), dtype=torch.uint8)),
        recipe=Recipe(steps=1, batch_size=4, latent_dim=8),
        seed=0,
        device=torch.device("cpu"),
    )
    with Kernels() as seen, torch.no_grad():
        images = state.generator(torch.randn(4, 8))
        state.discriminator(images)
        copy.deepcopy(state.generator)(torch.randn(4, 8))
    assert seen.found
    # No image is made by a convolution; no doubling and no mean over 2x2 is beside a 3x3 one of as many products.
    assert min(seen.outputs) == 16
    sides = {kernel[2:] for kernel in seen.found}
    assert sides == ({(1, 1), (3, 3), (4, 4)} if isinstance(architecture, ResNet) else {(4, 4)})
