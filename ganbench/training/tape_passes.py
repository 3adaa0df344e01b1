"""What a tape need not do, left out before it is replayed; what it computes stays the same to the last bit.

- An operator whose result nothing reads is not called: a doubled map, for example, whose convolution took the small one
  (:mod:`ganbench.training.convolutions`).
- A view of a view is taken of the tensor itself, and none is taken that would be like it.
- A mask that is only multiplied by and counted is made of numbers (:mod:`ganbench.training.tape_masks`).
- A result takes the place of an operand of its own form that nothing reads afterwards, in place of new memory: beside
  the convolutions, passes over memory are most of a step.
"""

import operator
from typing import Any

import torch
from torch import fx
from torch._ops import OpOverload

from ganbench.training.tape_forms import FORM, OWN, VIEWS, is_known
from ganbench.training.tape_masks import make_masks_of_numbers

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


def shorten(graph: fx.Graph) -> None:
    """Leave out of a tape's graph what it need not do."""
    _take_views_of_tensors(graph)
    _leave_out_unread(graph)
    make_masks_of_numbers(graph)
    _reuse_operands(graph)


def _take_views_of_tensors(graph: fx.Graph) -> None:
    """Replace views of views by views of the tensor that has the memory, or by that tensor if they are like it."""
    roots: dict[fx.Node, fx.Node] = {}
    for node in graph.nodes:
        views = node.meta.get(VIEWS, ())
        if len(views) != 1 or not _is_view(node):
            continue
        (base,) = views
        root = roots[node] = roots.get(base, base)
        if node.meta[FORM] == root.meta[FORM]:
            for user in list(node.users):
                if node in user.meta[VIEWS]:
                    user.meta[VIEWS] = (user.meta[VIEWS] - {node}) | {root}
            node.replace_all_uses_with(root)
        elif root is not base:
            node.target = aten.as_strided.default
            form = node.meta[FORM]
            node.args, node.kwargs = (root, form.shape, form.strides, form.offset), {}
            node.meta[VIEWS] = frozenset({root})


def _leave_out_unread(graph: fx.Graph) -> None:
    """Erase operators that change nothing and whose results nothing reads."""
    for node in reversed(graph.nodes):
        if node.op == "call_function" and not node.users and _only_computes(node):
            graph.erase_node(node)


def _reuse_operands(graph: fx.Graph) -> None:
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
    """Whether an operator does nothing but return its result: it writes nowhere, draws nothing and asserts nothing."""
    func: Any = node.target
    if func is operator.getitem:
        return True
    schema = func._schema
    # Batch norms write into the running statistics, and their schemas do not say so.
    writes = schema.is_mutable or any(argument.name == "running_mean" for argument in schema.arguments)
    returns = len(schema.returns) > 0
    return is_known(func) and returns and not writes and torch.Tag.nondeterministic_seeded not in func.tags


def _is_view(node: fx.Node) -> bool:
    """Whether an operator of torch returns the memory of its operand, as numbers of the same type."""
    (base,) = node.meta[VIEWS]
    form, of_base = node.meta.get(FORM), base.meta.get(FORM)
    return is_known(node.target) and form is not None and of_base is not None and form.dtype == of_base.dtype


def _is_spare(given: fx.Node, node: fx.Node, order: dict[fx.Node, int]) -> bool:
    """Whether an operand has memory of its own, in the form of the result, that nothing reads afterwards."""
    form = node.meta.get(FORM)
    if form is None or given.meta.get(FORM) != form or not (given.meta[OWN] and node.meta[OWN]):
        return False
    return all(
        order[user] <= order[node] and is_known(user.target) and given not in user.meta[VIEWS] for user in given.users
    )
