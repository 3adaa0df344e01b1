"""Layers of K networks called as one, where ``torch.vmap`` would do more than it has to.

Under ``vmap`` a linear layer leaves the gradient of its weights transposed, and it is copied before an optimiser gets
it. A batch norm has no weights there: they are multiplied and added in passes of their own. Here both are what they are
for one network.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class StackedLayers(TorchFunctionMode):
    """While it is entered, around a call under ``vmap``, layers of a stack take the forms below if they apply."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is functional.linear:
            return _linear(*args, **kwargs)
        if func is functional.batch_norm:
            return _batch_norm(*args, **kwargs)
        return func(*args, **kwargs)


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:  # noqa: A002  # torch's own name
    # Under autocast products have another type than what they are made of, and so have their gradients. Those of
    # complex numbers would have to be conjugated. A bias may be whatever can be added to the products.
    plain = input.dim() == weight.dim() == 2 and (bias is None or bias.dim() == 1)
    plain = plain and input.is_floating_point() and not torch.is_autocast_enabled(input.device.type)
    if not (plain and _are_stacks(input, weight, bias)):
        return functional.linear(input, weight, bias)
    found: Tensor = _Linear.apply(input, weight, bias)
    return found


def _batch_norm(
    input: Tensor,  # noqa: A002
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    options = (training, momentum, eps)
    biased_alone = weight is None and bias is not None  # which torch cannot differentiate twice
    if biased_alone or not _are_stacks(input, running_mean, running_var, weight, bias):
        return functional.batch_norm(input, running_mean, running_var, weight, bias, *options)
    found: Tensor = _BatchNorm.apply(input, running_mean, running_var, weight, bias, *options)
    return found


def _are_stacks(*tensors: Tensor | None) -> bool:
    """Whether each is that of K networks, and nothing but one ``vmap`` is around the call."""
    stack = torch._C._functorch.get_interpreter_stack() or []
    return len(stack) == 1 and all(tensor is None or torch._C._functorch.is_batchedtensor(tensor) for tensor in tensors)


class _Linear(torch.autograd.Function):
    """A linear layer of K networks."""

    @staticmethod
    def forward(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002
        return functional.linear(input, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing: it is called under ``vmap`` alone."""

    @staticmethod
    def vmap(info: Any, in_dims: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, int]:  # noqa: A002
        stacks = _in_front(in_dims, input, weight, bias)
        found: Tensor = _Product.apply(*stacks[:2])
        return found if stacks[2] is None else found + stacks[2].unsqueeze(1), 0


class _Product(torch.autograd.Function):
    """(K, N, inputs) and (K, outputs, inputs) to (K, N, outputs), which can be differentiated as often as one likes."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor) -> Tensor:
        return torch.bmm(x, weight.mT)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        (x, weight), (of_x, of_weight) = inputs, ctx.needs_input_grad
        ctx.save_for_backward(x if of_weight else None, weight if of_x else None)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        (gradient,) = gradients
        of_x = torch.bmm(gradient, weight) if ctx.needs_input_grad[0] else None
        of_weight = torch.bmm(gradient.mT, x) if ctx.needs_input_grad[1] else None
        return of_x, of_weight


class _BatchNorm(torch.autograd.Function):
    """Batch norms of K networks as one of K times as many channels."""

    @staticmethod
    def forward(*args: Any) -> Tensor:
        return functional.batch_norm(*args)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing: it is called under ``vmap`` alone."""

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> tuple[Tensor, int]:
        x, *vectors = _in_front(in_dims, *args[:5])
        options: Any = args[5:]
        assert x is not None
        networks, samples, channels, *sides = x.shape
        training = options[0]
        renewed = [_flat(vector, in_place=training) for vector in vectors[:2]]
        of_all: list[Any] = [*renewed, *(_flat(vector, in_place=False) for vector in vectors[2:])]
        x = x.transpose(0, 1).reshape(samples, networks * channels, *sides)
        found = functional.batch_norm(x, *of_all, *options)
        return found.unflatten(1, (networks, channels)).transpose(0, 1), 0


def _flat(vectors: Tensor | None, *, in_place: bool) -> Tensor | None:
    """(K, channels) as one vector; ``in_place`` is for running statistics that are renewed where they are.

    Others lie one after another, as torch's batch norm takes for granted where it computes gradients on a CPU.
    """
    if vectors is None:
        return None
    return vectors.view(-1) if in_place else vectors.contiguous().view(-1)


def _in_front(in_dims: tuple[int | None, ...], *tensors: Tensor | None) -> list[Tensor | None]:
    """The tensors with the dimension of the networks as their first."""
    pairs = zip(tensors, in_dims, strict=False)
    return [None if tensor is None or dim is None else tensor.movedim(dim, 0) for tensor, dim in pairs]
