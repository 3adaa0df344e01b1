"""Convolutions between an image of few channels and a map of many, in forms that a CPU computes faster.

In the direction that ends at the image, a CPU's kernels reach a tenth of their speed: they compute sixteen channels
at once, of which one or three are wanted. So the pixels of a square of the image are computed as channels of one pixel:
twelve for a square of 2x2 in colour. For one channel, where that would be four, the map is multiplied by the whole
kernel and the columns are added up where they overlap. In the other direction, and for the kernel's gradient, a CPU's
kernels are fast as they are.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn.functional import conv2d, conv_transpose2d, fold, pad


def to_few(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """``conv_transpose2d(x, weight, stride=stride, padding=padding)`` from many channels to few.

    Args:
        x: (N, C, H, W).
        weight: (C, c, k, k).
        stride: in both directions.
        padding: in both directions.

    Returns:
        (N, c, (H - 1) * stride + k - 2 * padding, ...), in channels-last.
    """
    if _transformed():
        return conv_transpose2d(x, weight, None, stride, padding)
    found: Tensor = ToFew.apply(x, weight, stride, padding)
    return found


def from_few(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
    """``conv2d(x, weight, bias, stride, padding)`` from few channels to many; what differs is the gradient of x.

    Args:
        x: (N, c, H, W).
        weight: (C, c, k, k).
        bias: (C,), or ``None``.
        stride: in both directions; it must divide ``H + 2 * padding - k``, and so for W.
        padding: in both directions.
    """
    if _transformed():
        return conv2d(x, weight, bias, stride, padding)
    found: Tensor = FromFew.apply(x, weight, bias, stride, padding)
    return found


def _transformed() -> bool:
    """Whether ``torch.func`` or forward differentiation is active, as in a penalty; both need torch's operators."""
    return torch._C._functorch.peek_interpreter_stack() is not None or forward_ad._current_level >= 0


class ToFew(torch.autograd.Function):
    """:func:`to_few`, which can be differentiated as often as one likes."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        k = weight.shape[2]
        size = tuple((side - 1) * stride + k - 2 * padding for side in x.shape[2:])
        if weight.shape[1] == 1 or (stride == 1 and (size[0] % 2 or size[1] % 2 or padding >= k)):
            image = _added_up(x, weight, stride, padding, size)
        elif stride == 1:
            image = _in_squares_of_two(x, weight, padding)
        else:
            image = _in_squares_of_a_stride(x, weight, stride, padding, size)
        # Into channels-last, by operators that take a batch of gradients (is_grads_batched), too.
        return image.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, *ctx.how = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        (gradient,) = gradients
        of_x = from_few(gradient, weight, None, *ctx.how) if ctx.needs_input_grad[0] else None
        of_weight = None
        if ctx.needs_input_grad[1]:
            # The transposed convolution is the gradient of a convolution whose input is this one's output.
            of_weight = _weight_gradients(x, gradient, weight, ctx.how, with_bias=False)[0]
        return of_x, of_weight, None, None


class FromFew(torch.autograd.Function):
    """:func:`from_few`, likewise."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
        return conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, _, *ctx.how = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        (gradient,) = gradients
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = to_few(gradient, weight, *ctx.how)
        if ctx.needs_input_grad[1]:
            with_bias = ctx.needs_input_grad[2]
            of_weight, of_bias = _weight_gradients(gradient, x, weight, ctx.how, with_bias=with_bias)
        elif ctx.needs_input_grad[2]:
            of_bias = gradient.sum(dim=(0, 2, 3))
        return of_x, of_weight, of_bias, None, None


def _added_up(x: Tensor, weight: Tensor, stride: int, padding: int, size: tuple[int, ...]) -> Tensor:
    n, many, height, width = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(n, height * width, many)
    columns = weight.reshape(many, -1).t() @ rows.transpose(1, 2)
    return fold(columns, size, weight.shape[2], stride=stride, padding=padding)


def _in_squares_of_two(x: Tensor, weight: Tensor, padding: int) -> Tensor:
    """For stride 1 and an image of even sides: each square sees the maps under the kernel at its four places."""
    mirrored = weight.flip(2, 3).transpose(0, 1)
    places = [pad(mirrored, (right, 1 - right, down, 1 - down)) for down in (0, 1) for right in (0, 1)]
    squares = conv2d(x, torch.cat(places), None, 2, weight.shape[2] - 1 - padding)
    return _spread(squares, 2)


def _in_squares_of_a_stride(x: Tensor, weight: Tensor, stride: int, padding: int, size: tuple[int, ...]) -> Tensor:
    """For larger strides: of the kernel, each pixel of a square sees the parts that are whole strides apart."""
    many, few, k, _ = weight.shape
    taps = -(-k // stride)
    more = taps * stride - k
    parts = pad(weight, (0, more, 0, more)).reshape(many, few, taps, stride, taps, stride)
    kernel = parts.flip(2, 4).permute(3, 5, 1, 0, 2, 4).reshape(-1, many, taps, taps)
    height, width = size
    # The squares begin where the image with its padding does.
    padded = _spread(conv2d(x, kernel, None, 1, taps - 1), stride)
    # Not by slices: one that keeps everything is an operator that takes no batch of gradients.
    return padded.narrow(2, padding, height).narrow(3, padding, width)


def _spread(squares: Tensor, side: int) -> Tensor:
    """(N, side * side * c, H, W) to (N, c, H * side, W * side): a pixel's channels as the pixels of a square.

    As ``pixel_shuffle`` does, but with a square's pixels before their channels, so that in channels-last what lies side
    by side stays so, which is copied faster.
    """
    n, channels, height, width = squares.shape
    few = channels // side**2
    found = squares.permute(0, 2, 3, 1).reshape(n, height, width, side, side, few).permute(0, 1, 3, 2, 4, 5)
    return found.reshape(n, height * side, width * side, few).permute(0, 3, 1, 2)


def _weight_gradients(
    gradient: Tensor, x: Tensor, weight: Tensor, how: Sequence[int], *, with_bias: bool
) -> tuple[Tensor, Tensor | None]:
    """The gradients of weight and bias of a convolution of x, by torch's own and differentiable operator."""
    stride, padding = how
    sizes = [weight.shape[0]] if with_bias else None
    wanted = [False, True, with_bias]
    _, of_weight, of_bias = torch.ops.aten.convolution_backward(
        gradient, x, weight, sizes, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, wanted
    )
    return of_weight, of_bias
