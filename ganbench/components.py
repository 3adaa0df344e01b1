"""Components on the worker's side: from a request to an instance, with every parameter known and checked."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from ganbench.api import (
    Architecture,
    Augmentation,
    Dataset,
    Extractor,
    FeaturePenalty,
    GeneratorPenalty,
    Loss,
    Metric,
    Penalty,
)
from ganbench.api.data import Kind
from ganbench.errors import GanbenchError, UsageError, in_one_line
from ganbench.grid import ComponentRequest
from ganbench.parameters import defaults, merge
from ganbench.provenance.sources import source_hash
from ganbench.records.locations import absolute
from ganbench.registry import Entry, Registry
from ganbench.spec import Component, Scalar, format_scalar

CONTRACTS: dict[str, tuple[type, ...]] = {
    "loss": (Loss,),
    "penalty": (Penalty, FeaturePenalty, GeneratorPenalty),
    "augmentation": (Augmentation,),
    "architecture": (Architecture,),
    "dataset": (Dataset,),
    "metric": (Metric,),
    "extractor": (Extractor,),
}
"""By kind, the classes of which a component must be a subclass: of one of them, the first that it is one of."""

METHODS: dict[type, tuple[str, ...]] = {
    Loss: ("discriminator", "generator"),
    Penalty: ("__call__",),
    FeaturePenalty: ("on_features",),
    GeneratorPenalty: ("__call__",),
    Augmentation: ("__call__",),
    Architecture: ("build",),
    Dataset: ("load",),
    Metric: ("compute",),
    Extractor: ("sha256", "build"),
}
"""What a contract leaves to its subclasses. What may stand in for it, :func:`_lacking` knows."""

Settle = Callable[[type[Any], dict[str, Scalar]], dict[str, Scalar]]
"""Takes a class and all its parameters, and returns them, some with another value."""


def load_class(entry: Entry) -> type[Any]:
    """Import a component's class and check that it is one of its kind.

    Raises:
        UsageError: it cannot be imported, or is no subclass of its contract.
    """
    value = entry.load()
    contracts = CONTRACTS[entry.kind]
    if not (inspect.isclass(value) and issubclass(value, contracts)):
        raise UsageError(
            f"{entry.kind} '{entry.name}' of {entry.distribution}: {entry.target} must be a subclass of "
            f"{' or '.join(f'ganbench.api.{contract.__name__}' for contract in contracts)}"
        )
    return value


def classes(kind: str, registry: Registry) -> Iterator[tuple[str, type[Any]]]:
    """The components of a kind by the names that they must be called by, without those that cannot be imported."""
    for entry in registry.entries(kind):
        try:
            yield registry.short_name(entry), load_class(entry)
        except GanbenchError:
            continue


def build(kind: str, name: str, cls: type[Any], parameters: dict[str, Scalar]) -> Any:
    """Build a component; what its constructor objects to is the user's to mend.

    Raises:
        UsageError: the constructor refused the parameters, or failed, or the class lacks a method of its contract, or
            is of two.
    """
    try:
        built = cls(**parameters)
    except GanbenchError:
        raise
    except Exception as error:
        raise UsageError(f"{kind} '{name}': {in_one_line(error)}") from error
    if isinstance(built, Penalty) and isinstance(built, GeneratorPenalty):
        raise UsageError(
            f"{kind} '{name}' cannot be used: {cls.__name__} is a Penalty and a GeneratorPenalty, but each joins one "
            "player's objective; write one class for each"
        )
    if lacking := _lacking(kind, built):
        raise UsageError(f"{kind} '{name}' cannot be used: {cls.__name__} does not define {' and '.join(lacking)}")
    return built


def _lacking(kind: str, built: Any) -> list[str]:
    """The methods that a component must have and has not, each as ``name()``."""
    contract = next(one for one in CONTRACTS[kind] if isinstance(built, one))

    def inherited(name: str) -> bool:
        return getattr(getattr(built, name), "__func__", None) is getattr(contract, name)

    if contract is Penalty and not (built.differentiable and inherited("on_outputs")):
        return []  # it only projects weights, or its outputs stand in for the call
    if kind == "architecture" and not inherited("build_conditional"):
        return []  # always conditional
    return [f"{name}()" for name in METHODS[contract] if inherited(name)]


def kinds_of(what: str, declared: Any) -> tuple[Kind, ...]:
    """Return the kinds of samples that an architecture or a penalty declares.

    Raises:
        UsageError: they are no tuple of the contract's words; begins with ``what``.
    """
    known = get_args(Kind)
    if not isinstance(declared, tuple | list) or not declared or not set(declared) <= set(known):
        raise UsageError(
            f"{what} declares kinds = {declared!r}; it must be a tuple of {' and '.join(map(repr, known))}, such as "
            f"({known[0]!r},)"
        )
    return tuple(declared)


def several(kinds: tuple[Kind, ...]) -> str:
    """Kinds of samples, as a sentence names many of them: ``images and vectors``."""
    return " and ".join(f"{kind}s" for kind in kinds)


def resolve(request: ComponentRequest, registry: Registry, settle: Settle | None = None) -> tuple[Component, Any]:
    """Return the resolved component and its instance.

    Args:
        request: what was asked for.
        registry: where to find it.
        settle: gives parameters that are left to the context their values, which are recorded and not shown.
    """
    entry = registry.find(request.kind, f"{request.distribution}:{request.name}")
    cls = load_class(entry)
    asked = merge(request.kind, request.name, cls, request.parameters, request.texts)
    settled = settle(cls, dict(asked)) if settle is not None else asked
    changed = {key: value for key, value in settled.items() if asked[key] != value}
    parameters = asked | changed
    plain = defaults(request.kind, cls)
    shown = {key: value for key, value in parameters.items() if value != plain[key] and key not in changed}
    component = Component(
        name=entry.name,
        label=label(entry, shown),
        plugin=entry.distribution,
        version=entry.version,
        source=source_hash(cls),
        parameters=parameters,
    )
    return component, build(request.kind, request.name, cls, parameters)


def rebuild(
    kind: str,
    component: Component,
    registry: Registry,
    *,
    data_at: Mapping[str, str] | None = None,
    warn: Callable[[str], object] | None = None,
) -> Any:
    """Build a component of a stored specification, and make sure it still is the one the specification means.

    Args:
        kind: the component's.
        component: which one.
        registry: where to find it.
        data_at: of a dataset, where its samples lie: the parameters that :func:`set_apart` took out.
        warn: told in one line where the package has another version and the component the same code, which is accepted
            where this is given: where nothing is trained.

    Raises:
        UsageError: the package is missing, has another version, or its code has changed.
    """
    if not registry.knows(component.plugin):
        raise UsageError(
            f"{kind} '{component.plugin}:{component.name}' comes with the package {component.plugin} "
            f"{component.version}, which is not installed; install it"
        )
    entry = registry.find(kind, f"{component.plugin}:{component.name}")
    cls = load_class(entry)
    source = source_hash(cls)
    if (entry.version, source) != (component.version, component.source):
        here = f"{kind} '{component.name}' of {component.plugin} is {entry.version}"
        if warn is None or source != component.source:
            raise UsageError(
                f"{here} ({source}) here, but the trial was planned with {component.version} "
                f"({component.source}); install that version, or run the grid again"
            )
        warn(f"{here} here, with the same code as the {component.version} that the trial was planned with")
    return build(kind, component.name, cls, {**component.parameters, **(data_at or {})})


def set_apart(component: Component, registry: Registry) -> tuple[Component, dict[str, str]]:
    """Return a dataset without the parameters that say where its samples lie, and those of them that are given.

    Args:
        component: the dataset, resolved.
        registry: where to find it.

    Raises:
        UsageError: the dataset's class names locations that are no parameters of its constructor, or no text.
    """
    entry = registry.find("dataset", f"{component.plugin}:{component.name}")
    cls = load_class(entry)
    names = locations(entry.name, cls)
    if not names:
        return component, {}
    plain = defaults("dataset", cls)
    kept = {key: value for key, value in component.parameters.items() if key not in names}
    own = label(entry, {key: value for key, value in kept.items() if value != plain[key]})
    data_at = {name: absolute(path) for name in names if (path := str(component.parameters[name]))}
    return component.model_copy(update={"label": own, "parameters": kept}), data_at


def locations(name: str, cls: type[Any]) -> tuple[str, ...]:
    """Return the parameters of a dataset's class that say where its samples lie.

    Raises:
        UsageError: they are no parameters of its constructor, or no text; ``name`` is the dataset's.
    """
    own, plain = cls.locations, defaults("dataset", cls)
    if not isinstance(own, tuple) or not all(isinstance(plain.get(each), str) for each in own):
        raise UsageError(
            f"dataset '{name}' declares locations = {own!r}; it must be a tuple with the names of parameters that "
            "are text"
        )
    return own


def label(entry: Entry, shown: dict[str, Scalar]) -> str:
    """The component as a user would type it: what differs from the defaults, a path after a colon."""
    rest = dict(shown)
    head = f"{entry.name}:{rest.pop(entry.argument)}" if entry.argument in rest else entry.name
    inside = ",".join(f"{key}={format_scalar(value)}" for key, value in rest.items())
    return f"{head}[{inside}]" if inside else head
