"""What a component says of itself, for ``ganbench show``. Imports the component, and with it torch."""

import inspect
import re
from collections.abc import Callable
from typing import Any

from ganbench import components
from ganbench.errors import UsageError, with_kind
from ganbench.parameters import defaults
from ganbench.registry import Entry
from ganbench.spec import format_scalar

_ROLE = re.compile(r":[a-z]+:`~?([^`]+)`")
_CODE = re.compile(r"``([^`]+)``")


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
        "parameters": {key: format_scalar(value) for key, value in parameters.items()},
        "recommends": {key: format_scalar(value) for key, value in dict(getattr(cls, "recommends", {})).items()},
        "facts": _declared(entry, cls),
    }


def own_doc(cls: Any) -> str:
    """The docstring of the class or of the nearest base that has one, contracts aside, without the section on
    arguments, which is for those who call it from Python.
    """
    own = (one for one in getattr(cls, "__mro__", ()) if one is not object and not _is_contract(one))
    text = inspect.cleandoc(next((doc for one in own if (doc := one.__dict__.get("__doc__"))), ""))
    text = text.split("\nArgs:")[0].split("\nAttributes:")[0].strip()
    # The markup of docstrings is for those who read the code: a role keeps the last part of its name.
    return _CODE.sub(r"`\1`", _ROLE.sub(lambda role: role[1].rpartition(".")[2], text))


def _is_contract(cls: type) -> bool:
    return cls.__module__.startswith("ganbench.api.") or cls.__module__ in ("ganbench.executors", "ganbench.trackers")


def _declared(entry: Entry, cls: Any) -> dict[str, Any]:
    try:
        return _FACTS[entry.kind](entry, cls) if entry.kind in _FACTS else {}
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
    return {"term": cls.formula, "constrains": cls.constrains}


def _of_augmentation(entry: Entry, cls: Any) -> dict[str, Any]:
    return {"used with": f"--set augment={entry.name}"}


def _of_architecture(entry: Entry, cls: Any) -> dict[str, Any]:
    low, high = cls.sizes
    sides = f"{'powers of two ' if cls.power_of_two else ''}from {low} to {high}" if "image" in cls.kinds else ""
    return {"makes": " and ".join(f"{one}s" for one in cls.kinds), "image sides": sides}


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
