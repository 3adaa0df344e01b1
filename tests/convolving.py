"""How convolutions in other forms are tried: in float64, with their derivatives, and the kernels that were taken."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.utils._python_dispatch import TorchDispatchMode

from ganbench.architectures.resampling import halved

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
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own has no types
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


def doubled_by_position(layer: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = layer(interpolate(x, None, 2.0))
    return y


def upsampled(layer: nn.Module, **how: Any) -> nn.Module:
    return nn.Sequential(nn.Upsample(**(how or {"scale_factor": 2})), layer)


CASES: dict[str, tuple[Network, nn.Module, tuple[int, ...], list[tuple[int, ...]]]] = {
    "doubled": (plainly, upsampled(nn.Conv2d(5, 7, 3, padding=1)), (2, 5, 6, 4), [(5, 7, 4, 4)]),
    "doubled by size": (plainly, upsampled(nn.Conv2d(5, 7, 3, padding=1), size=(8, 8)), (2, 5, 4, 4), [(5, 7, 4, 4)]),
    "doubled, by position": (doubled_by_position, nn.Conv2d(5, 7, 3, padding=1), (2, 5, 6, 4), [(5, 7, 4, 4)]),
    "doubled to few": (plainly, upsampled(nn.Conv2d(16, 3, 3, padding=1)), (2, 16, 4, 4), [(12, 16, 2, 2)]),
    "halved": (mean_after, nn.Conv2d(5, 7, 3, padding=1), (2, 5, 6, 4), [(7, 5, 4, 4)]),
    "halved, an odd side": (mean_after, nn.Conv2d(5, 7, 3, padding=1, bias=False), (2, 5, 7, 5), [(7, 5, 4, 4)]),
    "as large as its input": (plainly, nn.Conv2d(5, 7, (6, 4)), (3, 5, 6, 4), []),
    "from one pixel": (plainly, nn.ConvTranspose2d(5, 7, 4), (3, 5, 1, 1), []),
    "from one pixel, with a stride": (plainly, nn.ConvTranspose2d(5, 7, 4, stride=2), (3, 5, 1, 1), []),
    "to few, 3x3": (plainly, nn.Conv2d(16, 3, 3, padding=1), (2, 16, 6, 5), []),
    "to few, even sides": (plainly, nn.Conv2d(16, 2, 3, padding=1), (2, 16, 6, 4), [(8, 16, 4, 4)]),
    "to few, no padding": (plainly, nn.Conv2d(16, 1, 3, bias=False), (2, 16, 6, 5), []),
    "to few, transposed": (
        plainly,
        nn.ConvTranspose2d(16, 3, 4, stride=2, padding=1),
        (2, 16, 5, 4),
        [(12, 16, 2, 2)],
    ),
    "to few, an odd kernel": (plainly, nn.ConvTranspose2d(16, 2, 5, stride=2), (2, 16, 3, 4), [(8, 16, 3, 3)]),
    "to few, side by side": (plainly, nn.ConvTranspose2d(16, 2, 2, stride=2), (2, 16, 3, 4), [(8, 16, 1, 1)]),
    "from few, side by side": (plainly, nn.Conv2d(2, 16, 2, stride=2), (2, 2, 6, 4), [(16, 2, 2, 2)]),
    "to one, transposed": (plainly, nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1), (2, 16, 5, 4), []),
    "from few": (plainly, nn.Conv2d(3, 16, 4, stride=2, padding=1), (2, 3, 8, 6), [(16, 3, 4, 4)]),
    "from few, 3x3": (plainly, nn.Conv2d(1, 16, 3, padding=1, bias=False), (2, 1, 5, 6), [(16, 1, 3, 3)]),
    "from few, an uneven stride": (plainly, nn.Conv2d(1, 16, 3, stride=2), (2, 1, 6, 6), [(16, 1, 3, 3)]),
}
