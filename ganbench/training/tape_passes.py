"""What a tape need not do, left out before it is replayed; what it computes stays the same to the last bit.

- An operator whose result nothing reads is not called: a doubled map, for example, whose convolution took the small one
  (:mod:`ganbench.training.convolutions`).
- A result takes the place of an operand of its own form that nothing reads afterwards, in place of new memory: beside
  the convolutions, passes over memory are most of a step.
"""

import operator
from typing import Any

import torch
from torch import Tensor, fx
from torch._ops import OpOverload

aten = torch.ops.aten
INTO: dict[OpOverload, OpOverload] = {
    aten.add.Tensor: aten.add.out,
    aten.sub.Tensor: aten.sub.out,
    aten.mul.Tensor: aten.mul.out,
    aten.div.Tensor: aten.div.out,
    aten.tanh.default: aten.tanh.out,
    aten.tanh_backward.default: aten.tanh_backward.grad_input,
    aten.sigmoid.default: aten.sigmoid.out,
    aten.sigmoid_backward.default: aten.sigmoid_backward.grad_input,
    aten.leaky_relu.default: aten.leaky_relu.out,
    aten.leaky_relu_backward.default: aten.leaky_relu_backward.grad_input,
    aten.threshold_backward.default: aten.threshold_backward.grad_input,
    aten.relu.default: aten.relu_.default,
}
"""Operators that compute each number from those at its place alone, and what writes their result into an operand."""
FORM, VIEWS = "form", "views"
"""What a tape says of an operator: the form of its result if that is in new memory, and whose memory it shares."""
Form = tuple[torch.Size, tuple[int, ...], torch.dtype]


def form_of(tensor: Tensor) -> Form | None:
    """Shape, strides and type of a tensor on which one like it can be written; else ``None``."""
    dense = tensor.layout == torch.strided and tensor.untyped_storage().nbytes() == tensor.nbytes
    return (tensor.shape, tensor.stride(), tensor.dtype) if dense else None


def share_memory(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same memory, or that cannot be told."""
    if one.layout != torch.strided or other.layout != torch.strided:
        return True
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def leave_out_unread(graph: fx.Graph) -> None:
    """Erase operators that change nothing and whose results nothing reads."""
    for node in reversed(graph.nodes):
        if node.op == "call_function" and not node.users and _only_computes(node):
            graph.erase_node(node)


def reuse_operands(graph: fx.Graph) -> None:
    """Let results take the place of operands that nothing reads afterwards."""
    order = {node: place for place, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        into = INTO.get(node.target)
        spare = next((given for given in node.all_input_nodes if _is_spare(given, node, order)), None) if into else None
        if into and spare:
            node.target = into
            # Where there is no such argument, it is the operand itself that is written into.
            places = [argument.name for argument in into._schema.arguments if argument.is_out]
            node.kwargs = {**node.kwargs, **dict.fromkeys(places, spare)}


def _only_computes(node: fx.Node) -> bool:
    """Whether an operator does nothing but return its result: it writes nowhere, and draws nothing."""
    func: Any = node.target
    if func is operator.getitem:
        return True
    # A batch norm's schema does not say that it writes into the running statistics.
    known = func.namespace == "aten" and func is not aten.native_batch_norm.default
    writes = func._schema.is_mutable or torch.Tag.nondeterministic_seeded in func.tags
    return known and not writes and not any(isinstance(given, torch.Generator) for given in _placed(node))


def _placed(node: fx.Node) -> list[object]:
    """What was there before the tape and is given to an operator."""
    return [given.meta["stands for"] for given in node.all_input_nodes if given.op == "placeholder"]


def _is_spare(given: fx.Node, node: fx.Node, order: dict[fx.Node, int]) -> bool:
    """Whether an operand has memory of its own, in the form of the result, that nothing reads afterwards."""
    form = given.meta.get(FORM)
    if form is None or form != node.meta.get(FORM):
        return False
    return all(order[user] <= order[node] and given not in user.meta.get(VIEWS, ()) for user in given.users)
