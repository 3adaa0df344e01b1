"""Layers of a stack compute what ``vmap`` makes of them, with gradients as an optimiser takes them."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad
from torch.nn import functional

from ganbench.training import stacked_layers
from ganbench.training.stacked import Stacked
from ganbench.training.stacked_layers import StackedLayers

K, N = 3, 6


class Calls(nn.Module):
    """A network of a layer called in one of several ways."""

    def __init__(self, call: Callable[[nn.Linear, Tensor], Tensor]) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self._call_layer = call

    def forward(self, x: Tensor) -> Tensor:
        return self._call_layer(self.layer, x)


class OfComplexNumbers(nn.Module):
    """A linear layer of complex numbers; returns how large its outputs are."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 5, dtype=torch.complex128)

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.layer(x * (1 + 2j))
        return outputs.abs()


def normed(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    return functional.batch_norm(x, None, None, weight, bias, training=True)


def at_rest(x: Tensor, statistics: Tensor) -> Tensor:
    """Batch norm by statistics (2, channels)."""
    return functional.batch_norm(x, statistics[0], statistics[1])


LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(4, 5), (4,)),
    "linear without a bias": (lambda: nn.Linear(4, 5, bias=False), (4,)),
    "linear on maps": (lambda: nn.Linear(4, 5), (2, 4)),
    "batch norm": (lambda: nn.BatchNorm1d(4), (4,)),
    "batch norm of sequences": (lambda: nn.BatchNorm1d(4), (4, 2)),
    "batch norm of images": (lambda: nn.BatchNorm2d(4), (4, 2, 3)),
    "batch norm without weights": (lambda: nn.BatchNorm1d(4, affine=False), (4,)),
    "batch norm without running statistics": (lambda: nn.BatchNorm1d(4, track_running_stats=False), (4,)),
    "batch norm of one momentum": (lambda: nn.BatchNorm1d(4, eps=0.1, momentum=0.5), (4,)),
    "linear of complex numbers": (OfComplexNumbers, (4,)),
    "linear with a number as bias": (
        lambda: Calls(lambda layer, x: functional.linear(x, layer.weight, layer.bias[0])),
        (4,),
    ),
    "linear with samples as bias": (lambda: Calls(lambda layer, x: functional.linear(x, layer.weight, x)), (4,)),
    "batch norm with rows as weights": (
        lambda: Calls(lambda layer, x: normed(x, layer.weight[0], layer.weight[1])),
        (4,),
    ),
    "batch norm with columns as weights": (
        lambda: Calls(lambda layer, x: normed(x, layer.weight[:, 0], layer.weight[:, 1])),
        (4,),
    ),
    "batch norm with one number as weights": (
        lambda: Calls(lambda layer, x: normed(x, layer.bias[:1].expand(4), layer.bias[1:2].expand(4))),
        (4,),
    ),
    "batch norm with weights and no bias": (lambda: Calls(lambda layer, x: normed(x, layer.bias, None)), (4,)),
    "batch norm with a bias and no weights": (lambda: Calls(lambda layer, x: normed(x, None, layer.bias)), (4,)),
    "batch norm by statistics in rows": (
        lambda: Calls(lambda layer, x: at_rest(x, layer.weight[:2].detach().exp())),
        (4,),
    ),
    "batch norm by statistics in columns": (
        lambda: Calls(lambda layer, x: at_rest(x, layer.weight[:, :2].detach().exp().T)),
        (4,),
    ),
}


class Plain(Stacked):
    """A stack whose layers are what ``vmap`` makes of them."""

    def __call__(self, x: Tensor, *, frozen: bool = False) -> Tensor:
        return torch.vmap(self._call)(self.parameters, self._buffers, x)


def layers(make: Callable[[], nn.Module], *, training: bool) -> list[nn.Module]:
    torch.manual_seed(0)
    made = [make().double().train(training) for _ in range(K)]
    for layer in made:
        for parameter in layer.parameters():
            nn.init.normal_(parameter)
        for buffer in layer.buffers():
            if buffer.is_floating_point():
                nn.init.uniform_(buffer, 0.5, 1.5)
    return made


