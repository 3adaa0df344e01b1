"""Convolutions in forms that compute the same on a CPU in less time; the order of sums, and so rounding, is another.

A CPU's kernels are made for many channels and for kernels smaller than their input. What they are slow at, and what
takes more products than it needs, is computed in other forms while a trial's networks run:

- a nearest-neighbour doubling and a 3x3 convolution are one transposed 4x4 convolution of stride 2, and a 3x3
  convolution and a mean over 2x2 are one 4x4 convolution of stride 2: four products in place of nine;
- a kernel as large as its input, or an input of one pixel, is a product of two matrices;
- what leads to an image of few channels (a generator's last convolution, the gradient with respect to a
  discriminator's input) is computed in squares of pixels, or as a product of matrices whose columns are added up
  (:mod:`ganbench.training.few_channels`).

Each form can be differentiated as often as the plain one.
"""

import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, conv_transpose2d, interpolate, pad
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from ganbench.architectures.resampling import halved
from ganbench.training.few_channels import from_few, to_few

FEW = 4
"""At most this many channels are few: those of an image."""
MANY = 16
"""From at least this many channels to few, a product of matrices is faster."""


@dataclass(frozen=True)
class _Doubling:
    """The small map that a large one was doubled from, and the state in which both were then."""

    small: Tensor
    version: int
    version_of_large: int
    made_by: Any
    needs_grad: bool

    def holds(self, large: Tensor) -> bool:
        """Whether both maps are unchanged, gradients pass from one to the other, and nothing (a hook, ``retain_grad``)
        waits for those of the large one. A change through ``.data`` cannot be seen."""
        same = self.small._version == self.version and large._version == self.version_of_large
        passes = large.grad_fn is self.made_by and large.requires_grad == self.needs_grad == self.small.requires_grad
        return same and passes and not large._backward_hooks and not large.retains_grad


class FasterConvolutions(TorchFunctionMode):
    """While it is entered, convolutions take the forms above wherever they apply."""

    def __init__(self) -> None:
        super().__init__()
        self._doublings: Any = WeakTensorKeyDictionary()
        self._depth = 0

    def __enter__(self) -> Any:
        self._depth += 1
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *raised: Any) -> None:
        self._depth -= 1
        if not self._depth:
            self._doublings.clear()
        super().__exit__(*raised)  # type: ignore[no-untyped-call]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is conv2d:
            return self._conv2d(*args, **kwargs)
        if func is conv_transpose2d:
            return _conv_transpose2d(*args, **kwargs)
        if func is interpolate:
            return self._interpolate(*args, **kwargs)
        if func is halved:
            with self:
                return _halved(*args)
        return func(*args, **kwargs)

    def _interpolate(self, input: Tensor, *args: Any, **options: Any) -> Tensor:  # noqa: A002  # torch's own name
        large = interpolate(input, *args, **options)
        mode = args[2] if len(args) > 2 else options.get("mode", "nearest")
        twice = input.dim() == 4 and large.shape[2:] == (2 * input.shape[2], 2 * input.shape[3])
        if mode == "nearest" and twice and not (large.is_inference() or input.is_inference()):
            # The large map is hardly any work beside the convolution, which goes back to the small one if it is next.
            self._doublings[large] = _Doubling(
                input, input._version, large._version, large.grad_fn, large.requires_grad
            )
        return large

    def _conv2d(self, input: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any, **options: Any) -> Tensor:  # noqa: A002
        doubling = self._doublings.get(input) if len(self._doublings) else None
        if doubling is not None and _same_size(weight, *args, **options) and doubling.holds(input):
            small: Tensor = doubling.small
            if _common(small, weight, bias, 1, 1, 1):
                return _conv_transpose2d(small, _widened(weight.flip(2, 3)).transpose(0, 1), bias, 2, 1)
        return _conv2d(input, weight, bias, *args, **options)


