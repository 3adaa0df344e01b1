"""The parameters of a component, read from its constructor: their names, their defaults, their types."""

import inspect
import sys
from collections.abc import Mapping
from typing import Any

from ganbench.errors import UsageError, did_you_mean
from ganbench.registry import NOT_THE_USERS
from ganbench.spec import Scalar, format_scalar

_SCALARS = (bool, int, float, str)


def defaults(kind: str, cls: type[Any]) -> dict[str, Scalar]:
    """Return the parameters that users may give a component of a kind, with their defaults, from its constructor.

    Raises:
        UsageError: a parameter has no default, or one that is not a number, a truth value or text.
    """
    found: dict[str, Scalar] = {}
    for name, parameter in list(inspect.signature(cls.__init__).parameters.items())[NOT_THE_USERS[kind] :]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if not isinstance(parameter.default, _SCALARS):
            raise UsageError(
                f"{cls.__module__}:{cls.__qualname__} has a parameter '{name}' whose default is not a number, "
                "true or false, or text; give it such a default, so that the component can be used without "
                "parameters"
            )
        found[name] = parameter.default
    return found


def merge(
    kind: str, name: str, cls: type[Any], given: Mapping[str, Scalar], texts: Mapping[str, str] | None = None
) -> dict[str, Scalar]:
    """Return all parameters: the defaults overlaid by what was given, each of its default's type.

    Args:
        kind: of component.
        name: the component's, for messages.
        cls: its class.
        given: parameters by name.
        texts: how numbers among them were typed, where that is not how they are written; a parameter that is a text
            gets this.

    Raises:
        UsageError: an unknown parameter (with the closest one) or a value of another type.
    """
    merged = defaults(kind, cls)
    for key, value in given.items():
        if key not in merged:
            hint = did_you_mean(key, merged) if merged else "; it takes none"
            raise UsageError(f"{kind} '{name}' has no parameter '{key}'{hint}")
        typed = (texts or {}).get(key, value) if isinstance(merged[key], str) else value
        merged[key] = _coerce(kind, name, key, typed, merged[key])
    return merged


def _coerce(kind: str, name: str, key: str, value: Scalar, default: Scalar) -> Scalar:
    """Give ``value`` the type of ``default``; ``1`` is a number where ``1.0`` is meant, never the other way round."""
    if isinstance(default, str):
        return value if isinstance(value, str) else format_scalar(value)
    if isinstance(default, bool) == isinstance(value, bool) and isinstance(value, int | float):
        if isinstance(default, bool):
            return value
        if isinstance(default, float) and abs(value) <= sys.float_info.max:
            return float(value)
        if isinstance(default, int) and abs(value) < 2**63 and float(value).is_integer():
            return int(value)
    wanted = {bool: "true or false", int: "a whole number below 2^63", float: "a finite number"}[type(default)]
    raise UsageError(f"{kind} '{name}': {key}={value} must be {wanted}")
