"""What a component says of itself, for ``ganbench show``. Imports the component, and with it torch."""

import inspect
import math
import re
from collections.abc import Callable
from typing import Any

from ganbench import components
from ganbench.api import GeneratorPenalty
from ganbench.errors import UsageError, with_kind
from ganbench.executors.options import declared
from ganbench.grid import parse_component
from ganbench.parameters import defaults, merge
from ganbench.registry import Entry, Registry
from ganbench.spec import Scalar, format_scalar

_ROLE = re.compile(r":[a-z]+:`~?([^`]+)`")
_CODE = re.compile(r"``([^`]+)``")
_SPAN = re.compile(r"`[^`]+`")


def explain(entry: Entry) -> dict[str, Any]:
    """Describe one component in plain values.

    Raises:
        UsageError: it cannot be imported, is no component of its kind, or declares what its contract does not allow.
    """
    cls = components.load_class(entry) if entry.kind in components.CONTRACTS else entry.load()
    parameters = {} if entry.kind == "executor" else defaults(entry.kind, cls)
    return {
        "name": entry.name,
        "kind": entry.kind,
        "summary": entry.summary,
        "doc": own_doc(cls),
        "paper": entry.paper,
        "package": f"{entry.distribution} {entry.version}",
        "target": entry.target,
        "parameters": {key: _for_json(value) for key, value in parameters.items()},
        "meanings": {key: text for key, text in meanings(cls).items() if key in parameters},
        "options": _guarded(entry, lambda: declared(cls)) if entry.kind == "executor" else {},
        "recommends": {key: _for_json(value) for key, value in dict(getattr(cls, "recommends", {})).items()},
        "facts": _guarded(entry, lambda: _FACTS[entry.kind](entry, cls)) if entry.kind in _FACTS else {},
    }


def require_accepted(entry: Entry, text: str, registry: Registry) -> None:
    """Refuse parameters that a run refuses, in ``text`` as it stands for the component; its files are not looked at.

    Raises:
        UsageError: one cannot be read, is unknown, of another type, or refused by the component.
    """
    if entry.kind == "executor":
        raise UsageError(f"executor '{entry.name}' takes no brackets; 'ganbench show {entry.name}' lists its options")
    for request in parse_component(entry.kind, text, registry):
        cls = components.load_class(entry) if entry.kind in components.CONTRACTS else entry.load()
        merged = merge(entry.kind, entry.name, cls, request.parameters)
        if entry.kind in components.CONTRACTS:
            components.build(entry.kind, entry.name, cls, merged)


def own_doc(cls: Any) -> str:
    """The docstring of the class or of the nearest base that has one, contracts aside, without its sections on
    arguments, of which :func:`meanings` tells, and on errors, which is for those who call it from Python.
    """
    text = next((inspect.cleandoc(doc) for one in _own_classes(cls) if (doc := one.__dict__.get("__doc__"))), "")
    return _plain(re.split(r"^(?:Args|Attributes|Raises):", text, maxsplit=1, flags=re.MULTILINE)[0].strip())


def meanings(cls: Any) -> dict[str, str]:
    """What each argument of the constructor means, by name, from the section ``Args:`` of the class's docstring or of
    its constructor's, or of those of its bases, each in one line.
    """
    found: dict[str, str] = {}
    for one in _own_classes(cls):
        for doc in (one.__dict__.get("__doc__"), getattr(one.__dict__.get("__init__"), "__doc__", None)):
            found = _arguments(inspect.cleandoc(doc or "")) | found
    return found


def _arguments(doc: str) -> dict[str, str]:
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)+)", doc, re.MULTILINE)
    if section is None:
        return {}
    items = re.finditer(
        r"^(\w+)(?: \([^)]*\))?: *(.*(?:\n+[ \t]+.*)*)", inspect.cleandoc("\n" + section[1]), re.MULTILINE
    )
    # A value is typed as `norm_d=batch`, without the quotes that it has in Python.
    return {
        item[1]: _SPAN.sub(lambda span: span[0].replace('"', ""), _plain(" ".join(item[2].split()))) for item in items
    }