def _same_size(weight: Tensor, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> bool:
    """Whether it is a 3x3 convolution that keeps the size."""
    plain = not isinstance(padding, str) and groups == 1 and _pair(dilation) == (1, 1)
    return plain and (weight.shape[2:], _pair(stride), _pair(padding)) == ((3, 3), (1, 1), (1, 1))


def _conv2d(
    input: Tensor,  # noqa: A002  # torch's own name
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    if not _common(input, weight, bias, 1, dilation, groups) or isinstance(padding, str):
        return conv2d(input, weight, bias, stride, padding, dilation, groups)
    kernel, strides, paddings = weight.shape[2:], _pair(stride), _pair(padding)
    if paddings == (0, 0) and kernel == input.shape[2:] and kernel != (1, 1):
        raw = _flat(input) @ _flat(weight).t()
        return _biased(raw[:, :, None, None], bias)
    if _square(kernel, strides, paddings) and not torch.is_autocast_enabled("cpu"):
        outputs, inputs, k = weight.shape[:3]
        step, edge = strides[0], paddings[0]
        if outputs <= FEW and inputs >= MANY and step == 1 and edge < k and _leaves_any(input, k, 1, k - 1 - edge):
            mirrored = weight.flip(2, 3).transpose(0, 1)
            return _biased(to_few(input, mirrored, 1, k - 1 - edge), bias)
        even = all((side + 2 * edge - k) % step == 0 for side in input.shape[2:])
        if inputs <= FEW and outputs >= MANY and input.requires_grad and even:
            return from_few(input, weight, bias, step, edge)
    return conv2d(input, weight, bias, stride, padding)


def _conv_transpose2d(
    input: Tensor,  # noqa: A002  # torch's own name
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    if not _common(input, weight, bias, 0, dilation, groups) or _pair(output_padding) != (0, 0):
        return conv_transpose2d(input, weight, bias, stride, padding, output_padding, groups, dilation)
    kernel, strides, paddings = weight.shape[2:], _pair(stride), _pair(padding)
    if input.shape[2:] == (1, 1) and paddings == (0, 0):
        rows = input.flatten(1) @ weight.permute(0, 2, 3, 1).flatten(1)
        return _biased(rows.view(len(rows), *kernel, -1).permute(0, 3, 1, 2), bias)
    if _square(kernel, strides, paddings) and not torch.is_autocast_enabled("cpu"):
        inputs, outputs = weight.shape[:2]
        if outputs <= FEW and inputs >= MANY and _leaves_any(input, kernel[0], strides[0], paddings[0]):
            return _biased(to_few(input, weight, strides[0], paddings[0]), bias)
    return conv_transpose2d(input, weight, bias, stride, padding)


def _halved(conv: nn.Conv2d, x: Tensor) -> Tensor:
    size = (conv.kernel_size, conv.stride, conv.padding, conv.padding_mode) == ((3, 3), (1, 1), (1, 1), "zeros")
    hooks = conv._forward_hooks or conv._forward_pre_hooks or conv._backward_hooks or conv._backward_pre_hooks
    own = type(conv).forward is nn.Conv2d.forward and type(conv)._conv_forward is nn.Conv2d._conv_forward
    if size and own and not hooks and "forward" not in vars(conv):
        weight = conv.weight  # once: under spectral normalisation it is computed, and counts
        if _common(x, weight, conv.bias, 1, conv.dilation, conv.groups):
            return torch.conv2d(x, _widened(weight) / 4, conv.bias, 2, 1)
        return avg_pool2d(conv._conv_forward(x, weight, conv.bias), 2)
    return avg_pool2d(conv(x), 2)


def _common(x: Tensor, weight: Tensor, bias: Tensor | None, channels: int, dilation: Any, groups: int) -> bool:
    """Whether maps and kernel are as the other forms take them; all else, also what torch refuses, is left to torch.

    Args:
        x: the maps.
        weight: the kernel.
        bias: of the convolution, or ``None``.
        channels: which of the kernel's dimensions counts the maps' channels.
        dilation, groups: as given to torch.
    """
    maps = x.dim() == weight.dim() == 4 and x.shape[1] == weight.shape[channels] and len(x) > 0
    given = [x, weight] if bias is None else [x, weight, bias]
    alike = len({each.dtype for each in given}) == 1 or torch.is_autocast_enabled("cpu")
    numbers = alike and all(each.is_floating_point() and each.device.type == "cpu" for each in given)
    fits = bias is None or (maps and bias.shape == (weight.shape[1 - channels],))
    return maps and numbers and fits and groups == 1 and _pair(dilation) == (1, 1)


def _square(*pairs: tuple[int, ...]) -> bool:
    """Whether kernel, stride and padding are the same in both directions, and the kernel larger than a pixel."""
    return all(first == second for first, second in pairs) and pairs[0][0] > 1


def _leaves_any(x: Tensor, k: int, stride: int, padding: int) -> bool:
    """Whether a transposed convolution of x has any output."""
    return all((side - 1) * stride + k > 2 * padding for side in x.shape[2:])


def _widened(kernel: Tensor) -> Tensor:
    """A 3x3 kernel laid over itself at the four places of a 2x2 square: 4x4."""
    wide = pad(kernel, (0, 1)) + pad(kernel, (1, 0))
    return pad(wide, (0, 0, 0, 1)) + pad(wide, (0, 0, 1, 0))


def _flat(x: Tensor) -> Tensor:
    """(N, C, H, W) as (N, H * W * C), which is no copy in channels-last."""
    return x.permute(0, 2, 3, 1).flatten(1)


def _biased(x: Tensor, bias: Tensor | None) -> Tensor:
    # Under autocast the product has another type than the bias.
    return x if bias is None else x + bias.to(x.dtype)[:, None, None]


def _pair(value: Any) -> tuple[int, int]:
    try:
        number = operator.index(value)
    except TypeError:
        return (int(value[0]), int(value[-1]))
    return (number, number)
