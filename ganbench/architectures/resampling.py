"""A convolution and the change of size that follows it, as one function that a trial may compute in another way."""

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d
from torch.overrides import handle_torch_function, has_torch_function_unary


def halved(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Return ``avg_pool2d(conv(x), 2)``: (N, C, H, W) to (N, C', H // 2, W // 2) for a convolution that keeps the size.

    On a CPU a trial computes it as one convolution of stride 2 (:mod:`ganbench.training.convolutions`).
    """
    if has_torch_function_unary(x):
        found: Tensor = handle_torch_function(halved, (x,), conv, x)
        return found
    return avg_pool2d(conv(x), 2)
