"""Recording work on a CPU: which operators it calls, so that they can be called again without what called them.

A small step on a CPU is bound by what surrounds its operators: Python's networks and hooks, autograd's graph. A tape
notes the operators of a step below all that, on which tensors and with which numbers each is called, and its replay
calls them again in the same order, but for those it can do without (:mod:`ganbench.training.tape_passes`). So a replay
computes the same to the last bit.

What a step decides or computes without torch's operators (by numbers that are read from a tensor) is in the replay as
it was when the tape was made. Where that can be seen it is refused; the rest shows when replay and step are
compared on other samples than those of the tape (:mod:`ganbench.training.recorded`).
"""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._ops import OpOverload
from torch.nn.functional import one_hot
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from ganbench.training.capture import Work
from ganbench.training.tape_forms import FORM, GIVEN, OWN, VIEWS, fills_memory, form_of, is_known, share_memory
from ganbench.training.tape_passes import shorten

ALIASES = (torch.ops.aten.detach.default, torch.ops.aten.alias.default)
"""Below autograd these return what they are given."""
MASKS = (torch.bool, torch.uint8)
READ = frozenset({torch.Tensor.numpy, torch.Tensor.__array__, torch.Tensor.tolist, torch.Tensor.__dlpack__})
"""What gives a tensor's numbers to Python or numpy without an operator."""


def capture_on_cpu(work: Work, generators: list[torch.Generator]) -> Callable[[], object]:
    """Do ``work`` once and note what it does; return the function that does it again.

    Generators need no preparation: an operator that draws goes on drawing from the one that it was given.

    Raises:
        RuntimeError: the work reads a number from a tensor, or the shape of one depends on numbers; or it reads a
            tensor that is gone at its end, so that another one would be in its place the next time.
    """
    tape = Tape()
    with tape, _Readers():
        work()
    return tape.replay()


class Tape(TorchDispatchMode):
    """Notes the operators that are called while it is entered.

    Tensors that were there before are held, and are those that the replay reads and changes. Of those that operators
    return none is held, so that autograd disposes of them as it does without a tape.

    Attributes:
        graph: the operators in the order of their calls.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.graph = fx.Graph()
        self._nodes: Any = WeakTensorKeyDictionary()
        """What stands for a tensor: the operator that returned it, or a placeholder for one that was there before."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.namespace == "profiler":  # optimisers name what they do to it
            return func(*args, **kwargs)
        _refuse_what_depends_on_numbers(func, args)
        noted = fx.node.map_aggregate((args, kwargs), self._noted)
        found = func(*args, **kwargs)
        if func in ALIASES:
            self._nodes[found] = noted[0][0]
        elif func is torch.ops.aten.lift_fresh.default:  # what Python's numbers became
            self._nodes[found] = noted[0][0]
            noted[0][0].meta["lasting"] = True
        elif self._is_lasting_view(func, args, found):
            self._nodes[found] = self._placeholder(found.detach(), lasting=True)
        else:
            self._note(func, noted, found, [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)])
        return found

    def replay(self) -> Callable[[], object]:
        """Return the function that calls what was noted; to be asked for when the noted work has ended.

        Raises:
            RuntimeError: a tensor that was there before the work is read, and is gone.
        """
        there = set(self._nodes.values())
        for node in self.graph.find_nodes(op="placeholder"):
            if node.users and not (node in there or node.meta["lasting"]):
                raise RuntimeError("a tensor is read in whose place another one is put")
        shorten(self.graph)
        given = []
        for node in self.graph.find_nodes(op="placeholder"):
            if node.users:
                given.append(node.meta[GIVEN])
            else:  # a view of which another view was taken, or what only an operator read that is left out
                self.graph.erase_node(node)
        self.graph.output(None)
        call = fx.GraphModule(nn.Module(), self.graph).forward

        def again() -> object:
            with torch.no_grad():
                return call(*given)

        return again

    def _note(self, func: OpOverload, noted: Any, found: Any, given: list[Tensor]) -> None:
        node = self.graph.call_function(func, *noted)
        for each in given if func._schema.is_mutable else ():
            # It may lie otherwise from here on, or in the memory of another one.
            if torch.Tag.inplace_view in func.tags or form_of(each) != self._nodes[each].meta.get(FORM):
                self._nodes[each].meta[FORM] = None
        views: list[Tensor] = []
        several = isinstance(found, tuple | list)
        for place, tensor in enumerate(found if several else [found]):
            # What was changed in place is returned as it came.
            if isinstance(tensor, Tensor) and tensor not in self._nodes:
                part = self.graph.call_function(operator.getitem, (node, place)) if several else node
                self._nodes[tensor] = part
                shared = [each for each in given if share_memory(each, tensor)]
                own = is_known(func) and not shared and fills_memory(tensor)
                part.meta.update({VIEWS: frozenset(), FORM: form_of(tensor), OWN: own})
                views += shared
        node.meta[VIEWS] = frozenset(self._nodes[each] for each in views)

    def _noted(self, value: Any) -> Any:
        """What stands in the graph for a part of an operator's arguments."""
        if isinstance(value, Tensor):
            if value not in self._nodes:
                self._nodes[value] = self._placeholder(value.detach(), lasting=False)
            return self._nodes[value]
        return self._placeholder(value, lasting=True) if isinstance(value, torch.Generator) else value

    def _placeholder(self, value: object, *, lasting: bool) -> fx.Node:
        node = self.graph.placeholder(f"given_{len(self.graph.nodes)}")
        node.meta.update({GIVEN: value, "lasting": lasting})
        return node

    def _is_lasting_view(self, func: OpOverload, args: Any, found: Any) -> bool:
        """Whether it is a view of a tensor that was there before: the same in each replay, so taken once."""
        of = [argument.alias_info for argument in func._schema.arguments if argument.alias_info is not None]
        if not isinstance(found, Tensor) or len(of) != 1 or of[0].is_write or found is args[0]:
            return False
        return bool(self._nodes[args[0]].op == "placeholder")


class _Readers(TorchFunctionMode):
    """Refuses those of :data:`READ`: what they lead to may be the same in two steps, and another in a later one.

    A one-hot vector of a given number of classes is made by a comparison. Torch looks at the numbers first, to refuse
    labels that are no classes.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in READ:
            raise RuntimeError(f"a number is read from a tensor ({func.__name__})")
        return (_one_hot if func is one_hot else func)(*args, **(kwargs or {}))


def _one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    if num_classes < 0:  # as many as there turn out to be
        return one_hot(tensor)
    classes = torch.arange(num_classes, device=tensor.device)
    return (tensor.unsqueeze(-1) == classes).to(torch.int64).contiguous()


def _refuse_what_depends_on_numbers(func: OpOverload, args: Any) -> None:
    if torch.Tag.data_dependent_output in func.tags:
        raise RuntimeError(f"a number is read from a tensor ({func})")
    if torch.Tag.dynamic_output_shape in func.tags:
        # Indexing has this tag for masks; by numbers, as samples are drawn, the shape is that of the numbers.
        by_numbers = func is torch.ops.aten.index.Tensor and all(i is None or i.dtype not in MASKS for i in args[1])
        if not by_numbers:
            raise RuntimeError(f"a shape depends on the numbers in a tensor ({func})")
