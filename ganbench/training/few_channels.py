"""Convolutions between an image of few channels and a map of many, as products of matrices.

In the direction that ends at the image, a CPU's kernels reach a tenth of their speed: they compute sixteen channels
at once, of which one or three are wanted. There the map is multiplied by the whole kernel and the columns are added up
where they overlap. In the other direction, and for the kernel's gradient, they are fast as they are.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, fold


class ToFew(torch.autograd.Function):
    """``conv_transpose2d(x, weight, stride=stride, padding=padding)`` from many channels to few.

    ``apply`` takes x (N, C, H, W), weight (C, c, k, k), the stride and the padding, and returns
    (N, c, (H - 1) * stride + k - 2 * padding, ...) in channels-last.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.how = (stride, padding)
        n, many, height, width = x.shape
        k = weight.shape[2]
        rows = x.permute(0, 2, 3, 1).reshape(n, height * width, many)
        columns = weight.reshape(many, -1).t() @ rows.transpose(1, 2)
        size = tuple((side - 1) * stride + k - 2 * padding for side in (height, width))
        return fold(columns, size, k, stride=stride, padding=padding).contiguous(memory_format=torch.channels_last)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        (gradient,) = gradients
        of_x = FromFew.apply(gradient, weight, None, *ctx.how) if ctx.needs_input_grad[0] else None
        of_weight = None
        if ctx.needs_input_grad[1]:
            # The transposed convolution is the gradient of a convolution whose input is this one's output.
            of_weight = _weight_gradients(x, gradient, weight, ctx.how, with_bias=False)[0]
        return of_x, of_weight, None, None


class FromFew(torch.autograd.Function):
    """``conv2d(x, weight, bias, stride, padding)`` from few channels to many; what differs is the gradient of x.

    ``apply`` takes x (N, c, H, W), weight (C, c, k, k), bias (C,) or ``None``, the stride and the padding. The stride
    must divide ``H + 2 * padding - k``, and so for W.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.how = (stride, padding)
        return conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        (gradient,) = gradients
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = ToFew.apply(gradient, weight, *ctx.how)
        if ctx.needs_input_grad[1]:
            with_bias = ctx.needs_input_grad[2]
            of_weight, of_bias = _weight_gradients(gradient, x, weight, ctx.how, with_bias=with_bias)
        elif ctx.needs_input_grad[2]:
            of_bias = gradient.sum(dim=(0, 2, 3))
        return of_x, of_weight, of_bias, None, None


def _weight_gradients(
    gradient: Tensor, x: Tensor, weight: Tensor, how: tuple[int, int], *, with_bias: bool
) -> tuple[Tensor, Tensor | None]:
    """The gradients of weight and bias of a convolution of x, by torch's own and differentiable operator."""
    stride, padding = how
    sizes = [weight.shape[0]] if with_bias else None
    wanted = [False, True, with_bias]
    _, of_weight, of_bias = torch.ops.aten.convolution_backward(
        gradient, x, weight, sizes, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, wanted
    )
    return of_weight, of_bias
