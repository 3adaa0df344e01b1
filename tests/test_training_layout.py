"""The layout of the networks: channels-last wherever it computes the same, whatever the networks are written like."""

import contextlib
import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from ganbench import seeds
from ganbench.api import Networks
from ganbench.provenance.environment import float32_arithmetic
from ganbench.training import layout as module
from ganbench.training.convolutions import FasterConvolutions
from ganbench.training.layout import choose_layout
from tests.layouts import (
    SHAPE,
    Critic,
    Images,
    by_eight,
    by_memory,
    dropped,
    refused,
    reshaped,
    state_of,
    viewed,
    viewed_as_bits,
    viewed_backward,
    viewed_backward_in_its_layout,
    viewed_by_keyword,
)

CHANNELS_LAST = [Images(reshaped), Images(viewed), Images(viewed_by_keyword), Images(viewed, pack=3),
                 Images(viewed, noise=1.0), Images(reshaped, in_training=viewed),
                 Images(reshaped, in_training=dropped)]  # fmt: skip
PLAIN = [Images(refused), Images(viewed_as_bits), Images(by_memory), Images(by_eight), Images(viewed_backward),
         Images(viewed_backward_in_its_layout), Images(reshaped, in_training=refused)]  # fmt: skip


def named(architecture: Images) -> str:
    training = f", {architecture.in_training.__name__} in training" if architecture.in_training else ""
    return f"{architecture.flatten.__name__}, pack {architecture.pack}, noise {architecture.noise:g}{training}"


@pytest.mark.parametrize("architecture", [*CHANNELS_LAST, *PLAIN], ids=named)
def test_the_layout_is_one_that_the_networks_can_be_run_in(architecture: Images) -> None:
    state = state_of(architecture)
    layout = torch.channels_last if architecture in CHANNELS_LAST else torch.contiguous_format
    assert state.memory_format is layout
    real = state.laid_out(state.batches.next().repeat(6, 1, 1, 1))
    assert real.is_contiguous(memory_format=layout)
    weight = state.discriminator.get_parameter("conv.weight")
    assert weight.is_contiguous(memory_format=layout)
    if architecture.flatten is viewed_as_bits:
        with pytest.raises(RuntimeError, match="stride"):
            state.discriminator(real)
        return
    raw = state.discriminator(real)
    assert raw.shape == (len(real) // architecture.pack,)
    if architecture.flatten is not viewed_backward:
        raw.sum().backward()
        assert weight.grad is not None


@pytest.mark.parametrize("architecture", [*CHANNELS_LAST, *PLAIN], ids=named)
def test_trying_it_out_leaves_no_trace(architecture: Images) -> None:
    state = state_of(architecture)
    assert dict(state.generator.named_buffers())["2.num_batches_tracked"].item() == 0
    assert state.generator.training
    assert state.discriminator.get_submodule("conv").training
    assert not state.discriminator.get_submodule("aside").training
    for network in (state.generator, state.discriminator):
        assert all(parameter.grad is None for parameter in network.parameters())
        hooks = len(network._forward_hooks), len(network._forward_pre_hooks)
        assert hooks == ((1, 1) if state.memory_format is torch.channels_last else (0, 0))
    expected = torch.get_rng_state()
    torch.manual_seed(seeds.stream_seed(0, seeds.LAYERS))
    assert torch.equal(torch.get_rng_state(), expected)


def test_the_layout_changes_no_value() -> None:
    outputs = []
    for flatten in (reshaped, viewed, refused):
        state = state_of(Images(flatten))
        outputs.append(state.discriminator(state.laid_out(state.batches.next())))
    torch.testing.assert_close(outputs[0], outputs[1])
    torch.testing.assert_close(outputs[0], outputs[2])


class FlatAtOnce(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.view(len(x), -1)


def test_a_network_that_flattens_its_very_input_is_tried_on_images_in_the_layout() -> None:
    """Else it would fail in the first step of the training."""
    networks = Networks(
        nn.Sequential(nn.Unflatten(1, (4, 1, 1)), nn.ConvTranspose2d(4, 3, 4)),
        nn.Sequential(FlatAtOnce(), nn.Linear(48, 1), nn.Flatten(0)),
    )
    x = torch.randn(2, *SHAPE)
    expected = networks.discriminator(x)
    layout = choose_layout(networks, "none", SHAPE, 4)
    torch.testing.assert_close(networks.discriminator(x.contiguous(memory_format=layout)), expected)


def test_a_view_as_another_type_is_refused_as_ever() -> None:
    bits = torch.zeros(2, 3, 4, 4)[..., ::2]
    views: list[Callable[[], Tensor]] = [lambda: bits.view(torch.int16), lambda: bits.view(dtype=torch.int16)]
    with module._ViewsCopy():
        for refused_view in views:
            with pytest.raises(RuntimeError, match="stride"):
                refused_view()


def test_copies_of_a_network_and_batched_ones_have_its_views_copied() -> None:
    networks = Images(viewed).build(SHAPE, 4)
    assert choose_layout(networks, "none", SHAPE, 4) is torch.channels_last
    x = torch.randn(2, *SHAPE).contiguous(memory_format=torch.channels_last)
    expected = networks.discriminator(x)
    assert torch.equal(copy.deepcopy(networks.discriminator)(x), expected)
    parameters, buffers = stack_module_state([networks.discriminator, networks.discriminator])

    def call(weights: dict[str, Tensor], statistics: dict[str, Tensor], x: Tensor) -> Tensor:
        raw: Tensor = functional_call(networks.discriminator, (weights, statistics), (x,))
        return raw

    together = vmap(call, in_dims=(0, 0, None), randomness="different")(parameters, buffers, x)
    torch.testing.assert_close(together, torch.stack([expected, expected]))


def test_a_network_can_be_pickled_with_its_modes() -> None:
    networks = Images(viewed).build(SHAPE, 4)
    choose_layout(networks, "none", SHAPE, 4)
    x = torch.randn(2, *SHAPE).contiguous(memory_format=torch.channels_last)
    again = pickle.loads(pickle.dumps(networks.discriminator))
    assert torch.equal(again(x), networks.discriminator(x))
    assert not torch.overrides._get_current_function_mode_stack()


def test_an_error_before_the_forward_pass_leaves_other_modes_alone() -> None:
    def fails(module: nn.Module, inputs: Any) -> None:
        raise ValueError("not today")

    networks = Images(viewed).build(SHAPE, 4)
    choose_layout(networks, "none", SHAPE, 4)
    networks.discriminator.register_forward_pre_hook(fails, prepend=True)
    x = torch.randn(2, *SHAPE)
    with FasterConvolutions() as outer:
        with pytest.raises(ValueError, match="not today"):
            networks.discriminator(x)
        assert torch.overrides._get_current_function_mode_stack() == [outer]


def test_an_error_in_a_forward_pass_ends_its_mode() -> None:
    networks = Images(viewed).build(SHAPE, 4)
    choose_layout(networks, "none", SHAPE, 4)
    with pytest.raises(RuntimeError):
        networks.discriminator(torch.zeros(2, 5, 4, 4))
    with pytest.raises(RuntimeError, match="view"):  # outside of a network a view is a view
        torch.zeros(2, 3, 4, 4).contiguous(memory_format=torch.channels_last).view(2, -1)
    assert not torch.overrides._get_current_function_mode_stack()


def test_a_network_can_be_copied_as_before() -> None:
    """torch's older spectral normalisation leaves a weight behind in every forward pass that cannot be copied."""
    networks = Networks(
        nn.Sequential(nn.utils.spectral_norm(nn.Linear(4, 48)), nn.Unflatten(1, SHAPE)),
        nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(3, 1, 4)), nn.Flatten(0)),
    )
    assert choose_layout(networks, "none", SHAPE, 4) is torch.channels_last
    copy.deepcopy(tuple(networks))


