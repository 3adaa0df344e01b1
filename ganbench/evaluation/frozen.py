"""Whether a program was saved in training mode, in which batch norm takes the batch's statistics and dropout drops.

A program that was traced or exported has its mode written into it, and ``eval()`` no longer changes it. Its samples
depend on what else is in the batch, so its scores are not those of the generator that somebody trained.
"""

from collections.abc import Iterator
from typing import Any

import torch

MODULE = "its module"
"""What is in training mode where no operation shows what that does."""
RATES = ("p", "dropout")
"""What operations call the share that they drop; where it is 0, their mode makes no difference."""


def trained_script(program: Any) -> str:
    """Return which operation of a TorchScript program is in training mode whatever is done; empty where none is.

    A scripted program reads its mode when it runs, so after ``eval()`` it is as good as any. One that was saved in
    training mode and does not read it is not known to be, even where no operation shows it: :data:`MODULE`.

    Args:
        program: as :func:`torch.jit.load` returns it, before anybody changes its mode.
    """
    nodes = list(_nodes(program.inlined_graph))
    for node in nodes:
        if node.kind().startswith("aten::") and (schema := node.schema()) != "(no schema)":
            names = [argument.name for argument in torch._C.parse_schema(schema).arguments]
            # A value that is computed when the program runs has no content here.
            given = dict(zip(names, (_content(value) for value in node.inputs()), strict=False))
            if _is_training(node.kind(), given):
                return str(node.kind())
    in_training = any(getattr(part, "training", False) for part in program.modules())
    reads_mode = any(node.kind() == "prim::GetAttr" and node.s("name") == "training" for node in nodes)
    return MODULE if in_training and not reads_mode else ""


def trained_export(program: torch.export.ExportedProgram) -> str:
    """Return which operation of an exported program is in training mode; empty where none is."""
    for part in program.graph_module.modules():
        if not isinstance(part, torch.fx.GraphModule):
            continue
        for node in part.graph.nodes:
            schema = getattr(node.target, "_schema", None)
            if node.op != "call_function" or schema is None:
                continue
            given = {argument.name: argument.default_value for argument in schema.arguments}
            given |= dict(zip(given, node.args, strict=False)) | node.kwargs
            if _is_training(str(node.target), given):
                return str(node.target)
    return ""


def _is_training(operation: str, given: dict[str, Any]) -> bool:
    """Whether an operation with these arguments, by their names, does what is done in training only."""
    if "batch_norm" in operation and given.get("running_mean") is None:
        return False  # one without statistics of its own takes the batch's in either mode
    if given.get("use_input_stats") is True:
        return given.get("running_mean") is not None  # instance norm: one that has statistics has them for eval mode
    # Attention knows no mode: it drops by what it is given.
    if isinstance(drops := given.get("dropout_p"), float) and drops > 0:
        return True
    if any(given.get(rate) == 0 for rate in RATES):
        return False
    # Newer decompositions have an operation for each mode instead of an argument.
    return any(given.get(mode) is True for mode in ("training", "train")) or "batch_norm_with_update" in operation


def _nodes(graph: Any) -> Iterator[Any]:
    """All nodes of a TorchScript graph, also those in branches and loops."""
    for node in graph.nodes():
        yield node
        for block in node.blocks():
            yield from _nodes(block)


def _content(value: Any) -> Any:
    """What a value is, where it is written into the program; another value of no meaning where it is not."""
    if value.node().kind() == "prim::Constant":
        return value.toIValue()
    return value