def _own_classes(cls: Any) -> list[type]:
    """The class and its bases, the nearest first, contracts aside."""
    return [one for one in getattr(cls, "__mro__", ()) if one is not object and not _is_contract(one)]


def _plain(text: str) -> str:
    """Docstrings' markup is for those who read the code: a role keeps the last part of its name."""
    return _CODE.sub(r"`\1`", _ROLE.sub(lambda role: role[1].rpartition(".")[2], text))


def _is_contract(cls: type) -> bool:
    return cls.__module__.startswith("ganbench.api.") or cls.__module__ in ("ganbench.executors", "ganbench.trackers")


def _for_json(value: Any) -> Scalar:
    """A value as it is where JSON has it, else as it would be typed."""
    as_it_is = isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
    return value if as_it_is else format_scalar(value)


def _guarded(entry: Entry, read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Read what a class declares, which may be anything."""
    try:
        return read()
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"{entry.kind} '{entry.name}' of {entry.distribution} cannot be explained ({with_kind(error)}); run "
            f"`ganbench plugins check {entry.distribution}` for details"
        ) from error


def _of_loss(entry: Entry, cls: Any) -> dict[str, Any]:
    discriminator, generator = cls.formula
    penalty = components.build("loss", cls.__name__, cls, {}).penalty
    return {
        "discriminator minimises": discriminator,
        "generator minimises": generator,
        "penalty": type(penalty).__name__ if penalty is not None else "",
        "label smoothing": "yes" if cls.smoothable else "",
        "generator sees real samples": "yes" if cls.needs_real else "",
    }


def _of_penalty(entry: Entry, cls: Any) -> dict[str, Any]:
    if issubclass(cls, GeneratorPenalty):
        return {"term": cls.formula, "joins": "the generator's objective"}
    return {"term": cls.formula, "constrains": cls.constrains}


def _of_augmentation(entry: Entry, cls: Any) -> dict[str, Any]:
    return {"used with": f"--set augment={entry.name}"}


def _of_architecture(entry: Entry, cls: Any) -> dict[str, Any]:
    low, high = cls.sizes
    kinds = components.kinds_of(f"architecture '{entry.name}'", cls.kinds)
    sides = f"{'powers of two ' if cls.power_of_two else ''}from {low} to {high}" if "image" in kinds else ""
    return {"makes": components.several(kinds), "image sides": sides}


def _of_dataset(entry: Entry, cls: Any) -> dict[str, Any]:
    return {
        "extractor": cls.extractor if isinstance(cls.extractor, str) else "",
        "metrics": ", ".join(cls.metrics) if isinstance(cls.metrics, tuple) else "",
        "reference": cls.reference_split if isinstance(cls.reference_split, str) else "",
        "source": cls.source,
        "licence": cls.licence,
    }


def _of_metric(entry: Entry, cls: Any) -> dict[str, Any]:
    values = {name: value.direction for name, value in cls.values.items()}
    return {
        "values": ", ".join(f"{name} ({way} is better)" if way else name for name, way in values.items()),
        "needs": ", ".join(cls.needs),
        "when": "at every evaluation" if cls.when == "always" else "at the end",
    }


def _of_extractor(entry: Entry, cls: Any) -> dict[str, Any]:
    return {
        "features": f"{cls.dimension} from layer {cls.feature_layer}",
        "logits": cls.logits_layer,
        "channels": cls.channels,
        "domain": cls.domain,
        "torch-fidelity": cls.registered_name,
    }


_FACTS: dict[str, Callable[[Entry, Any], dict[str, Any]]] = {
    "loss": _of_loss,
    "penalty": _of_penalty,
    "augmentation": _of_augmentation,
    "architecture": _of_architecture,
    "dataset": _of_dataset,
    "metric": _of_metric,
    "extractor": _of_extractor,
}
"""By kind, what its contract lets a class declare, in the words of the contract; the other kinds declare nothing."""