class Uncopied(nn.Linear):
    def __deepcopy__(self, memo: Any) -> "Uncopied":
        raise TypeError("cannot be copied")


@pytest.mark.parametrize("last", [nn.LazyLinear(1), Uncopied(48, 1)], ids=["lazy", "uncopied"])
def test_networks_that_cannot_be_tried_stay_as_they_are(last: nn.Module) -> None:
    networks = Networks(
        nn.Sequential(nn.Linear(4, 48), nn.Unflatten(1, SHAPE)), nn.Sequential(nn.Flatten(), last, nn.Flatten(0))
    )
    assert choose_layout(networks, "none", SHAPE, 4) is torch.contiguous_format


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_weights_that_are_not_finite_are_left_to_the_training(value: float) -> None:
    networks = Networks(
        nn.Sequential(nn.Linear(4, 48), nn.Unflatten(1, SHAPE)), nn.Sequential(nn.Conv2d(3, 1, 4), nn.Flatten(0))
    )
    nn.init.constant_(networks.generator.get_parameter("0.weight"), value)
    assert choose_layout(networks, "none", SHAPE, 4) is torch.contiguous_format


def test_a_device_that_fails_is_no_reason_for_a_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = Images(viewed).build(SHAPE, 4)

    def fails(self: Critic, x: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(Critic, "forward", fails)
    with pytest.raises(torch.OutOfMemoryError):
        choose_layout(networks, "none", SHAPE, 4)


def test_layouts_are_compared_without_tf32_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda")
    before = float32_arithmetic(cuda)

    def rounded(h: Tensor) -> Tensor:
        """As two kernels that round to TF32, each in its own way."""
        in_tf32 = not float32_arithmetic(cuda).endswith("convolutions ieee")
        return reshaped(h * 1.1 if in_tf32 and not h.is_contiguous() else h)

    def chosen() -> torch.memory_format:
        return choose_layout(Images(rounded).build(SHAPE, 4), "none", SHAPE, 4)

    assert "tf32" in before
    assert chosen() is torch.channels_last
    assert float32_arithmetic(cuda) == before
    monkeypatch.setattr(module, "full_precision", contextlib.nullcontext)
    assert chosen() is torch.contiguous_format


def test_what_is_no_image_has_the_plain_layout() -> None:
    networks = Networks(nn.Linear(4, 2), nn.Linear(2, 1))
    assert choose_layout(networks, "none", (2,), 4) is torch.contiguous_format
