"""A component's class from a package imported once more: nothing is kept in it from earlier calls."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def defined(module: str, name: str) -> Any:
    """What is called so, or ``None``: what a script or a function's body defines is not found by its name."""
    if module == "__main__":
        return None
    try:
        found: Any = import_module(module)
    except ImportError:
        return None
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def imported_anew(cls: Any) -> Any:
    """The same class with the state of its first import, in its modules and in itself; or ``None``.

    ``None`` where it is not found by name, or its package cannot be imported twice. Modules that others have imported
    stay theirs.
    """
    where, name = cls.__module__, cls.__qualname__
    if defined(where, name) is not cls:
        return None
    first, parent = where.partition(".")[0], where.rpartition(".")[0]
    package = parent if first == "ganbench" else first  # a built-in's contract is not to be another class
    kept = _modules(package)
    holder, _, child = package.rpartition(".")
    for module in kept:
        del sys.modules[module]
    try:
        return defined(where, name)
    except Exception:  # whatever a package objects to that is imported twice
        return None
    finally:
        for module in _modules(package):
            del sys.modules[module]
        sys.modules.update(kept)
        if holder:
            setattr(sys.modules[holder], child, kept[package])


def _modules(package: str) -> dict[str, ModuleType]:
    """Those of a package that Python's source makes; compiled ones cannot all be imported twice."""
    return {
        name: module
        for name, module in list(sys.modules.items())
        if (name == package or name.startswith(f"{package}."))
        and str(getattr(module, "__file__", None)).endswith(".py")
    }
