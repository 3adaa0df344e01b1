"""Components on the worker's side: from a request to an instance, with every parameter known and checked."""

import inspect
import math
from typing import Any

from ganbench.api import Architecture, Augmentation, Dataset, Extractor, Loss, Metric, Penalty
from ganbench.errors import GanbenchError, UsageError, did_you_mean, in_one_line
from ganbench.grid import ComponentRequest
from ganbench.registry import Entry, Registry
from ganbench.sources import source_hash
from ganbench.spec import Component, Scalar, format_scalar

CONTRACTS: dict[str, type] = {
    "loss": Loss,
    "penalty": Penalty,
    "augmentation": Augmentation,
    "architecture": Architecture,
    "dataset": Dataset,
    "metric": Metric,
    "extractor": Extractor,
}
_SCALARS = (bool, int, float, str)


def load_class(entry: Entry) -> type[Any]:
    """Import a component's class and check that it is one of its kind.

    Raises:
        UsageError: it cannot be imported, or is no subclass of its contract.
    """
    value = entry.load()
    contract = CONTRACTS[entry.kind]
    if not (inspect.isclass(value) and issubclass(value, contract)):
        raise UsageError(
            f"{entry.kind} '{entry.name}' of {entry.distribution}: {entry.target} must be a subclass of "
            f"ganbench.api.{contract.__name__}"
        )
    return value


def defaults(cls: type[Any]) -> dict[str, Scalar]:
    """Return a component's parameters with their defaults, from its constructor's signature.

    Raises:
        UsageError: a parameter has no default, or one that is not a number, a truth value or text.
    """
    found: dict[str, Scalar] = {}
    for name, parameter in list(inspect.signature(cls.__init__).parameters.items())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if not isinstance(parameter.default, _SCALARS):
            raise UsageError(
                f"{cls.__module__}:{cls.__qualname__} takes '{name}', which has no default that is a number, "
                "true or false, or text; a component must be usable without parameters"
            )
        found[name] = parameter.default
    return found


def merge(kind: str, name: str, cls: type[Any], given: dict[str, Scalar]) -> dict[str, Scalar]:
    """Return all parameters: the defaults overlaid by what was given, each of its default's type.

    Raises:
        UsageError: an unknown parameter (with the closest one) or a value of another type.
    """
    merged = defaults(cls)
    for key, value in given.items():
        if key not in merged:
            hint = did_you_mean(key, merged) if merged else "; it takes none"
            raise UsageError(f"{kind} '{name}' has no parameter '{key}'{hint}")
        merged[key] = _coerce(kind, name, key, value, merged[key])
    return merged


def _coerce(kind: str, name: str, key: str, value: Scalar, default: Scalar) -> Scalar:
    """Give ``value`` the type of ``default``; ``1`` is a number where ``1.0`` is meant, never the other way round."""
    if isinstance(default, str):
        return value if isinstance(value, str) else format_scalar(value)
    if isinstance(default, bool) == isinstance(value, bool) and isinstance(value, int | float):
        if isinstance(default, bool):
            return value
        if isinstance(default, float) and math.isfinite(value):
            return float(value)
        if isinstance(default, int) and float(value).is_integer():
            return int(value)
    wanted = {bool: "true or false", int: "a whole number", float: "a finite number"}[type(default)]
    raise UsageError(f"{kind} '{name}': {key}={value} must be {wanted}")


def build(kind: str, name: str, cls: type[Any], parameters: dict[str, Scalar]) -> Any:
    """Build a component; what its constructor objects to is the user's to mend.

    Raises:
        UsageError: the constructor refused the parameters, or failed.
    """
    try:
        return cls(**parameters)
    except GanbenchError:
        raise
    except Exception as error:
        reason = in_one_line(error)
        raise UsageError(f"{kind} '{name}': {reason}") from error


def resolve(request: ComponentRequest, registry: Registry, **settled: Scalar) -> tuple[Component, Any]:
    """Return the resolved component and its instance.

    Args:
        request: what was asked for.
        registry: where to find it.
        settled: parameters whose value the context decided.
    """
    entry = registry.find(request.kind, f"{request.distribution}:{request.name}")
    cls = load_class(entry)
    parameters = merge(request.kind, request.name, cls, request.parameters)
    parameters.update(settled)
    plain = defaults(cls)
    shown = {key: value for key, value in parameters.items() if value != plain[key] and key not in settled}
    component = Component(
        name=entry.name,
        label=label(entry, shown),
        plugin=entry.distribution,
        version=entry.version,
        source=source_hash(cls),
        parameters=parameters,
    )
    return component, build(request.kind, request.name, cls, parameters)


def rebuild(kind: str, component: Component, registry: Registry) -> Any:
    """Build a component of a stored specification, and make sure it still is the one the specification means.

    Raises:
        UsageError: the package is missing, has another version, or its code has changed.
    """
    entry = registry.find(kind, f"{component.plugin}:{component.name}")
    cls = load_class(entry)
    if (entry.version, source_hash(cls)) != (component.version, component.source):
        raise UsageError(
            f"{kind} '{component.name}' of {component.plugin} is {entry.version} ({source_hash(cls)}) here, but the "
            f"trial was planned with {component.version} ({component.source}); install that version or plan anew"
        )
    return build(kind, component.name, cls, dict(component.parameters))


def label(entry: Entry, shown: dict[str, Scalar]) -> str:
    """The component as a user would type it: what differs from the defaults, a path after a colon."""
    rest = dict(shown)
    head = f"{entry.name}:{rest.pop(entry.argument)}" if entry.argument in rest else entry.name
    inside = ",".join(f"{key}={format_scalar(value)}" for key, value in rest.items())
    return f"{head}[{inside}]" if inside else head
