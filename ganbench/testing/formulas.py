"""Declared formulas as functions: ``"softplus(-r) + softplus(f)"`` evaluated on tensors.

The language has numbers, names, ``+ - * / ^``, brackets, ``1/2`` or ``½``, a few functions of tensors, and
``mean(...)`` over the batch. What follows the first comma outside brackets is explanation (``f - r, weights clipped``).
``||grad D(x)||`` is the norm of one sample's gradient.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

SLOPE = "slope"
"""The variable that stands for ``||grad D(x)||``."""
_SLOPE = re.compile(r"\|\|\s*(?:grad|∇)_?x?\s*D\(\w+\)\s*\|\|(?:_2)?")

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "softplus": functional.softplus,
    "relu": functional.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "abs": torch.abs,
    "mean": torch.mean,
    "max": lambda a, b: torch.maximum(*_tensors(a, b)),
    "min": lambda a, b: torch.minimum(*_tensors(a, b)),
}
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_REPLACED = {"‖": "||", "²": "^2", "½": "0.5*", "·": "*", "−": "-", "^": "**", "σ(": "sigmoid("}

Expression = Callable[[Mapping[str, Any]], Tensor]


class NotAFormula(ValueError):
    """The text is words, or uses what the language does not have; the message says which."""


def parse(text: str, *, without_slope: bool = False) -> Expression:
    """Return the formula as a function of its variables by name.

    Args:
        text: the formula.
        without_slope: leave out the terms that hold ``||grad D(x)||``: a loss's own part, without its penalty.

    Raises:
        NotAFormula: it cannot be read.
    """
    tree = _tree(text)
    if without_slope:
        kept = _without(tree, SLOPE)
        if kept is None:
            raise NotAFormula(f"'{text}' has no term without a gradient")
        tree = kept
    _check(tree, text)
    return lambda values: _evaluate(tree, values)


def names(text: str) -> set[str]:
    """The variables a formula uses, with :data:`SLOPE` where it speaks of a gradient's norm.

    Raises:
        NotAFormula: it cannot be read.
    """
    tree = _tree(text)
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - set(FUNCTIONS)


def _tree(text: str) -> ast.expr:
    source = _before_comma(text)
    for old, new in _REPLACED.items():
        source = source.replace(old, new)
    try:
        return ast.parse(_SLOPE.sub(SLOPE, source).strip(), mode="eval").body
    except SyntaxError as error:
        raise NotAFormula(f"'{text}' is not a formula ({error.msg})") from error


def _before_comma(text: str) -> str:
    depth = 0
    for position, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            return text[:position]
    return text


def _without(node: ast.expr, name: str) -> ast.expr | None:
    """The expression without its terms that hold ``name``; ``None`` if none is left."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        left, right = _without(node.left, name), _without(node.right, name)
        if right is None:
            return left
        if left is None:
            return right if isinstance(node.op, ast.Add) else ast.UnaryOp(op=ast.USub(), operand=right)
        return ast.BinOp(left=left, op=node.op, right=right)
    holds = any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))
    return None if holds else node


def _check(node: ast.AST, text: str) -> None:
    """Refuse whatever the language does not have, so that evaluating cannot run anything else."""
    allowed = (ast.BinOp, ast.UnaryOp, ast.Constant, ast.Name, ast.Call, ast.operator, ast.unaryop, ast.expr_context)
    for one in ast.walk(node):
        if not isinstance(one, allowed):
            raise NotAFormula(f"'{text}' is not a formula: it has a {type(one).__name__.lower()}")
        if isinstance(one, ast.Constant) and not isinstance(one.value, int | float):
            raise NotAFormula(f"'{text}' is not a formula: {one.value!r} is not a number")
        if isinstance(one, ast.Call) and not (isinstance(one.func, ast.Name) and one.func.id in FUNCTIONS):
            what = one.func.id if isinstance(one.func, ast.Name) else "a call"
            raise NotAFormula(f"'{text}': '{what}' is not one of {', '.join(sorted(FUNCTIONS))}")


def _evaluate(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            if name not in values:
                raise NotAFormula(f"'{name}' is neither r, f nor a parameter")
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_evaluate(left, values), _evaluate(right, values))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name](*(_evaluate(one, values) for one in arguments))
    raise NotAFormula(f"a formula cannot have a {type(node).__name__.lower()}")


def _tensors(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors of one type: ``max(0, x)``."""
    like = a if isinstance(a, Tensor) else b
    if not isinstance(like, Tensor):
        return torch.tensor(a), torch.tensor(b)
    return torch.as_tensor(a, dtype=like.dtype), torch.as_tensor(b, dtype=like.dtype)
