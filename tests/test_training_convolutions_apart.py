"""Where convolutions stay as they are, and what the networks of a trial run in."""

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
from torch.nn import functional

from ganbench.api import Networks, Samples
from ganbench.architectures.dcgan import DCGAN
from ganbench.architectures.resampling import halved
from ganbench.architectures.resnet import ResNet
from ganbench.architectures.upsample import Upsample
from ganbench.spec import Recipe
from ganbench.training.convolutions import FasterConvolutions
from ganbench.training.layout import choose_layout
from ganbench.training.state import State
from tests.convolving import CASES, Kernels, Network, derivatives, maps


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
    layer = nn.Conv2d(16, 16, 3, padding=1)
    nn.utils.parametrizations.spectral_norm(layer)
    asked: list[int] = []
    layer.get_submodule("parametrizations.weight").register_forward_hook(lambda *given: asked.append(1))
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
    layer.forward = lambda given: 5 * nn.Conv2d.forward(layer, given)  # type: ignore[assignment, method-assign]
    one: Any = np.int64(1)
    calls: list[Callable[[], Tensor]] = [
        lambda: functional.conv2d(x, layer.weight, None, one, one),
        lambda: halved(layer, x),
    ]
    for call in calls:
        expected = call()
        with FasterConvolutions():
            torch.testing.assert_close(call(), expected)


def both_ways(smallest: int, largest: int) -> st.SearchStrategy[Any]:
    """A number for both directions, or one for each."""
    number = st.integers(smallest, largest)
    return st.one_of(number, st.tuples(number, number), st.tuples(number))


def answer(call: Any, x: Tensor, *given: Any, **options: Any) -> Any:
    """What a convolution makes of x and the gradient of it, or what torch says where it refuses."""
    x = x.clone().requires_grad_()
    try:
        y = call(x, *given, **options)
        (gradient,) = torch.autograd.grad(y.double().square().sum(), x)
    except Exception as error:
        return type(error), str(error)
    return y.detach(), gradient


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@settings(max_examples=250)
@given(
    transposed=st.booleans(),
    batch=st.sampled_from([(2,), (1,), (0,), ()]),
    sides=st.sampled_from([(1, 1), (4, 4), (5, 4), (3, 1)]),
    channels=st.sampled_from([(1, 16), (3, 16), (16, 1), (16, 3), (16, 16), (2, 4)]),
    kernel=st.sampled_from([(1, 1), (3, 3), (4, 4), (3, 2), (5, 4)]),
    bias=st.sampled_from([0, 0, 1, 2]),
    stride=both_ways(1, 2),
    padding=st.one_of(both_ways(0, 2), st.sampled_from(["same", "valid"])),
    dilation=st.one_of(st.just(1), both_ways(1, 2)),
    output_padding=st.one_of(st.just(0), both_ways(0, 1)),
    groups=st.sampled_from([1, 1, 1, 2]),
    misfit=st.sampled_from([0, 0, 0, 1]),
    halves=st.sampled_from([False, False, True]),
)
def test_whatever_is_asked_for_is_answered_as_by_torch(
    transposed: bool, batch: tuple[int, ...], sides: tuple[int, int], channels: tuple[int, int],
    kernel: tuple[int, int], bias: int, stride: Any, padding: Any, dilation: Any, output_padding: Any, groups: int,
    misfit: int, halves: bool,
) -> None:  # fmt: skip
    """Samples without a batch, none at all, directions that differ, and what torch refuses, in its own words."""
    inputs, outputs = channels
    numbers = torch.Generator().manual_seed(0)
    shape = (inputs, outputs) if transposed else (outputs, inputs)
    x = torch.randn(*batch, inputs + misfit, *sides, dtype=torch.float64, generator=numbers)
    weight = torch.randn(*shape, *kernel, dtype=torch.float32 if halves else torch.float64, generator=numbers)
    biases = None if not bias else torch.randn(outputs + bias - 1, dtype=torch.float64, generator=numbers)
    options: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    if transposed:
        options["output_padding"] = output_padding
    call = functional.conv_transpose2d if transposed else functional.conv2d
    expected = answer(call, x, weight, biases, **options)
    with FasterConvolutions():
        found = answer(call, x, weight, biases, **options)
    if isinstance(expected[0], Tensor):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    else:
        assert found == expected


def test_outside_of_a_mode_halved_is_what_it_says() -> None:
    x, layer = maps(2, 5, 6, 6), nn.Conv2d(5, 7, 3, padding=1).double()
    assert torch.equal(halved(layer, x), functional.avg_pool2d(layer(x), 2))


def test_nothing_is_remembered_of_an_inference() -> None:
    layer = nn.Conv2d(5, 7, 3, padding=1).double()
    with torch.inference_mode(), FasterConvolutions():
        found = layer(functional.interpolate(maps(2, 5, 4, 4), scale_factor=2.0))
    torch.testing.assert_close(found, layer(functional.interpolate(maps(2, 5, 4, 4), scale_factor=2.0)))


def test_bfloat16_by_autocast_is_close() -> None:
    for case, (call, layer, shape, kernels) in CASES.items():
        with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
            layer = copy.deepcopy(layer).float()
            for x in (maps(*shape).float(), maps(*shape).bfloat16()):  # the first map, and those after it
                expected = call(layer, x)
                with FasterConvolutions(), Kernels() as seen:
                    found = call(layer, x)
                assert found.dtype == expected.dtype == torch.bfloat16
                torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05)
                assert seen.found == kernels or kernels == [] or "to few" in case  # which keeps its plain form


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
    # An image is made in squares of 2x2 pixels of three channels; no doubling and no mean over 2x2 is beside a 3x3
    # convolution of as many products.
    assert sorted(set(seen.outputs))[:2] == [12, 16]
    sides = {kernel[2:] for kernel in seen.found}
    assert sides == ({(1, 1), (3, 3), (4, 4)} if isinstance(architecture, ResNet) else {(2, 2), (4, 4)})
