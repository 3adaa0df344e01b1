"""Convolutions in other forms: the same values and derivatives, in the forms that are meant."""

import copy
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.autograd import forward_ad

from ganbench.training.convolutions import FasterConvolutions
from tests.convolving import CASES, Kernels, derivatives, maps, plainly


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


NARROW = ["from few", "from few, 3x3", "to few, 3x3", "to few, no padding", "to few, transposed", "to one, transposed"]
TAKERS = ["x", "weight", "bias", "x weight", "x bias", "weight bias"]


@pytest.mark.parametrize(
    ("case", "takers"),
    [(case, takers) for case in NARROW for takers in TAKERS if takers != "bias" or CASES[case][1].bias is not None],
)
def test_any_of_input_kernel_and_bias_may_take_gradients_without_the_others(case: str, takers: str) -> None:
    """A generator learns through a discriminator whose weights are frozen, and somebody trains but the biases."""
    call, layer, shape, _ = CASES[case]
    layer = copy.deepcopy(layer).double()
    x = maps(*shape).requires_grad_("x" in takers.split())
    for name, parameter in layer.named_parameters():
        parameter.requires_grad_(name in takers.split())
    asked = [value for value in (x, *layer.parameters()) if value.requires_grad]
    expected = torch.autograd.grad(call(layer, x).square().sum(), asked)
    with FasterConvolutions():
        found = torch.autograd.grad(call(layer, x).square().sum(), asked)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


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
        along = torch.func.jvp(lambda samples: call(layer, samples), (x,), (x.cos(),))[1]
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