class InColumns(nn.Module):
    """Batch norm whose running statistics are the columns of one buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.statistics = nn.Buffer(torch.ones(4, 2))

    def forward(self, x: Tensor) -> Tensor:
        return functional.batch_norm(x, self.statistics[:, 0], self.statistics[:, 1], training=True)


def test_running_statistics_that_lie_apart_are_renewed_where_they_are() -> None:
    networks = layers(InColumns, training=True)
    alone = copy.deepcopy(networks)
    x = torch.rand(K, N, 4, dtype=torch.float64)
    Stacked(networks)(x)
    for network, own, part in zip(alone, x, networks, strict=True):
        network(own)
        torch.testing.assert_close(part.get_buffer("statistics"), network.get_buffer("statistics"))


def gradients(total: Tensor, of: list[Tensor], *, create_graph: bool = False) -> tuple[Tensor, ...]:
    """Of a sum, zeros for what takes no part in it."""
    return torch.autograd.grad(total, of, create_graph=create_graph, allow_unused=True, materialize_grads=True)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS.keys())
def test_outputs_statistics_and_two_derivatives_are_those_of_vmap(
    make: Callable[[], nn.Module], shape: tuple[int, ...], training: bool
) -> None:
    found = []
    for kind in (Stacked, Plain):
        networks = layers(make, training=training)
        stack = kind(networks)
        x = torch.rand(K, N, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
        outputs = stack(x)
        weights = list(stack.parameters.values())
        first = gradients(outputs.sin().sum(), [x, *weights], create_graph=True)
        second = gradients(torch.stack([each.abs().pow(3).sum() for each in first]).sum(), [x, *weights])
        buffers = [buffer for network in networks for buffer in network.buffers()]
        found.append([outputs, *first, *second, *buffers])
    for one, other in zip(*found, strict=True):
        assert one.shape == other.shape
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


def test_the_gradient_of_linear_weights_lies_as_they_do() -> None:
    stack = Stacked(layers(lambda: nn.Linear(4, 5), training=True))
    (weight, _) = stack.parameters.values()
    (gradient,) = torch.autograd.grad(stack(torch.rand(K, N, 4, dtype=torch.float64)).sum(), weight)
    assert gradient.stride() == weight.stride()
    plain = Plain(layers(lambda: nn.Linear(4, 5), training=True))
    (weight, _) = plain.parameters.values()
    (gradient,) = torch.autograd.grad(plain(torch.rand(K, N, 4, dtype=torch.float64)).sum(), weight)
    assert gradient.stride() != weight.stride()  # or the layer is needed no more


@pytest.mark.parametrize("frozen", [True, False])
def test_for_gradients_a_linear_layer_keeps_its_samples_only_if_its_weights_have_some(frozen: bool) -> None:
    stack = Stacked(layers(lambda: nn.Linear(4, 5), training=True))
    x = torch.rand(K, N, 4, dtype=torch.float64, requires_grad=True)
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor.data_ptr()), lambda none: none):
        stack(x, frozen=frozen)
    assert stack.parameters["weight"].data_ptr() in kept
    assert (x.data_ptr() in kept) is not frozen


@pytest.mark.parametrize("width", [4, 5])
def test_a_batch_norm_of_a_stack_is_one_operator(width: int) -> None:
    stack = Stacked(layers(lambda: nn.BatchNorm1d(width), training=True))
    x = torch.rand(K, N, width, dtype=torch.float64)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        stack(x)
    counts = {event.key: event.count for event in profile.key_averages()}
    assert counts["aten::native_batch_norm"] == 1
    assert "aten::mul" not in counts


FIXED = torch.linspace(-1, 1, 16, dtype=torch.float64).view(4, 4)
WAYS: dict[str, Callable[[nn.Linear, Tensor], Tensor]] = {
    "weights that all share": lambda layer, x: functional.linear(x, FIXED, layer.bias),
    "samples that all share": lambda layer, x: layer(FIXED) + x.mean(),
    "samples picked out of those": lambda layer, x: layer(FIXED[:, x[0].argsort()]),
    "a vector": lambda layer, x: layer(x[0]) + x,
    "one output": lambda layer, x: functional.linear(x, layer.weight[0]).unsqueeze(1),
    "a gradient within": lambda layer, x: grad(lambda y: layer(y).sin().sum())(x),
    "vmap within": lambda layer, x: torch.vmap(lambda y: layer(y[None])[0])(x),
    "a derivative forward": lambda layer, x: torch.func.jvp(lambda y: layer(y).sin(), (x,), (torch.ones_like(x),))[1],
    "batch norm with shared weights": lambda layer, x: functional.batch_norm(
        layer(x), None, None, FIXED[0], FIXED[1], training=True
    ),
    "batch norm with options by place": lambda layer, x: functional.batch_norm(
        layer(x), None, None, layer.bias, None, True, 0.2, 0.3
    ),
}


@pytest.mark.parametrize("call", WAYS.values(), ids=WAYS.keys())
def test_what_is_called_otherwise_is_left_to_vmap(call: Callable[[nn.Linear, Tensor], Tensor]) -> None:
    networks = layers(lambda: Calls(call), training=True)
    x = torch.rand(K, 4, 4, dtype=torch.float64)
    weights = {name: parameter.detach() for name, parameter in Stacked(networks).parameters.items()}
    for index, found in enumerate(Stacked(networks)(x)):
        own = {name: weight[index] for name, weight in weights.items()}
        torch.testing.assert_close(found, functional_call(networks[0], own, (x[index],)), rtol=1e-9, atol=1e-11)


def test_under_autocast_products_and_their_gradients_are_torchs() -> None:
    found = []
    for kind in (Stacked, Plain):
        stack = kind([layer.float() for layer in layers(lambda: nn.Linear(4, 5), training=True)])
        with torch.autocast("cpu", torch.bfloat16):
            outputs = stack(torch.rand(K, N, 4, generator=torch.Generator().manual_seed(1)))
        found.append([outputs, *torch.autograd.grad(outputs.sum(), list(stack.parameters.values()))])
    for one, other in zip(*found, strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norms_in_bfloat16_are_those_of_each_network(training: bool) -> None:
    networks = [layer.float() for layer in layers(lambda: nn.BatchNorm1d(4), training=training)]
    alone = copy.deepcopy(networks)
    x = torch.rand(K, N, 4, generator=torch.Generator().manual_seed(1)).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = Stacked(networks)(x)
        for network, own, outputs in zip(alone, x, found, strict=True):
            assert outputs.dtype == torch.bfloat16
            assert torch.equal(outputs, network(own))


def test_outside_of_vmap_nothing_is_another_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(stacked_layers._Linear, "vmap")
    monkeypatch.delattr(stacked_layers._BatchNorm, "vmap")
    network = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5))
    x = torch.rand(N, 4)
    expected = network(x)
    with StackedLayers():
        assert torch.equal(network(x), expected)
